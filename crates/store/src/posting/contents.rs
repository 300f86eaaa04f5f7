//! What wallets contain, in one statement: holds with the lots they draw on, and lots; beside them what refunds and new
//! holds have to know. Read after the wallets were locked.

use std::collections::BTreeMap;

use domain::ids::{BusinessId, HoldId, MemberId};
use domain::loyalty::lot::Lot;
use domain::loyalty::refund::RefundExplanation;
use domain::loyalty::wallet::{Draw, Hold};
use domain::money::Points;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;
use crate::{holds, lots};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Members whose active holds and open lots are needed, and the lots that their holds draw on.
    pub members: Vec<Uuid>,
    /// Holds needed though they may have ended, with their lots.
    pub holds: Vec<Uuid>,
    /// Lots needed though they may be closed.
    pub lots: Vec<Uuid>,
    /// Purchases whose refunds are needed.
    pub purchases: Vec<Uuid>,
    /// References of holds: business and reference.
    pub references: Vec<(Uuid, String)>,
}

impl Question {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
            && self.holds.is_empty()
            && self.lots.is_empty()
            && self.purchases.is_empty()
            && self.references.is_empty()
    }
}

/// A refund as far as the next one needs it.
#[derive(Clone, Debug)]
pub struct EarlierRefund {
    /// The purchase.
    pub purchase: Uuid,
    /// The points given back.
    pub points_returned: Points,
    /// Why, in figures.
    pub explanation: RefundExplanation,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Holds with their draws, in the order of spending.
    pub holds: Vec<(MemberId, Hold)>,
    /// Lots.
    pub lots: Vec<Lot>,
    /// Refunds, oldest first.
    pub refunds: Vec<EarlierRefund>,
    /// The references that were used, and for which hold.
    pub references: BTreeMap<(BusinessId, String), HoldId>,
}

type RefundRecord = (Uuid, i64, Json<RefundExplanation>);

struct Row {
    holds: Option<Vec<holds::Record>>,
    draws: Option<Vec<(Uuid, Uuid, i64)>>,
    lots: Option<Vec<lots::Record>>,
    refunds: Option<Vec<RefundRecord>>,
    references: Option<Vec<(Uuid, String, Uuid)>>,
}

/// Reads it. Nothing is locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn read(conn: &mut PgConnection, question: &Question) -> Result<Contents, StoreError> {
    if question.is_empty() {
        return Ok(Contents::default());
    }
    let (shops, references): (Vec<Uuid>, Vec<&str>) = question
        .references
        .iter()
        .map(|(shop, reference)| (*shop, reference.as_str()))
        .unzip();
    // A journal of a hold is looked up hold by hold: each month has an index for that.
    let row = sqlx::query_as!(
        Row,
        r#"with held as materialized (
               select id, business_id, member_id, reference, status, amount, captured, purchase_id, expires_at,
                      created_at
               from holds where member_id = any($1) and status = 'active'
               union
               select id, business_id, member_id, reference, status, amount, captured, purchase_id, expires_at,
                      created_at
               from holds where id = any($2)
           ),
           drawn as materialized (
               select h.id as hold_id, e.n, e.lot_id, e.amount
               from held h
               cross join lateral (select id from journals where source_id = h.id and kind = 'hold' limit 1) j
               cross join lateral (select n, lot_id, amount from ledger_entries
                                   where journal_id = j.id and account = 'member_held' offset 0) e
           )
           select
             (select array_agg(((h.id, h.business_id, h.member_id, h.reference, h.status),
                                (h.amount, h.captured, h.purchase_id), (h.expires_at, h.created_at)))
              from held h) as "holds: Vec<holds::Record>",
             (select array_agg((d.hold_id, d.lot_id, d.amount) order by d.hold_id, d.n)
              from drawn d) as "draws: Vec<(Uuid, Uuid, i64)>",
             (select array_agg(((l.id, l.member_id, l.origin, l.origin_id, l.funder_id),
                                (l.earned_at, l.activates_at, l.expires_at),
                                (l.amount, l.remaining, l.expired, l.pending)))
              from (select * from lots where member_id = any($1) and open
                    union
                    select * from lots where id = any($3 || array(select lot_id from drawn))) l)
                as "lots: Vec<lots::Record>",
             (select array_agg((r.purchase_id, r.points_returned, r.explanation) order by r.id)
              from refunds r where r.purchase_id = any($4)) as "refunds: Vec<RefundRecord>",
             (select array_agg((u.business_id, u.reference, h.id))
              from unnest($5::uuid[], $6::text[]) as u (business_id, reference)
              cross join lateral (select id from holds
                                  where business_id = u.business_id and reference = u.reference limit 1) h)
                as "references: Vec<(Uuid, String, Uuid)>""#,
        &question.members,
        &question.holds,
        &question.lots,
        &question.purchases,
        &shops,
        &references as &[&str],
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

impl From<Row> for Contents {
    fn from(row: Row) -> Self {
        let mut draws: BTreeMap<Uuid, Vec<Draw>> = BTreeMap::new();
        for (hold, lot, points) in row.draws.into_iter().flatten() {
            draws.entry(hold).or_default().push(Draw {
                lot: lot.into(),
                points: Points::from_hundredths(points),
            });
        }
        let hold = |record| {
            let (member, mut hold) = holds::from_record(record);
            hold.draws = draws.remove(&hold.id.as_uuid()).unwrap_or_default();
            (member, hold)
        };
        let refund = |(purchase, points, explanation): RefundRecord| EarlierRefund {
            purchase,
            points_returned: Points::from_hundredths(points),
            explanation: explanation.0,
        };
        let lots = row.lots.into_iter().flatten();
        let references = row.references.into_iter().flatten();
        Self {
            holds: row.holds.into_iter().flatten().map(hold).collect(),
            lots: lots.map(lots::from_record).collect(),
            refunds: row.refunds.into_iter().flatten().map(refund).collect(),
            references: references
                .map(|(business, reference, hold)| ((business.into(), reference), hold.into()))
                .collect(),
        }
    }
}
