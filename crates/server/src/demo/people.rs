//! The members of the demonstration: who they are, when they first come, whether they join, how often they buy and
//! where they like to go. Their phones, +7 999 000-10-00 and on, are nobody's.

use chrono::{Days, NaiveDate};
use domain::people::Locale;

use super::random::Random;
use super::town::PARTNERS;

/// The first phone of a member; the ones before it are for people who run things.
const FIRST_PHONE: u64 = 79_990_001_000;

/// Who is new in the programme's first month, of a hundred.
const FROM_THE_START: u64 = 35;

/// A member to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// E.164.
    pub(super) phone: String,
    pub(super) name: String,
    pub(super) birthday: NaiveDate,
    pub(super) locale: Locale,
    /// The day of the first visit, counted from the beginning.
    pub(super) appears: u64,
    /// Days from then until the person joins; none: never.
    pub(super) joins_after: Option<u64>,
    /// How often the person buys beside the others.
    pub(super) weight: u64,
    /// The partners that the person likes most and second.
    pub(super) favourites: [usize; 2],
}

const WOMEN: [&str; 24] = [
    "Анна",
    "Мария",
    "Елена",
    "Ольга",
    "Наталья",
    "Екатерина",
    "Татьяна",
    "Ирина",
    "Светлана",
    "Юлия",
    "Анастасия",
    "Дарья",
    "Ксения",
    "Полина",
    "Виктория",
    "Алина",
    "Вера",
    "Софья",
    "Людмила",
    "Марина",
    "Галина",
    "Жанна",
    "Варвара",
    "Нина",
];
const MEN: [&str; 20] = [
    "Александр",
    "Дмитрий",
    "Сергей",
    "Андрей",
    "Алексей",
    "Максим",
    "Иван",
    "Михаил",
    "Николай",
    "Павел",
    "Роман",
    "Артём",
    "Илья",
    "Кирилл",
    "Егор",
    "Олег",
    "Виктор",
    "Юрий",
    "Тимур",
    "Глеб",
];
/// Surnames that take an «а» for women.
const SURNAMES: [&str; 30] = [
    "Смирнов",
    "Иванов",
    "Кузнецов",
    "Соколов",
    "Попов",
    "Лебедев",
    "Козлов",
    "Новиков",
    "Морозов",
    "Петров",
    "Волков",
    "Соловьёв",
    "Васильев",
    "Зайцев",
    "Павлов",
    "Семёнов",
    "Голубев",
    "Виноградов",
    "Богданов",
    "Воробьёв",
    "Фёдоров",
    "Михайлов",
    "Беляев",
    "Тарасов",
    "Белов",
    "Комаров",
    "Орлов",
    "Киселёв",
    "Макаров",
    "Андреев",
];

/// As many people as asked for, by the day of their first visit. The first of them buys often and has joined, so that
/// there is somebody to sign in as.
pub(super) fn people(seed: u64, count: u32, days: u64, today: NaiveDate) -> Vec<Person> {
    let mut random = Random::new(seed, "people");
    let mut all: Vec<Person> = (0..count)
        .map(|_| person(&mut random, days, today))
        .collect();
    if let Some(first) = all.first_mut() {
        first.appears = 0;
        first.joins_after = Some(0);
        first.weight = 25;
        first.favourites = [0, 3];
        first.locale = Locale::Ru;
    }
    all.sort_by_key(|person| person.appears);
    for (place, person) in (0..).zip(all.iter_mut()) {
        let number: u64 = FIRST_PHONE + place;
        person.phone = format!("+{number}");
    }
    all
}

fn person(random: &mut Random, days: u64, today: NaiveDate) -> Person {
    let surname = random.pick(&SURNAMES);
    let name = if random.percent(58) {
        format!("{} {surname}а", random.pick(&WOMEN))
    } else {
        format!("{} {surname}", random.pick(&MEN))
    };
    let age = Days::new(365 * 16 + random.below(365 * 60));
    let appears = if random.percent(FROM_THE_START) {
        random.below(days.min(30))
    } else {
        random.below(days)
    };
    let joins_after = match random.below(100) {
        0..15 => None,
        15..35 => Some(1 + random.below(60)),
        _ => Some(0),
    };
    // Most come now and then, a few nearly every day.
    let weight = match random.below(100) {
        0..45 => 1,
        45..75 => 3,
        75..92 => 8,
        92..99 => 20,
        _ => 60,
    };
    let popularity = || PARTNERS.iter().map(|partner| partner.popularity);
    let favourites = [random.weighted(popularity()), random.weighted(popularity())];
    Person {
        phone: String::new(),
        name,
        birthday: today.checked_sub_days(age).unwrap_or(today),
        locale: if random.percent(4) {
            Locale::En
        } else {
            Locale::Ru
        },
        appears,
        joins_after,
        weight,
        favourites,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_join_some_wait_and_all_have_a_phone_of_their_own() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
        let all = people(1, 2_000, 365, today);
        let joined = all
            .iter()
            .filter(|person| person.joins_after.is_some())
            .count();
        assert!((1_600..1_800).contains(&joined), "{joined}");
        assert!(all.is_sorted_by_key(|person| person.appears));
        assert_eq!(all[0].phone, "+79990001000");
        assert_eq!(all[1_999].phone, "+79990002999");
        assert!(all[0].weight == 25 && all[0].appears == 0);
        assert_eq!(all, people(1, 2_000, 365, today));
        for person in &all {
            let phone = domain::phone::Phone::parse(&person.phone, domain::phone::Region::RU);
            assert!(phone.unwrap().is_mobile());
        }
    }
}
