//! The two clocks of a lot: pending until activation, then valid until the end of a day in the programme's zone.

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// How long points live after activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validity {
    /// Until the end of the day that comes so many days after activation.
    Days {
        /// 1 to 36 500.
        count: u32,
    },
    /// Until the end of the same day of a later month, or of the month's last day.
    Months {
        /// 1 to 1 200.
        count: u32,
    },
    /// Until the end of the year of activation.
    EndOfYear {},
    /// For ever.
    Never {},
}

impl Validity {
    /// Whether the count is in its range.
    #[must_use]
    pub fn is_sane(self) -> bool {
        match self {
            Self::Days { count } => (1..=36_500).contains(&count),
            Self::Months { count } => (1..=1_200).contains(&count),
            Self::EndOfYear {} | Self::Never {} => true,
        }
    }

    /// The moment at which points that became active at `activates_at` are no longer valid;
    /// none if they never expire (also where the calendar ends).
    #[must_use]
    pub fn expires_at(self, activates_at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let day = day_of(activates_at, zone);
        let last = match self {
            Self::Days { count } => day.checked_add_days(Days::new(u64::from(count))),
            Self::Months { count } => day.checked_add_months(Months::new(count)),
            Self::EndOfYear {} => NaiveDate::from_ymd_opt(day.year(), 12, 31),
            Self::Never {} => None,
        }?;
        end_of_day(last, zone)
    }
}

/// The moment of activation of points earned at `earned_at`.
#[must_use]
pub fn activates_at(earned_at: DateTime<Utc>, delay_hours: u32) -> DateTime<Utc> {
    earned_at
        .checked_add_signed(Duration::hours(i64::from(delay_hours)))
        .unwrap_or(earned_at)
}

/// The day in the zone at a moment.
#[must_use]
pub fn day_of(moment: DateTime<Utc>, zone: Tz) -> NaiveDate {
    moment.with_timezone(&zone).date_naive()
}

/// The first moment that is no longer in the day: the next day's first, also where clocks skip midnight.
/// None where the calendar ends.
#[must_use]
pub fn end_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    start_of_day(day.succ_opt()?, zone)
}

/// The first moment of a day in the zone. None where the calendar ends.
#[must_use]
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_hms_opt(0, 0, 0)?;
    // Where clocks jump over midnight the day begins after the gap, which is never longer than a day.
    (0..=96).find_map(|quarters| {
        let local = midnight.checked_add_signed(Duration::minutes(15 * quarters))?;
        zone.from_local_datetime(&local)
            .earliest()
            .map(|moment| moment.with_timezone(&Utc))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }

    #[test]
    fn validity_ends_with_a_day_of_the_zone() {
        let zone = chrono_tz::Europe::Moscow;
        let activated = moment("2026-01-30T22:30:00Z"); // 31 January, 01:30 in Moscow
        let days = Validity::Days { count: 1 }.expires_at(activated, zone);
        assert_eq!(days, Some(moment("2026-02-01T21:00:00Z")));
        let months = Validity::Months { count: 1 }.expires_at(activated, zone);
        assert_eq!(months, Some(moment("2026-02-28T21:00:00Z")));
        let year = Validity::EndOfYear {}.expires_at(moment("2026-12-31T21:30:00Z"), zone);
        assert_eq!(year, Some(moment("2027-12-31T21:00:00Z")));
        assert_eq!(Validity::Never {}.expires_at(activated, zone), None);
    }

    #[test]
    fn leap_day_and_skipped_midnight() {
        let activated = moment("2028-02-29T12:00:00Z");
        let year = Validity::Months { count: 12 }.expires_at(activated, chrono_tz::UTC);
        assert_eq!(year, Some(moment("2029-03-01T00:00:00Z")));
        // In Beirut clocks went from 00:00 to 01:00 on 27 March 2022: the day began at 01:00 local.
        let day = NaiveDate::from_ymd_opt(2022, 3, 27).expect("a date");
        assert_eq!(
            start_of_day(day, chrono_tz::Asia::Beirut),
            Some(moment("2022-03-26T22:00:00Z"))
        );
    }
}
