//! What an audit says.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::money::{Money, Points};
use serde::{Deserialize, Serialize};
use store::audit::{AccountTotal, TotalsRow};
use uuid::Uuid;

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// When it began; all of it is about that moment.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// What there was in all.
    pub totals: Totals,
    /// How many checks were made.
    pub checks: usize,
    /// How many differences there are in all.
    pub differences: i64,
    /// How many each check found, for checks that found any.
    pub by_check: Vec<CheckCount>,
    /// The first of them, some of each check.
    pub named: Vec<Difference>,
}

impl AuditReport {
    /// Whether nothing differs.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.differences == 0
    }
}

/// How many differences a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckCount {
    /// The check.
    pub check: &'static str,
    /// How many.
    pub differences: i64,
}

/// One figure that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The check that found it.
    pub check: String,
    /// What it was found at: `journal`, `member`, `lot`, `hold`, `purchase`, `refund`, `rule` or `ledger`.
    pub subject: String,
    /// Its identifier; none for the whole ledger.
    pub subject_id: Option<Uuid>,
    /// The member concerned.
    pub member_id: Option<MemberId>,
    /// The business concerned.
    pub business_id: Option<BusinessId>,
    /// Which figure.
    pub field: String,
    /// What it must be; amounts are in hundredths. None: it must not be there.
    pub expected: Option<String>,
    /// What it is. None: it is not there.
    pub found: Option<String>,
}

/// What there is in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Members, those who wait among them.
    pub members: i64,
    /// Businesses.
    pub businesses: i64,
    /// Purchases.
    pub purchases: i64,
    /// What they cost.
    pub purchase_total: Money,
    /// What money paid of it.
    pub paid_by_money: Money,
    /// What points paid of it.
    pub paid_by_points: Money,
    /// Refunds and voids.
    pub refunds: i64,
    /// What they refunded.
    pub refund_amount: Money,
    /// The money given back.
    pub money_returned: Money,
    /// Lots.
    pub lots: i64,
    /// Holds.
    pub holds: i64,
    /// Journals.
    pub journals: i64,
    /// Entries.
    pub entries: i64,
    /// The points.
    pub points: PointTotals,
}

/// Where the points are. What was issued is what was honoured, expired and is outstanding, less the debt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointTotals {
    /// Given at the expense of businesses, less what was taken back.
    pub issued_by_businesses: Points,
    /// Given at the expense of the programme, less what was taken back.
    pub issued_by_programme: Points,
    /// Spent at businesses, less what refunds gave back.
    pub honoured: Points,
    /// Expired.
    pub breakage: Points,
    /// Ready to be spent.
    pub available: Points,
    /// Not active yet.
    pub pending: Points,
    /// Set aside.
    pub held: Points,
    /// Owed by members.
    pub debt: Points,
}

impl PointTotals {
    pub(super) fn of(accounts: &[AccountTotal]) -> Self {
        let sum = |word: &str| {
            accounts
                .iter()
                .find(|total| total.account == word)
                .map_or(0, |total| total.amount)
        };
        let points = |word| Points::from_hundredths(sum(word));
        let less = |word| Points::from_hundredths(sum(word).saturating_neg());
        Self {
            issued_by_businesses: less("business_issued"),
            issued_by_programme: less("programme_issued"),
            honoured: points("business_honoured"),
            breakage: points("programme_breakage"),
            available: points("member_available"),
            pending: points("member_pending"),
            held: points("member_held"),
            debt: less("member_debt"),
        }
    }
}

impl Totals {
    pub(super) fn of(row: TotalsRow, accounts: &[AccountTotal]) -> Self {
        Self {
            members: row.members,
            businesses: row.businesses,
            purchases: row.purchases,
            purchase_total: Money::from_hundredths(row.purchase_total),
            paid_by_money: Money::from_hundredths(row.paid_by_money),
            paid_by_points: Money::from_hundredths(row.paid_by_points),
            refunds: row.refunds,
            refund_amount: Money::from_hundredths(row.refund_amount),
            money_returned: Money::from_hundredths(row.money_returned),
            lots: row.lots,
            holds: row.holds,
            journals: row.journals,
            entries: row.entries,
            points: PointTotals::of(accounts),
        }
    }
}
