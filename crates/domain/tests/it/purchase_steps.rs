//! What may happen to a member who buys: random worlds, purchases and returns.

use domain::loyalty::purchase::Terms;
use domain::loyalty::tier::{Ladder, TierMeasure};
use domain::loyalty::validity::Validity;
use domain::money::{BasisPoints, Money, PointValue};
use domain::programme::ProgrammeSettings;
use proptest::prelude::*;

use super::books::{business, points};
use super::ledger_properties::any_policy;
use super::purchase_oracle::{World, rules};

pub const CATEGORIES: [&str; 5] = ["general", "food", "alcohol", "tobacco", "gift_card"];

/// Points set aside before the purchase: minutes that they stay so, minutes that pass, thousandths that are captured.
#[derive(Clone, Copy, Debug)]
pub struct Aside {
    pub lasts: i64,
    pub passes: i64,
    pub captured: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Purchase {
    pub shop: u8,
    /// Category and amount.
    pub lines: Vec<(usize, i64)>,
    pub by_amounts: bool,
    /// Thousandths of the most that may be spent.
    pub share: i64,
    pub strong: bool,
    /// Less than nothing: the till's clock is ahead.
    pub late_minutes: i64,
    pub aside: Option<Aside>,
}

#[derive(Clone, Debug)]
pub enum Return {
    Everything,
    Void,
    /// Thousandths of what is left.
    Amount(i64),
    /// Lines by place, whole or by thousandths.
    Lines(Vec<(usize, Option<i64>)>),
}

#[derive(Clone, Debug)]
pub enum Step {
    Pass { hours: i64 },
    Buy(Purchase),
    Return { which: usize, what: Return },
}

pub fn purchase() -> impl Strategy<Value = Purchase> {
    let amount = prop_oneof![1 => 0_i64..10, 4 => 0_i64..30_000, 2 => 0_i64..1_500_000];
    let lines = prop::collection::vec((0..CATEGORIES.len(), amount), 1..6);
    let share = prop_oneof![3 => Just(0), 6 => 1_i64..=1_000, 1 => 1_000_i64..1_200];
    let late = prop_oneof![6 => Just(0), 2 => 0_i64..4_400, 1 => -12_i64..0];
    let captured = prop::option::of(0_i64..1_100);
    let aside = (1_i64..40, 0_i64..40, captured).prop_map(|(lasts, passes, captured)| Aside {
        lasts,
        passes,
        captured,
    });
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.8));
    (
        0_u8..3,
        lines,
        flags,
        share,
        late,
        prop::option::weighted(0.25, aside),
    )
        .prop_map(
            |(shop, lines, (by_amounts, strong), share, late_minutes, aside)| Purchase {
                shop,
                lines,
                by_amounts,
                share,
                strong,
                late_minutes,
                aside,
            },
        )
}

pub fn some_return() -> impl Strategy<Value = Return> {
    let line = (0_usize..6, prop::option::of(0_i64..1_100));
    prop_oneof![
        2 => Just(Return::Everything),
        1 => Just(Return::Void),
        4 => (0_i64..1_050).prop_map(Return::Amount),
        4 => prop::collection::vec(line, 1..3).prop_map(Return::Lines),
    ]
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_i64..60).prop_map(|hours| Step::Pass { hours }),
        5 => purchase().prop_map(Step::Buy),
        4 => (0_usize..20, some_return()).prop_map(|(which, what)| Step::Return { which, what }),
    ]
}

pub fn world() -> impl Strategy<Value = World> {
    let value = prop_oneof![3 => Just(100_i64), 1 => Just(50), 1 => Just(133), 1 => Just(1)];
    let share =
        prop_oneof![3 => Just(5_000_u32), 1 => Just(0), 1 => Just(3_333), 2 => Just(10_000)];
    let cap = prop_oneof![3 => Just(None), 1 => (0_i64..20_000).prop_map(Some)];
    let delay = prop_oneof![2 => Just(0_u32), 1 => 1_u32..50];
    let measure = prop_oneof![Just(TierMeasure::NetSpend), Just(TierMeasure::PointsEarned)];
    let rate = prop_oneof![3 => Just(500_u32), 1 => 0_u32..3_000];
    let window = prop_oneof![Just(365_u32), 1_u32..5];
    (
        any::<u8>(),
        any_policy(),
        value,
        share,
        cap,
        delay,
        measure,
        rate,
        (window, 1_u32..6, 0_u32..4),
    )
        .prop_map(
            |(mask, policy, value, share, cap, delay, measure, rate, (window, life, grace))| {
                let mut settings =
                    ProgrammeSettings::starting("Circle", "RUB", chrono_tz::Europe::Moscow);
                settings.clawback = policy;
                settings.point_value = PointValue::new(Money::from_hundredths(value));
                settings.share_cap = BasisPoints::new(share);
                settings.max_earned_per_purchase = cap.map(points);
                settings.activation_delay_hours = delay;
                settings.validity = Validity::Days { count: life };
                settings.refund_grace_days = grace;
                settings.tier_measure = measure;
                settings.tier_window_days = window;
                let terms = |n| Terms {
                    business: business(n),
                    base_rate: BasisPoints::new(rate + 100 * u32::from(n)),
                    share_cap: (n == 2).then(|| BasisPoints::new(8_000)),
                    spend_without_code_up_to: Money::from_hundredths(if n == 1 {
                        10_000
                    } else {
                        0
                    }),
                };
                World {
                    settings,
                    ladder: Ladder::starting(),
                    rules: rules(mask),
                    terms: (0..3).map(terms).collect(),
                }
            },
        )
}
