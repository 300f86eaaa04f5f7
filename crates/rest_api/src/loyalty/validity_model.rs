//! How long points live, as requests and answers have it.

use domain::loyalty::validity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long points live after they became active, always until the end of a day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validity {
    /// So many days.
    Days {
        /// Number of days.
        #[schema(value_type = i32, minimum = 1, maximum = 36_500, example = 365)]
        count: u32,
    },
    /// So many months; where the day is missing, until the month's last.
    Months {
        /// Number of months.
        #[schema(value_type = i32, minimum = 1, maximum = 1_200, example = 12)]
        count: u32,
    },
    /// Until the end of the year.
    EndOfYear {},
    /// For ever.
    Never {},
}

impl From<Validity> for validity::Validity {
    fn from(validity: Validity) -> Self {
        match validity {
            Validity::Days { count } => Self::Days { count },
            Validity::Months { count } => Self::Months { count },
            Validity::EndOfYear {} => Self::EndOfYear {},
            Validity::Never {} => Self::Never {},
        }
    }
}

impl From<validity::Validity> for Validity {
    fn from(validity: validity::Validity) -> Self {
        match validity {
            validity::Validity::Days { count } => Self::Days { count },
            validity::Validity::Months { count } => Self::Months { count },
            validity::Validity::EndOfYear {} => Self::EndOfYear {},
            validity::Validity::Never {} => Self::Never {},
        }
    }
}
