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
use crate::purchases::{PurchaseLineRow, PurchaseRow};
use crate::receipts::ReceiptKind;
use crate::wallets::WalletUpdate;
use crate::{
    journals, kept_answers, lots, member_progress, outbox_events, purchases, receipts, wallets,
};

/// What is to be written. The wallets must be locked.
#[derive(Debug, Default)]
pub struct Writes<'a> {
    /// Answers to be kept, by digest of their keys.
    pub answers: &'a [(Uuid, KeptAnswer)],
    /// Receipts with the transactions that take them.
    pub receipts: &'a [(Uuid, ReceiptKind, String, Uuid)],
    /// Rotating codes that were used: member and step.
    pub codes: &'a [(Uuid, i64)],
    /// Purchases.
    pub purchases: &'a [PurchaseRow],
    /// Their lines.
    pub lines: &'a [PurchaseLineRow],
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
    /// What is added to what caps have let through; nothing negative.
    pub usage: Option<&'a BTreeMap<(Uuid, RuleId, NaiveDate), i64>>,
    /// What happened.
    pub events: &'a [OutboxEvent],
}

/// Writes it. The constraints [`kept_answers::USED_BEFORE`], [`receipts::SEEN_BEFORE`] and
/// [`crate::used_member_codes::USED_BEFORE`] refuse the whole group: another was faster, and the next try sees it.
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
    let lines = purchases::LineColumns::of(writes.lines);
    let held = wallets::Columns::of(&writes.wallets);
    let made = lots::NewColumns::of(&writes.new_lots);
    let drawn = lots::ChangedColumns::of(&writes.changed_lots);
    let written = journals::Columns::of(&writes.journals);
    let entered = journals::EntryColumns::of(&writes.journals);
    let days = member_progress::DayColumns::of(writes.days);
    let visits = member_progress::VisitColumns::of(writes.visits);
    let usage = usage_columns(writes.usage);
    let told = outbox_events::Columns::of(writes.events);
    sqlx::query!(
        r#"with kept as (
               insert into kept_answers (digest, body_hash, status, purchase_id, location, response, created_at)
               select u.*, $1
               from unnest($2::uuid[], $3::bytea[], $4::smallint[], $5::uuid[], $6::text[], $7::bytea[]) as u
           ),
           seen as (
               insert into receipts (business_id, kind, receipt_number, transaction_id)
               select * from unnest($8::uuid[], $9::text[], $10::text[], $11::uuid[])
           ),
           coded as (
               insert into used_member_codes (member_id, step, used_at)
               select u.*, $1 from unnest($12::uuid[], $13::bigint[]) as u
           ),
           bought as (
               insert into purchases (id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total,
                                      paid_by_points, paid_by_money, points_spent, points_earned, tier, tier_after,
                                      available_after, debt_after, explanation, occurred_at, recorded_at, import_id,
                                      import_row)
               select * from unnest($14::uuid[], $15::uuid[], $16::uuid[], $17::text[], $18::text[], $19::uuid[],
                                    $20::uuid[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[],
                                    $25::bigint[], $26::text[], $27::text[], $28::bigint[], $29::bigint[],
                                    $30::jsonb[], $31::timestamptz[], $32::timestamptz[], $33::uuid[], $34::bigint[])
           ),
           bought_lines as (
               insert into purchase_lines (purchase_id, line, category, amount, paid_by_points, points_spent,
                                           points_earned)
               select * from unnest($35::uuid[], $36::smallint[], $37::text[], $38::bigint[], $39::bigint[],
                                    $40::bigint[], $41::bigint[])
           ),
           held as (
               update wallets w
               set available = u.available, pending = u.pending, held = u.held, debt = u.debt,
                   next_change_at = u.next_change_at, tier = u.tier, tier_since = u.tier_since
               from unnest($42::uuid[], $43::bigint[], $44::bigint[], $45::bigint[], $46::bigint[],
                           $47::timestamptz[], $48::text[], $49::timestamptz[])
                    as u (member_id, available, pending, held, debt, next_change_at, tier, tier_since)
               where w.member_id = u.member_id and w.member_id = any($42)
           ),
           made as (
               insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                                 amount, remaining, expired, pending, open)
               select u.*, u.remaining > 0
               from unnest($50::uuid[], $51::uuid[], $52::text[], $53::uuid[], $54::uuid[], $55::timestamptz[],
                           $56::timestamptz[], $57::timestamptz[], $58::bigint[], $59::bigint[], $60::bigint[],
                           $61::bool[])
                    as u (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                          amount, remaining, expired, pending)
           ),
           drawn as (
               update lots l
               set expires_at = u.expires_at, remaining = u.remaining, expired = u.expired, pending = u.pending,
                   open = u.remaining > 0
               from unnest($62::uuid[], $63::timestamptz[], $64::bigint[], $65::bigint[], $66::bool[])
                    as u (id, expires_at, remaining, expired, pending)
               where l.id = u.id and l.id = any($62)
           ),
           written as (
               insert into journals (id, kind, member_id, business_id, source_id, occurred_at, recorded_at)
               select u.*, $1
               from unnest($67::uuid[], $68::text[], $69::uuid[], $70::uuid[], $71::uuid[], $72::timestamptz[]) as u
           ),
           entered as (
               insert into ledger_entries (journal_id, n, account, member_id, business_id, lot_id, amount)
               select * from unnest($73::uuid[], $74::smallint[], $75::text[], $76::uuid[], $77::uuid[], $78::uuid[],
                                    $79::bigint[])
           ),
           day as (
               insert into member_days as d (member_id, day, net_spend, points_earned)
               select * from unnest($80::uuid[], $81::date[], $82::bigint[], $83::bigint[])
               on conflict (member_id, day) do update
               set net_spend = d.net_spend + excluded.net_spend,
                   points_earned = d.points_earned + excluded.points_earned
           ),
           visited as (
               insert into member_businesses as m (member_id, business_id, visits, first_visit_at, last_visit_at)
               select * from unnest($84::uuid[], $85::uuid[], $86::int[], $87::timestamptz[], $88::timestamptz[])
               on conflict (member_id, business_id) do update
               set visits = greatest(0, m.visits + excluded.visits),
                   first_visit_at = least(m.first_visit_at, excluded.first_visit_at),
                   last_visit_at = greatest(m.last_visit_at, excluded.last_visit_at)
           ),
           used as (
               insert into member_rule_usage as m (member_id, rule_id, period_start, granted)
               select * from unnest($89::uuid[], $90::uuid[], $91::date[], $92::bigint[])
               on conflict (member_id, rule_id, period_start) do update set granted = m.granted + excluded.granted
           )
           insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
           select u.*, $1
           from unnest($93::uuid[], $94::text[], $95::uuid[], $96::uuid[], $97::uuid[], $98::jsonb[]) as u"#,
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
        &lines.purchases,
        &lines.numbers,
        &lines.categories as &[&str],
        &lines.amounts,
        &lines.paid_by_points,
        &lines.points_spent,
        &lines.points_earned,
        &held.members,
        &held.available,
        &held.pending,
        &held.held,
        &held.debt,
        &held.next_change_at as &[Option<DateTime<Utc>>],
        &held.tiers as &[&str],
        &held.tiers_since,
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
        &usage.0,
        &usage.1,
        &usage.2,
        &usage.3,
        &told.ids,
        &told.kinds as &[&str],
        &told.members as &[Option<Uuid>],
        &told.businesses as &[Option<Uuid>],
        &told.subjects,
        &told.payloads,
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
