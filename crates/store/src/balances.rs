//! What a member has and what expires next, in one look over tables `wallets` and `lots`.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::money::Points;
use sqlx::PgConnection;

use crate::error::StoreError;
use crate::wallets::{Balances, WalletRow};

/// A wallet without its lots, and the points that expire next.
#[derive(Clone, Debug)]
pub struct BalanceRow {
    /// The wallet.
    pub wallet: WalletRow,
    /// The next points to expire after the moment asked for, and when. Not told when something was due until then: all
    /// lots are needed to say it.
    pub next_expiry: Option<(DateTime<Utc>, Points)>,
}

/// What a member has, as it was last written down.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get(
    conn: &mut PgConnection,
    member: MemberId,
    now: DateTime<Utc>,
) -> Result<Option<BalanceRow>, StoreError> {
    // The lots come in the order of their index, and the look ends with the first group.
    let row = sqlx::query!(
        r#"select w.available, w.pending, w.held, w.debt, w.next_change_at, w.spending_from, w.tier, w.tier_since,
                  e.expires_at as "expires_at?", e.points as "points?"
           from wallets w
           left join lateral (
               select l.expires_at, sum(l.remaining)::bigint as points
               from lots l where l.member_id = $1 and l.open and l.expires_at > $2
               group by l.expires_at order by l.expires_at limit 1
           ) e on w.next_change_at > $2
           where w.member_id = $1"#,
        member.as_uuid(),
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let balances = Balances {
            available: row.available,
            pending: row.pending,
            held: row.held,
            debt: row.debt,
            next_change_at: row.next_change_at,
            spending_from: row.spending_from,
        };
        BalanceRow {
            wallet: WalletRow {
                wallet: balances.wallet(member),
                tier: row.tier,
                tier_since: row.tier_since,
                // Nobody asks for it here.
                counted: None,
            },
            next_expiry: row.expires_at.zip(row.points.map(Points::from_hundredths)),
        }
    }))
}
