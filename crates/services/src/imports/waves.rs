//! Rows on their way through the engine, so that the result is that of posting them one by one in their order: rows of
//! one member go one after the other anyway; of rows with the same receipt the first goes before the others.

use std::collections::BTreeSet;

use super::group::{GroupError, Work};
use super::row::{Row, RowPurchase};
use crate::context::Context;
use crate::loyalty::engine::{Lane, Outcome};
use crate::loyalty::posting::Order;
use crate::members::MemberReference;

/// Posts rows; the outcomes have their order.
pub(super) async fn post(
    ctx: &Context,
    work: Work,
    rows: &[(&Row, &RowPurchase)],
) -> Result<Vec<Outcome>, GroupError> {
    let items = || rows.iter().map(|row| work.item(*row));
    let engine = ctx.engine();
    // One member under two names would go through two shards.
    let ways: BTreeSet<_> = rows.iter().map(|(_, row)| way(&row.member)).collect();
    if work.in_order || ways.len() > 1 {
        let items: Vec<Order> = items().collect();
        return Ok(engine.submit_in_order(ctx, Lane::Bulk, items).await?);
    }
    let mut receipts = BTreeSet::new();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for (index, (_, purchase)) in rows.iter().enumerate() {
        if receipts.insert(purchase.receipt_number.as_str()) {
            first.push(index);
        } else {
            later.push(index);
        }
    }
    let mut outcomes: Vec<Option<Outcome>> =
        std::iter::repeat_with(|| None).take(rows.len()).collect();
    let pick = |places: &[usize]| places.iter().map(|place| work.item(rows[*place])).collect();
    for (place, answer) in first
        .iter()
        .zip(engine.submit_each(ctx, Lane::Bulk, pick(&first)).await)
    {
        outcomes[*place] = Some(answer?);
    }
    if !later.is_empty() {
        let answers = engine
            .submit_in_order(ctx, Lane::Bulk, pick(&later))
            .await?;
        for (place, answer) in later.iter().zip(answers) {
            outcomes[*place] = Some(answer);
        }
    }
    Ok(outcomes.into_iter().flatten().collect())
}

/// How a row names its member.
fn way(member: &MemberReference) -> u8 {
    match member {
        MemberReference::Member(_) | MemberReference::Found(..) => 0,
        MemberReference::Phone(_) => 1,
        MemberReference::Number(_) => 2,
        MemberReference::Code(..) => 3,
        MemberReference::Alias(_) => 4,
    }
}
