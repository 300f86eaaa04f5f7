//! What counts toward a member's tier: net spend and points earned over the days of a window that moves. The sum is kept
//! with the wallet; a purchase adds its own to it and takes off the days that have dropped out since, so that it costs
//! the same whether its member has one day behind or a thousand.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::ids::MemberId;
use domain::loyalty::validity::day_of;
use domain::programme::ProgrammeSettings;
use store::member_progress::DayChanges;
use store::wallets::{Counted, WalletRow};

/// Net spend and points earned of members, in hundredths.
pub(super) type Sums = BTreeMap<MemberId, (i64, i64)>;

/// The first day that counts.
pub(super) fn first_day(settings: &ProgrammeSettings, now: DateTime<Utc>) -> NaiveDate {
    let today = day_of(now, settings.time_zone);
    let before = Days::new(u64::from(settings.tier_window_days.saturating_sub(1)));
    today.checked_sub_days(before).unwrap_or(today)
}

/// What counts from `first` on, `read` being the sums of whomever the look found out of date.
pub(super) fn count(
    wallets: &BTreeMap<MemberId, WalletRow>,
    first: NaiveDate,
    read: &Sums,
) -> BTreeMap<MemberId, Counted> {
    let count = |(member, row): (&MemberId, &WalletRow)| {
        let (spend, points) = read.get(member).copied().unwrap_or((0, 0));
        let kept = row.counted.filter(|counted| counted.from <= first);
        let (net_spend, points_earned) = kept.map_or((spend, points), |counted| {
            (counted.net_spend - spend, counted.points_earned - points)
        });
        let counted = Counted {
            from: first,
            net_spend,
            points_earned,
        };
        (*member, counted)
    };
    wallets.iter().map(count).collect()
}

/// The same after what is added to days.
pub(super) fn count_on(counted: Counted, member: MemberId, days: &DayChanges) -> Counted {
    let later = days.range((member, counted.from)..=(member, NaiveDate::MAX));
    later.fold(counted, |counted, (_, (spend, points))| Counted {
        net_spend: counted.net_spend + spend,
        points_earned: counted.points_earned + points,
        ..counted
    })
}

#[cfg(test)]
mod tests {
    use domain::loyalty::wallet::Wallet;
    use uuid::Uuid;

    use super::*;

    fn day(number: u64) -> NaiveDate {
        NaiveDate::MIN + Days::new(900_000 + number)
    }

    fn row(member: MemberId, counted: Option<Counted>) -> (MemberId, WalletRow) {
        let row = WalletRow {
            wallet: Wallet::empty(member),
            tier: "base".into(),
            tier_since: DateTime::UNIX_EPOCH,
            counted,
        };
        (member, row)
    }

    fn kept(from: u64, net_spend: i64) -> Option<Counted> {
        Some(Counted {
            from: day(from),
            net_spend,
            points_earned: net_spend / 10,
        })
    }

    #[test]
    fn what_has_dropped_out_is_taken_off_or_all_is_counted_anew() {
        let member = |number| MemberId::from(Uuid::from_u128(number));
        let wallets = BTreeMap::from([
            row(member(1), kept(10, 1_000)),
            row(member(2), kept(7, 1_000)),
            // The window has become longer, or was never counted.
            row(member(3), kept(11, 1_000)),
            row(member(4), None),
        ]);
        let read = Sums::from([(member(2), (300, 30)), (member(3), (5_000, 500))]);
        let counted = count(&wallets, day(10), &read);
        assert_eq!(counted[&member(1)], kept(10, 1_000).unwrap());
        assert_eq!(counted[&member(2)], kept(10, 700).unwrap());
        assert_eq!(counted[&member(3)], kept(10, 5_000).unwrap());
        assert_eq!(counted[&member(4)], kept(10, 0).unwrap());
    }

    #[test]
    fn what_is_added_to_days_before_the_window_does_not_count() {
        let (one, other) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
        let days = DayChanges::from([
            ((one, day(9)), (1, 1)),
            ((one, day(10)), (100, 10)),
            ((one, day(12)), (-30, -3)),
            ((other, day(11)), (7, 7)),
        ]);
        let counted = count_on(kept(10, 1_000).unwrap(), one, &days);
        assert_eq!((counted.net_spend, counted.points_earned), (1_070, 107));
    }
}
