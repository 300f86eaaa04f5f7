//! The ledger recomputed from its entries: each check is one statement over whole tables that returns only what
//! differs. The statements read one snapshot: [`begin`] comes first in their transaction.
//!
//! What is booked is compared with what is booked: a lot that expired a minute ago and was not advanced yet is right.

mod by_hand;
mod ledger;
mod lots;
mod progress;
mod purchases;
mod refunds;
mod runs;
mod totals;
mod wallets;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

pub use runs::{RunRow, insert_run, last_run};
pub use totals::{AccountTotal, TotalsRow, account_totals, totals};

/// A difference as its statement tells it; a text is an amount in hundredths, a moment, a word or an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferenceRow {
    /// What it was found at: of the kind that the check names.
    pub subject_id: Option<Uuid>,
    /// The member concerned.
    pub member_id: Option<Uuid>,
    /// The business concerned.
    pub business_id: Option<Uuid>,
    /// Which figure, with its line, day or period.
    pub field: String,
    /// What the entries, or the document above, say.
    pub expected: Option<String>,
    /// What is stored.
    pub found: Option<String>,
    /// How many differences the check found in all.
    pub total: i64,
}

/// Runs one statement of six columns (subject, member, business, field, expected, found) and keeps its first rows.
macro_rules! differences {
    ($conn:expr, $limit:expr, $sql:literal) => {
        sqlx::query_as!(
            $crate::audit::DifferenceRow,
            r#"select d.subject_id as "subject_id?", d.member_id as "member_id?", d.business_id as "business_id?",
                      d.field as "field!", d.expected::text as "expected?", d.found::text as "found?",
                      count(*) over () as "total!"
               from ("#
                + $sql
                + r#") as d (subject_id, member_id, business_id, field, expected, found)
               order by d.subject_id, d.member_id, d.field limit $1"#,
            $limit
        )
        .fetch_all($conn)
        .await
        .map_err($crate::error::StoreError)
    };
}
use differences;

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, for people and programs.
    pub name: &'static str,
    /// What its subjects are: `journal`, `member`, `lot`, `hold`, `purchase`, `refund`, `adjustment`, `transfer`, `rule` or
    /// `ledger`.
    pub subject: &'static str,
    which: Which,
}

macro_rules! checks {
    ($($which:ident = $name:literal, $subject:literal, $run:path;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Which {
            $($which,)+
        }

        /// Every check, in the order in which they are made.
        pub const CHECKS: &[Check] = &[
            $(Check { name: $name, subject: $subject, which: Which::$which },)+
        ];

        /// Makes one check: its first `limit` differences.
        ///
        /// # Errors
        /// [`StoreError`] from the database.
        pub async fn run(conn: &mut PgConnection, check: Check, limit: i64) -> Result<Vec<DifferenceRow>, StoreError> {
            match check.which {
                $(Which::$which => $run(conn, limit).await,)+
            }
        }
    };
}

checks! {
    LedgerSum = "ledger_sum", "ledger", ledger::sum;
    JournalSum = "journal_sum", "journal", ledger::journal_sums;
    JournalEntry = "journal_entry", "journal", ledger::entries;
    JournalFunder = "journal_funder", "journal", ledger::funders;
    JournalSource = "journal_source", "journal", ledger::sources;
    WalletMissing = "wallet_missing", "member", wallets::missing;
    WalletBalance = "wallet_balance", "member", wallets::balances;
    WalletHeld = "wallet_held", "member", wallets::held;
    WalletNextChange = "wallet_next_change", "member", wallets::next_change;
    WalletTier = "wallet_tier", "member", wallets::tiers;
    LotBalance = "lot_balance", "lot", lots::balances;
    LotOfPurchase = "lot_of_purchase", "lot", lots::of_purchases;
    Hold = "hold", "hold", lots::holds;
    PurchaseSum = "purchase_sum", "purchase", purchases::sums;
    PurchasePoints = "purchase_points", "purchase", purchases::points;
    PurchaseHold = "purchase_hold", "purchase", purchases::holds;
    Receipt = "receipt", "purchase", purchases::receipts;
    RefundSum = "refund_sum", "refund", refunds::sums;
    RefundOfSale = "refund_of_sale", "purchase", refunds::of_sales;
    RefundPoints = "refund_points", "refund", refunds::points;
    RefundFunder = "refund_funder", "refund", refunds::funders;
    Adjustment = "adjustment", "adjustment", by_hand::adjustments;
    Transfer = "transfer", "transfer", by_hand::transfers;
    TransferLot = "transfer_lot", "transfer", by_hand::lots_of_transfers;
    MemberDay = "member_day", "member", progress::days;
    MemberCount = "member_count", "member", progress::counts;
    MemberBusiness = "member_business", "member", progress::visits;
    RuleUsage = "rule_usage", "rule", progress::usage;
    RuleBudget = "rule_budget", "rule", progress::budgets;
}

/// Two audits that are to be stored don't run at the same time; the two-integer form is not the job queue's.
const AUDIT_LOCK: (i32, i32) = (7_120_115, 1);

/// Makes the transaction that has just begun one that reads a single moment and takes its time. It must be the first
/// statement.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn begin(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("set transaction isolation level repeatable read, read only")
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        r#"select set_config('statement_timeout', '0', true) as statement_timeout,
                  set_config('idle_in_transaction_session_timeout', '0', true) as idle_timeout,
                  set_config('work_mem', '64MB', true) as work_mem,
                  set_config('timezone', 'UTC', true) as zone"#
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// Takes the right to audit until the transaction ends; false if another has it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn try_lock(conn: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock($1, $2) as "taken!""#,
        AUDIT_LOCK.0,
        AUDIT_LOCK.1
    )
    .fetch_one(conn)
    .await?)
}
