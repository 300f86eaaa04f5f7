//! The partners of the demonstration: ten shops of one town, with what they sell and when people come. All made up.

/// A partner.
#[derive(Debug)]
pub(super) struct Partner {
    pub(super) slug: &'static str,
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    pub(super) description_ru: &'static str,
    pub(super) description_en: &'static str,
    /// Basis points of the money that come back as points.
    pub(super) base_rate: u32,
    /// Basis points of a bill that points may pay; none: as the programme says.
    pub(super) share_cap: Option<u32>,
    /// Points worth so many whole units of money may be spent without the member's code.
    pub(super) spend_without_code: i64,
    pub(super) owner: &'static str,
    pub(super) cashiers: &'static [&'static str],
    pub(super) places: &'static [Place],
    pub(super) goods: &'static [Goods],
    /// How often people come here beside the others.
    pub(super) popularity: u64,
    /// When people come, by the hour from 8 to 21.
    pub(super) hours: [u64; 14],
    /// By day of the week from Monday; 0 is closed.
    pub(super) weekdays: [u64; 7],
    /// By month from January.
    pub(super) months: [u64; 12],
    /// Whether it takes orders, for which points are set aside.
    pub(super) takes_orders: bool,
}

/// An outlet.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    /// Latitude and longitude in millionths of a degree.
    pub(super) point_e6: (i32, i32),
}

/// Something that is sold.
#[derive(Debug)]
pub(super) struct Goods {
    /// A category of the programme; none: the general one.
    pub(super) category: Option<&'static str>,
    /// What it usually costs, whole units of money.
    pub(super) price: i64,
    /// How often it is bought beside the others.
    pub(super) weight: u64,
}

const fn goods(category: &'static str, price: i64, weight: u64) -> Goods {
    Goods {
        category: Some(category),
        price,
        weight,
    }
}

const fn general(price: i64, weight: u64) -> Goods {
    Goods {
        category: None,
        price,
        weight,
    }
}

const fn place(name: &'static str, address: &'static str, latitude: i32, longitude: i32) -> Place {
    Place {
        name,
        address,
        point_e6: (latitude, longitude),
    }
}

const MORNINGS: [u64; 14] = [9, 10, 8, 6, 7, 8, 5, 4, 4, 5, 6, 5, 3, 2];
const DAYTIME: [u64; 14] = [0, 1, 4, 6, 7, 7, 6, 6, 7, 8, 8, 6, 2, 0];
const EVENINGS: [u64; 14] = [2, 2, 2, 2, 2, 2, 2, 2, 3, 6, 9, 10, 8, 6];
const STEADY: [u64; 14] = [3, 5, 6, 6, 6, 6, 5, 5, 6, 7, 8, 7, 5, 3];

pub(super) const EVERY_DAY: [u64; 7] = [8, 8, 8, 9, 11, 13, 11];
const BUSY_WEEKEND: [u64; 7] = [5, 5, 6, 8, 14, 17, 12];
const CLOSED_MONDAY: [u64; 7] = [0, 8, 9, 10, 13, 15, 9];

pub(super) const ALL_YEAR: [u64; 12] = [9, 10, 10, 10, 10, 9, 9, 9, 10, 10, 11, 13];
const GIFTS: [u64; 12] = [7, 10, 12, 8, 8, 7, 6, 9, 12, 8, 11, 20];

/// The town's partners, the first of them the one whose till key is shown.
pub(super) static PARTNERS: &[Partner] = &[
    Partner {
        slug: "lastochka",
        name: "Кофейня «Ласточка»",
        category: "cafe",
        description_ru: "Кофе, который обжаривают за стеной, и завтраки весь день.",
        description_en: "Coffee roasted next door, and breakfast all day.",
        base_rate: 500,
        share_cap: None,
        spend_without_code: 100,
        owner: "Ирина Ветрова",
        cashiers: &["Олеся", "Тимур", "Даша"],
        places: &[
            place(
                "На Молочной горе",
                "ул. Молочная Гора, 3",
                57_767_200,
                40_925_100,
            ),
            place("У вокзала", "Вокзальная пл., 1", 57_782_900, 40_953_400),
            place("В парке", "ул. Чайковского, 12", 57_764_100, 40_931_800),
        ],
        goods: &[
            goods("food", 260, 10),
            goods("food", 390, 6),
            goods("food", 180, 7),
            general(950, 1),
        ],
        popularity: 30,
        hours: MORNINGS,
        weekdays: EVERY_DAY,
        months: ALL_YEAR,
        takes_orders: false,
    },
    Partner {
        slug: "zakvaska",
        name: "Пекарня «Закваска»",
        category: "bakery",
        description_ru: "Хлеб на закваске, пироги и булки с шести утра.",
        description_en: "Sourdough bread, pies and buns from six in the morning.",
        base_rate: 300,
        share_cap: None,
        spend_without_code: 100,
        owner: "Павел Ржаной",
        cashiers: &["Нина", "Света"],
        places: &[
            place("На Советской", "ул. Советская, 27", 57_768_900, 40_935_600),
            place(
                "В Заволжье",
                "ул. Магистральная, 44",
                57_738_300,
                40_917_200,
            ),
        ],
        goods: &[
            goods("food", 120, 12),
            goods("food", 85, 8),
            goods("food", 340, 4),
        ],
        popularity: 28,
        hours: MORNINGS,
        weekdays: EVERY_DAY,
        months: ALL_YEAR,
        takes_orders: false,
    },
    Partner {
        slug: "apteka-romashka",
        name: "Аптека «Ромашка»",
        category: "pharmacy",
        description_ru: "Лекарства, уход и консультация провизора.",
        description_en: "Medicines, care, and a pharmacist to ask.",
        base_rate: 300,
        share_cap: Some(3_000),
        spend_without_code: 0,
        owner: "Галина Травина",
        cashiers: &["Людмила", "Рустам"],
        places: &[
            place("На Свердлова", "ул. Свердлова, 15", 57_771_500, 40_939_900),
            place("На Никитской", "ул. Никитская, 58", 57_775_800, 40_961_300),
            place(
                "В Давыдовском",
                "мкр-н Давыдовский-2, 9",
                57_741_600,
                40_988_700,
            ),
        ],
        goods: &[general(410, 8), general(180, 8), general(1_250, 3)],
        popularity: 20,
        hours: STEADY,
        weekdays: [10, 10, 10, 10, 10, 8, 6],
        months: [13, 13, 11, 9, 8, 6, 6, 6, 9, 12, 12, 12],
        takes_orders: true,
    },
    Partner {
        slug: "zakladka",
        name: "Книжный «Закладка»",
        category: "books",
        description_ru: "Книги, открытки и вечера чтения по четвергам.",
        description_en: "Books, postcards, and reading evenings on Thursdays.",
        base_rate: 700,
        share_cap: None,
        spend_without_code: 0,
        owner: "Марк Листов",
        cashiers: &["Вера", "Глеб"],
        places: &[place(
            "На Симановского",
            "ул. Симановского, 8",
            57_769_800,
            40_929_300,
        )],
        goods: &[
            general(640, 8),
            general(1_100, 4),
            general(220, 5),
            goods("gift_card", 1_500, 1),
        ],
        popularity: 9,
        hours: DAYTIME,
        weekdays: BUSY_WEEKEND,
        months: GIFTS,
        takes_orders: true,
    },
    Partner {
        slug: "pion",
        name: "Цветы «Пион»",
        category: "flowers",
        description_ru: "Букеты, горшечные растения и доставка за два часа.",
        description_en: "Bouquets, potted plants, and delivery within two hours.",
        base_rate: 600,
        share_cap: None,
        spend_without_code: 0,
        owner: "Алёна Лугова",
        cashiers: &["Карина", "Соня"],
        places: &[
            place("На площади", "Сусанинская пл., 5", 57_767_900, 40_926_900),
            place("На Ленина", "ул. Ленина, 102", 57_781_100, 40_934_500),
        ],
        goods: &[general(1_800, 8), general(2_900, 4), general(450, 4)],
        popularity: 7,
        hours: DAYTIME,
        weekdays: BUSY_WEEKEND,
        months: [6, 16, 26, 8, 11, 8, 6, 7, 20, 8, 9, 12],
        takes_orders: true,
    },
    Partner {
        slug: "salon-siren",
        name: "Салон красоты «Сирень»",
        category: "beauty",
        description_ru: "Стрижки, окрашивание, маникюр и уход.",
        description_en: "Haircuts, colouring, manicure and care.",
        base_rate: 500,
        share_cap: Some(3_000),
        spend_without_code: 0,
        owner: "Лилия Зорина",
        cashiers: &["Полина", "Эля"],
        places: &[
            place("На Мира", "пр-т Мира, 21", 57_776_400, 40_945_800),
            place("На Подлипаева", "ул. Подлипаева, 2", 57_763_800, 40_934_000),
        ],
        goods: &[
            goods("services", 2_400, 7),
            goods("services", 4_200, 4),
            general(1_300, 3),
        ],
        popularity: 7,
        hours: DAYTIME,
        weekdays: CLOSED_MONDAY,
        months: [8, 10, 12, 10, 11, 10, 9, 9, 10, 10, 11, 16],
        takes_orders: false,
    },
    Partner {
        slug: "barbershop-topor",
        name: "Барбершоп «Топор»",
        category: "barber",
        description_ru: "Мужские стрижки и бритьё без спешки.",
        description_en: "Men's haircuts and shaves without haste.",
        base_rate: 500,
        share_cap: None,
        spend_without_code: 0,
        owner: "Денис Секирин",
        cashiers: &["Костя"],
        places: &[place(
            "На Текстильщиков",
            "пр-т Текстильщиков, 33",
            57_778_600,
            40_928_700,
        )],
        goods: &[
            goods("services", 1_500, 9),
            goods("services", 2_200, 4),
            general(900, 2),
        ],
        popularity: 6,
        hours: DAYTIME,
        weekdays: CLOSED_MONDAY,
        months: ALL_YEAR,
        takes_orders: false,
    },
    Partner {
        slug: "sportzal-volga",
        name: "Спортзал «Волга»",
        category: "sport",
        description_ru: "Тренажёры, группы и бассейн на набережной.",
        description_en: "Machines, classes, and a pool on the embankment.",
        base_rate: 400,
        share_cap: Some(2_500),
        spend_without_code: 0,
        owner: "Антон Быстров",
        cashiers: &["Женя", "Ольга"],
        places: &[place(
            "На набережной",
            "ул. Лесная, 11",
            57_761_300,
            40_927_600,
        )],
        goods: &[
            goods("services", 3_200, 5),
            goods("services", 600, 6),
            goods("food", 240, 6),
        ],
        popularity: 8,
        hours: EVENINGS,
        weekdays: [12, 11, 12, 11, 9, 8, 5],
        months: [16, 13, 11, 9, 8, 6, 5, 6, 13, 12, 11, 8],
        takes_orders: false,
    },
    Partner {
        slug: "zayats",
        name: "Игрушки «Заяц»",
        category: "toys",
        description_ru: "Деревянные игрушки, настольные игры и мастерская выходного дня.",
        description_en: "Wooden toys, board games, and a weekend workshop.",
        base_rate: 600,
        share_cap: None,
        spend_without_code: 0,
        owner: "Юлия Ушакова",
        cashiers: &["Маша"],
        places: &[
            place(
                "В торговых рядах",
                "Красные ряды, 14",
                57_766_700,
                40_926_300,
            ),
            place(
                "На Индустриальной",
                "ул. Индустриальная, 50",
                57_746_200,
                40_981_500,
            ),
        ],
        goods: &[
            general(1_200, 8),
            general(2_600, 3),
            general(350, 6),
            goods("gift_card", 2_000, 1),
        ],
        popularity: 7,
        hours: DAYTIME,
        weekdays: BUSY_WEEKEND,
        months: GIFTS,
        takes_orders: true,
    },
    Partner {
        slug: "vinny-sad",
        name: "Винный бар «Сад»",
        category: "bar",
        description_ru: "Вино по бокалам, сыры и тихая музыка.",
        description_en: "Wine by the glass, cheese, and quiet music.",
        base_rate: 1_000,
        share_cap: None,
        spend_without_code: 0,
        owner: "Роман Лозин",
        cashiers: &["Илья", "Тася"],
        places: &[place(
            "На Островского",
            "ул. Островского, 6",
            57_765_400,
            40_923_800,
        )],
        goods: &[
            goods("alcohol", 520, 10),
            goods("food", 640, 8),
            goods("alcohol", 2_300, 2),
        ],
        popularity: 8,
        hours: EVENINGS,
        weekdays: CLOSED_MONDAY,
        months: ALL_YEAR,
        takes_orders: false,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ten_partners_with_one_to_three_places_and_rates_of_3_to_10_percent() {
        assert_eq!(PARTNERS.len(), 10);
        let slugs: BTreeSet<_> = PARTNERS.iter().map(|partner| partner.slug).collect();
        assert_eq!(slugs.len(), 10);
        for partner in PARTNERS {
            assert!((1..=3).contains(&partner.places.len()), "{}", partner.slug);
            assert!(
                (300..=1_000).contains(&partner.base_rate),
                "{}",
                partner.slug
            );
            assert!(!partner.goods.is_empty() && !partner.cashiers.is_empty());
            assert!(
                domain::programme::is_code(partner.category),
                "{}",
                partner.slug
            );
            assert!(domain::text::Slug::new(partner.slug).is_ok());
        }
    }
}
