//! What refunds and ends of holds name: read before the wallets are locked, because it tells whose they are. Nothing of
//! it ever changes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, HoldId, MemberId};
use domain::loyalty::explanation::Explanation;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;

/// A purchase as far as a refund needs it.
#[derive(Clone, Debug)]
pub struct Sold {
    /// Its identifier.
    pub id: Uuid,
    /// Who bought.
    pub member: MemberId,
    /// Where.
    pub business: BusinessId,
    /// When it was made.
    pub occurred_at: DateTime<Utc>,
    /// Its lines and why they earned what they earned.
    pub explanation: Explanation,
}

/// What was named and exists, at whatever business.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Purchases.
    pub purchases: BTreeMap<Uuid, Sold>,
    /// Whose holds are, and where they were made.
    pub holds: BTreeMap<HoldId, (MemberId, BusinessId)>,
}

type SoldRecord = (Uuid, Uuid, Uuid, DateTime<Utc>, Json<Explanation>);

struct Row {
    purchases: Option<Vec<SoldRecord>>,
    holds: Option<Vec<(Uuid, Uuid, Uuid)>>,
}

/// Reads it; without names no question is asked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn read_across_businesses(
    conn: &mut PgConnection,
    purchases: &[Uuid],
    holds: &[Uuid],
) -> Result<Named, StoreError> {
    if purchases.is_empty() && holds.is_empty() {
        return Ok(Named::default());
    }
    let row = sqlx::query_as!(
        Row,
        r#"select
             (select array_agg((p.id, p.member_id, p.business_id, p.occurred_at, p.explanation))
              from purchases p where p.id = any($1)) as "purchases: Vec<SoldRecord>",
             (select array_agg((h.id, h.member_id, h.business_id))
              from holds h where h.id = any($2)) as "holds: Vec<(Uuid, Uuid, Uuid)>""#,
        purchases,
        holds
    )
    .fetch_one(conn)
    .await?;
    let sold = |(id, member, business, occurred_at, explanation): SoldRecord| {
        let sold = Sold {
            id,
            member: member.into(),
            business: business.into(),
            occurred_at,
            explanation: explanation.0,
        };
        (id, sold)
    };
    let owner = |(id, member, business): (Uuid, Uuid, Uuid)| {
        let owner = (MemberId::from(member), BusinessId::from(business));
        (HoldId::from(id), owner)
    };
    Ok(Named {
        purchases: row.purchases.into_iter().flatten().map(sold).collect(),
        holds: row.holds.into_iter().flatten().map(owner).collect(),
    })
}
