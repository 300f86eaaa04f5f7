//! Table `holds`: points set aside for a checkout. They are read by [`crate::posting::contents`] and written by
//! [`crate::posting::further`].

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::loyalty::wallet::{Hold, HoldStatus};
use domain::money::Points;
use uuid::Uuid;

/// The constraint that refuses a reference which the business has used.
pub const REFERENCE_USED: &str = "holds_reference_unique";

/// A row as a group reads it: what and whose, how much, when.
pub(crate) type Record = (
    (Uuid, Uuid, Uuid, String, String),
    (i64, i64, Option<Uuid>),
    (DateTime<Utc>, DateTime<Utc>),
);

/// The hold without its draws.
pub(crate) fn from_record(record: Record) -> (MemberId, Hold) {
    let ((id, business, member, reference, status), amounts, times) = record;
    let (amount, captured, purchase) = amounts;
    let (expires_at, created_at) = times;
    let hold = Hold {
        id: id.into(),
        business: business.into(),
        reference,
        status: HoldStatus::parse(&status).unwrap_or(HoldStatus::Voided),
        amount: Points::from_hundredths(amount),
        captured: Points::from_hundredths(captured),
        purchase: purchase.map(Into::into),
        expires_at,
        created_at,
        draws: Vec::new(),
    };
    (member.into(), hold)
}

/// Holds to be inserted, a column each, in the order in which every transaction takes their references.
#[derive(Debug, Default)]
pub(crate) struct NewColumns<'a> {
    pub(crate) members: Vec<Uuid>,
    pub(crate) businesses: Vec<Uuid>,
    pub(crate) references: Vec<&'a str>,
    pub(crate) amounts: Vec<i64>,
    pub(crate) expires_at: Vec<DateTime<Utc>>,
    pub(crate) created_at: Vec<DateTime<Utc>>,
    pub(crate) state: StateColumns,
}

impl<'a> NewColumns<'a> {
    pub(crate) fn of(holds: &[(MemberId, &'a Hold)]) -> Self {
        let mut sorted = holds.to_vec();
        sorted.sort_by_key(|(_, hold)| (hold.business, hold.reference.as_str()));
        let mut columns = Self::default();
        for (member, hold) in sorted {
            columns.members.push(member.as_uuid());
            columns.businesses.push(hold.business.as_uuid());
            columns.references.push(&hold.reference);
            columns.amounts.push(hold.amount.hundredths());
            columns.expires_at.push(hold.expires_at);
            columns.created_at.push(hold.created_at);
            columns.state.push(hold);
        }
        columns
    }
}

/// What has become of holds, a column each.
#[derive(Debug, Default)]
pub(crate) struct StateColumns {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) statuses: Vec<&'static str>,
    pub(crate) captured: Vec<i64>,
    pub(crate) purchases: Vec<Option<Uuid>>,
}

impl StateColumns {
    pub(crate) fn of(holds: &[&Hold]) -> Self {
        let mut columns = Self::default();
        for hold in holds {
            columns.push(hold);
        }
        columns
    }

    fn push(&mut self, hold: &Hold) {
        self.ids.push(hold.id.as_uuid());
        self.statuses.push(hold.status.as_str());
        self.captured.push(hold.captured.hundredths());
        self.purchases.push(hold.purchase.map(Uuid::from));
    }
}
