//! What happens in the demonstration and when, drawn from a seed: a list of events in order of time. Pure: it knows no
//! database, and what an event does to points is decided by the services when it is carried out.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::people::{Person, people};
use super::random::Random;
use super::town::{ALL_YEAR, EVERY_DAY, Goods, PARTNERS, Partner};

/// How large a coalition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Size {
    pub(crate) members: u32,
    pub(crate) months: u32,
    pub(crate) seed: u64,
}

/// Purchases of a member in a year, on average.
const A_YEAR: u64 = 10;

/// How much more often somebody goes to the favourite partner and to the second.
const FAVOURED: [u64; 2] = [14, 6];

/// What bills cost beside their usual price, in hundredths: most a little less, a few much more.
const SPREAD: [i64; 16] = [
    40, 52, 61, 68, 75, 81, 88, 94, 100, 107, 116, 127, 143, 165, 205, 320,
];

/// How points take part in a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pay {
    /// They don't.
    Money,
    /// So many percent of what may be spent, at once.
    Points(i64),
    /// So many percent of what may be spent, set aside before.
    Hold(i64),
}

/// A purchase to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Purchase {
    pub(super) person: usize,
    pub(super) partner: usize,
    pub(super) place: usize,
    pub(super) cashier: &'static str,
    /// Category and price in hundredths, line by line.
    pub(super) lines: Vec<(Option<&'static str>, i64)>,
    pub(super) pay: Pay,
}

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Return {
    Everything,
    FirstLine,
    /// So much money, in hundredths.
    Amount(i64),
}

/// What happens; numbers are places in [`Plan::people`] and [`Plan::purchases`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The person joins.
    Join(usize),
    /// Points are set aside for this purchase.
    Hold(usize),
    /// They are given back: the purchase is not made.
    Release(usize),
    /// The purchase is made.
    Purchase(usize),
    /// It is undone on its day.
    Void(usize),
    /// It, or a part of it, is given back.
    Refund(usize, Return),
}

/// Something that happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    pub(super) what: What,
}

/// Everything that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// When the coalition begins: before the first event.
    pub(super) begins: DateTime<Utc>,
    pub(super) people: Vec<Person>,
    pub(super) purchases: Vec<Purchase>,
    /// In order of time.
    pub(super) events: Vec<Event>,
}

impl Purchase {
    /// The bill in hundredths.
    pub(super) fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.1).sum()
    }
}

/// The plan of a coalition whose history ends at `end`.
pub(super) fn plan(size: Size, end: DateTime<Utc>, zone: Tz) -> Plan {
    let today = end.with_timezone(&zone).date_naive();
    let days = (u64::from(size.months) * 365 / 12).max(1);
    let first = today.checked_sub_days(Days::new(days)).unwrap_or(today);
    let mut draft = Draft {
        random: Random::new(size.seed, "purchases"),
        zone,
        end,
        people: people(size.seed, size.members, days, today),
        purchases: Vec::new(),
        events: Vec::new(),
    };
    draft.joins(first);
    let calendar: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= today).collect();
    let wanted = u64::from(size.members) * A_YEAR * u64::from(size.months) / 12;
    let counts = draft.counts(&calendar, wanted);
    for (passed, (day, count)) in (0..).zip(calendar.iter().zip(counts)) {
        draft.day(passed, *day, count);
    }
    draft.events.sort_by_key(|event| event.at);
    Plan {
        begins: moment(zone, first, 6 * 3600),
        people: draft.people,
        purchases: draft.purchases,
        events: draft.events,
    }
}

/// A plan in the making.
struct Draft {
    random: Random,
    zone: Tz,
    end: DateTime<Utc>,
    people: Vec<Person>,
    purchases: Vec<Purchase>,
    events: Vec<Event>,
}

impl Draft {
    /// Adds an event, unless history has ended before it.
    fn event(&mut self, at: DateTime<Utc>, what: What) -> bool {
        let happens = at <= self.end;
        if happens {
            self.events.push(Event { at, what });
        }
        happens
    }

    /// People join in the morning, before the shops are busy.
    fn joins(&mut self, first: NaiveDate) {
        for person in 0..self.people.len() {
            let Some(after) = self.people[person].joins_after else {
                continue;
            };
            let day = first + Days::new(self.people[person].appears + after);
            let at = moment(self.zone, day, 6 * 3600 + self.random.between(600, 4_200));
            self.event(at, What::Join(person));
        }
    }

    /// How many purchases each day has: more members, busier months and weekends make more.
    fn counts(&mut self, calendar: &[NaiveDate], wanted: u64) -> Vec<u64> {
        let mut weights = Vec::with_capacity(calendar.len());
        for (passed, day) in (0..).zip(calendar) {
            let active: u64 = self
                .present(passed)
                .iter()
                .map(|person| person.weight)
                .sum();
            let busy = by_month(&ALL_YEAR, *day) * by_weekday(&EVERY_DAY, *day);
            weights.push(active * busy * (80 + self.random.below(41)));
        }
        let whole: u64 = weights.iter().sum();
        let share = |sum: u64| {
            let part = u128::from(sum) * u128::from(wanted);
            let part = part.checked_div(u128::from(whole)).unwrap_or(0);
            u64::try_from(part).unwrap_or(0)
        };
        let mut sum = 0;
        let of_day = |weight: &u64| {
            let before = share(sum);
            sum += *weight;
            share(sum) - before
        };
        weights.iter().map(of_day).collect()
    }

    /// Those who have appeared by a day.
    fn present(&self, passed: u64) -> &[Person] {
        let count = self
            .people
            .partition_point(|person| person.appears <= passed);
        &self.people[..count]
    }

    fn day(&mut self, passed: u64, day: NaiveDate, count: u64) {
        let mut sums = Vec::new();
        let mut sum = 0;
        for person in self.present(passed) {
            sum += person.weight;
            sums.push(sum);
        }
        for _ in 0..count {
            let drawn = self.random.below(sum);
            let person = sums.partition_point(|sum| *sum <= drawn);
            self.purchase(person, passed, day);
        }
    }

    fn purchase(&mut self, person: usize, passed: u64, day: NaiveDate) {
        let favourites = self.people[person].favourites;
        let joins = &self.people[person];
        let joined = joins
            .joins_after
            .is_some_and(|after| joins.appears + after <= passed);
        let weights = PARTNERS.iter().enumerate().map(|(place, partner)| {
            let favoured = [favourites[0] == place, favourites[1] == place];
            let extra =
                1 + u64::from(favoured[0]) * FAVOURED[0] + u64::from(favoured[1]) * FAVOURED[1];
            partner.popularity
                * extra
                * by_month(&partner.months, day)
                * by_weekday(&partner.weekdays, day)
        });
        let weights: Vec<u64> = weights.collect();
        let partner_number = self.random.weighted(weights.iter().copied());
        let partner = &PARTNERS[partner_number];
        let hour = self.random.weighted(partner.hours.iter().copied());
        let hour = i64::try_from(hour).unwrap_or(0) + 8;
        let at = moment(self.zone, day, hour * 3600 + self.random.between(0, 3_599));
        let purchase = Purchase {
            person,
            partner: partner_number,
            place: self.random.index(partner.places.len()),
            cashier: self.random.pick(partner.cashiers),
            lines: lines(&mut self.random, partner.goods),
            pay: if joined {
                self.pay(partner)
            } else {
                Pay::Money
            },
        };
        self.enter(at, day, purchase);
    }

    fn pay(&mut self, partner: &Partner) -> Pay {
        let share = self.random.between(4, 10) * 10;
        match self.random.below(100) {
            0..14 => Pay::Points(share),
            14..20 if partner.takes_orders => Pay::Hold(share),
            _ => Pay::Money,
        }
    }

    /// The purchase with what comes before and after it.
    fn enter(&mut self, at: DateTime<Utc>, day: NaiveDate, purchase: Purchase) {
        let number = self.purchases.len();
        let (total, held) = (purchase.total(), matches!(purchase.pay, Pay::Hold(_)));
        let fate = self.random.below(100);
        self.purchases.push(purchase);
        if held {
            let before = Duration::minutes(self.random.between(3, 12));
            self.event(at - before, What::Hold(number));
            match fate {
                // Left alone, the hold lapses.
                0..8 => return,
                8..20 => {
                    self.event(at, What::Release(number));
                    return;
                }
                _ => {}
            }
        }
        if !self.event(at, What::Purchase(number)) {
            return;
        }
        let fate = self.random.below(1_000);
        if fate < 7 {
            let at = at + Duration::minutes(self.random.between(2, 30));
            if at.with_timezone(&self.zone).date_naive() == day {
                self.event(at, What::Void(number));
            }
        } else if fate < 40 {
            let back = match self.random.below(10) {
                0..5 => Return::Everything,
                5..8 => Return::FirstLine,
                _ => Return::Amount((total / 2).max(1)),
            };
            let day = day + Days::new(1 + self.random.below(10));
            let at = moment(self.zone, day, self.random.between(10 * 3600, 19 * 3600));
            self.event(at, What::Refund(number, back));
        }
    }
}

/// One to four lines at prices around the usual ones, in whole units.
fn lines(random: &mut Random, goods: &'static [Goods]) -> Vec<(Option<&'static str>, i64)> {
    let count = match random.below(10) {
        0..5 => 1,
        5..8 => 2,
        8 => 3,
        _ => 4,
    };
    let mut lines = Vec::with_capacity(count);
    for _ in 0..count {
        let chosen = &goods[random.weighted(goods.iter().map(|goods| goods.weight))];
        let spread = random.pick(&SPREAD) + random.between(-4, 4);
        let price = (chosen.price * spread / 100).max(10);
        lines.push((chosen.category, price * 100));
    }
    lines
}

fn by_month(weights: &[u64; 12], day: NaiveDate) -> u64 {
    let month = usize::try_from(day.month0()).unwrap_or(0);
    weights[month]
}

fn by_weekday(weights: &[u64; 7], day: NaiveDate) -> u64 {
    let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
    weights[weekday]
}

/// A moment of a day in the zone, told by seconds; where clocks skip it, an hour later.
fn moment(zone: Tz, day: NaiveDate, seconds: i64) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN) + Duration::seconds(seconds);
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| {
        zone.from_local_datetime(&(local + Duration::hours(1)))
            .earliest()
    });
    found.map_or_else(|| local.and_utc(), |found| found.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year() -> Plan {
        let size = Size {
            members: 2_000,
            months: 12,
            seed: 1,
        };
        let end = "2026-03-02T12:00:00Z".parse().unwrap();
        plan(size, end, chrono_tz::Europe::Moscow)
    }

    #[test]
    fn a_year_of_2000_members_has_about_20000_purchases_in_order_of_time() {
        let plan = year();
        let end: DateTime<Utc> = "2026-03-02T12:00:00Z".parse().unwrap();
        let count = |wanted: fn(&What) -> bool| {
            plan.events
                .iter()
                .filter(|event| wanted(&event.what))
                .count()
        };
        let purchases = count(|what| matches!(what, What::Purchase(_)));
        assert!((19_500..=20_000).contains(&purchases), "{purchases}");
        assert!(count(|what| matches!(what, What::Join(_))) > 1_500);
        assert!((400..900).contains(&count(|what| matches!(what, What::Refund(..)))));
        assert!((70..220).contains(&count(|what| matches!(what, What::Void(_)))));
        assert!(count(|what| matches!(what, What::Hold(_))) > 100);
        assert!(count(|what| matches!(what, What::Release(_))) > 5);
        assert!(plan.events.is_sorted_by_key(|event| event.at));
        assert!(
            plan.events
                .iter()
                .all(|event| plan.begins <= event.at && event.at <= end)
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_year_and_another_seed_another() {
        let plan_of = |seed| {
            let size = Size {
                members: 50,
                months: 2,
                seed,
            };
            plan(
                size,
                "2026-03-02T12:00:00Z".parse().unwrap(),
                chrono_tz::Europe::Moscow,
            )
        };
        assert_eq!(plan_of(1), plan_of(1));
        assert_ne!(plan_of(1).purchases, plan_of(2).purchases);
    }

    #[test]
    fn shops_keep_their_hours_and_their_days_of_rest() {
        use chrono::{Timelike, Weekday};
        let plan = year();
        for event in &plan.events {
            let What::Purchase(number) = event.what else {
                continue;
            };
            let partner = &PARTNERS[plan.purchases[number].partner];
            let local = event.at.with_timezone(&chrono_tz::Europe::Moscow);
            assert!(
                (8..=21).contains(&local.hour()),
                "{} at {local}",
                partner.slug
            );
            assert!(partner.weekdays[0] > 0 || local.weekday() != Weekday::Mon);
        }
    }
}
