//! All that a decided group changes, in one statement. Whatever moves points is written here: purchases, refunds, holds,
//! and what time does to wallets.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId, RuleId};
use domain::loyalty::ledger::Journal;
use domain::loyalty::lot::Lot;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::kept_answers::KeptAnswer;
use crate::member_progress::{DayChanges, VisitChange};
use crate::outbox_events::OutboxEvent;
use crate::purchases::PurchaseRow;
use crate::receipts::ReceiptKind;
use crate::staff_credits::CreditChanges;
use crate::wallets::WalletUpdate;
use crate::{
    journals, kept_answers, lots, member_progress, outbox_events, purchases, receipts,
    staff_credits, wallets,
};

/// What is to be written. The wallets must be locked, or their versions known.
#[derive(Debug, Default)]
pub struct Writes<'a> {
    /// Wallet by wallet, the versions that were looked at ([`super::look`]) and that they must still have; none: they
    /// are locked.
    pub versions: Option<Vec<i64>>,
    /// Answers to be kept, by digest of their keys.
    pub answers: &'a [(Uuid, KeptAnswer)],
    /// Receipts with the transactions that take them.
    pub receipts: &'a [(Uuid, ReceiptKind, String, Uuid)],
    /// Rotating codes that were used: member and step.
    pub codes: &'a [(Uuid, i64)],
    /// Purchases.
    pub purchases: &'a [PurchaseRow],
    /// Balances and tiers.
    pub wallets: Vec<WalletUpdate<'a>>,
    /// Lots that are new.
    pub new_lots: Vec<&'a Lot>,
    /// Lots that changed.
    pub changed_lots: Vec<&'a Lot>,
    /// Journals.
    pub journals: Vec<&'a Journal>,
    /// What is added to days of members.
    pub days: Option<&'a DayChanges>,
    /// What is added to visits.
    pub visits: Option<&'a BTreeMap<(MemberId, BusinessId), VisitChange>>,
    /// What people at tills credited.
    pub credits: Option<&'a CreditChanges>,
    /// The day of the programme's zone and the hour in which it is written; the first moment of time where nothing is
    /// counted by them.
    pub today: (NaiveDate, DateTime<Utc>),
    /// What is added to what caps have let through; nothing negative.
    pub usage: Option<&'a BTreeMap<(Uuid, RuleId, NaiveDate), i64>>,
    /// What happened.
    pub events: &'a [OutboxEvent],
}

/// Writes it. The constraints [`kept_answers::USED_BEFORE`], [`receipts::SEEN_BEFORE`] and
/// [`crate::used_member_codes::USED_BEFORE`] refuse the whole group: another was faster, and the next try sees it. So do
/// wallets that have another version than is expected.
///
/// # Errors
/// [`StoreError`] from the database.
#[expect(clippy::too_many_lines, reason = "one statement, a few lines a table")]
pub async fn write(
    conn: &mut PgConnection,
    writes: &Writes<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let kept = kept_answers::Columns::of(writes.answers);
    let seen = receipts::Columns::of(writes.receipts);
    let (coded, steps): (Vec<Uuid>, Vec<i64>) = writes.codes.iter().copied().unzip();
    let bought = purchases::Columns::of(writes.purchases);
    let held = wallets::Columns::of(&writes.wallets);
    let (made, drawn) = lots::columns(&writes.new_lots, &writes.changed_lots);
    let (written, entered) = journals::columns(&writes.journals);
    let (days, visits) = member_progress::columns(writes.days, writes.visits);
    let usage = usage_columns(writes.usage);
    let credits = staff_credits::Columns::of(writes.credits);
    let told = outbox_events::Columns::of(writes.events);
    sqlx::query_file!(
        "src/posting/write.sql",
        now,
        &kept.digests,
        &kept.body_hashes,
        &kept.statuses,
        &kept.purchases as &[Option<Uuid>],
        &kept.locations as &[Option<String>],
        &kept.bodies as &[Option<Vec<u8>>],
        &seen.businesses,
        &seen.kinds as &[&str],
        &seen.numbers as &[&str],
        &seen.transactions,
        &coded,
        &steps,
        &bought.ids,
        &bought.businesses,
        &bought.locations as &[Option<Uuid>],
        &bought.cashiers as &[Option<&str>],
        &bought.receipt_numbers as &[&str],
        &bought.members,
        &bought.holds as &[Option<Uuid>],
        &bought.totals,
        &bought.paid_by_points,
        &bought.paid_by_money,
        &bought.points_spent,
        &bought.points_earned,
        &bought.tiers as &[&str],
        &bought.tiers_after as &[&str],
        &bought.available_after,
        &bought.debt_after,
        &bought.explanations as _,
        &bought.occurred_at,
        &bought.recorded_at,
        &bought.imports as &[Option<Uuid>],
        &bought.import_rows as &[Option<i64>],
        &held.members,
        &held.available,
        &held.pending,
        &held.held,
        &held.debt,
        &held.next_change_at as &[Option<DateTime<Utc>>],
        &held.tiers as &[&str],
        &held.tiers_since,
        &held.counted_from as &[Option<NaiveDate>],
        &held.counted_spend as &[Option<i64>],
        &held.counted_points as &[Option<i64>],
        &made.ids,
        &made.members,
        &made.origins as &[&str],
        &made.origin_ids as &[Option<Uuid>],
        &made.funders as &[Option<Uuid>],
        &made.earned_at,
        &made.activates_at,
        &made.expires_at as &[Option<DateTime<Utc>>],
        &made.amounts,
        &made.remaining,
        &made.expired,
        &made.pending,
        &drawn.ids,
        &drawn.expires_at as &[Option<DateTime<Utc>>],
        &drawn.remaining,
        &drawn.expired,
        &drawn.pending,
        &written.ids,
        &written.kinds as &[&str],
        &written.members,
        &written.businesses as &[Option<Uuid>],
        &written.sources as &[Option<Uuid>],
        &written.occurred_at,
        &entered.journals,
        &entered.numbers,
        &entered.accounts as &[&str],
        &entered.members as &[Option<Uuid>],
        &entered.businesses as &[Option<Uuid>],
        &entered.lots as &[Option<Uuid>],
        &entered.amounts,
        &days.members,
        &days.days,
        &days.spends,
        &days.points,
        &visits.members,
        &visits.businesses,
        &visits.visits,
        &visits.firsts,
        &visits.lasts,
        &visits.accruals,
        &usage.0,
        &usage.1,
        &usage.2,
        &usage.3,
        &credits.members,
        &credits.cashiers,
        &credits.businesses,
        &credits.credits,
        &credits.points,
        &told.ids,
        &told.kinds as &[&str],
        &told.members as &[Option<Uuid>],
        &told.businesses as &[Option<Uuid>],
        &told.subjects,
        &told.payloads,
        writes.today.0,
        writes.today.1,
        writes.versions.as_deref(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

type UsageColumns = (Vec<Uuid>, Vec<Uuid>, Vec<NaiveDate>, Vec<i64>);

fn usage_columns(amounts: Option<&BTreeMap<(Uuid, RuleId, NaiveDate), i64>>) -> UsageColumns {
    let mut columns = UsageColumns::default();
    for ((member, rule, start), granted) in amounts.into_iter().flatten() {
        columns.0.push(*member);
        columns.1.push(rule.as_uuid());
        columns.2.push(*start);
        columns.3.push(*granted);
    }
    columns
}
