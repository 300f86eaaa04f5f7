//! The first look of a group, in one statement: its keys are taken, its members are found by whatever they were named,
//! and their wallets are locked in order of member.
//!
//! Each name is looked up by itself (lateral, limit 1): plans live as long as connections, and one made while a table
//! was empty must not read it whole when it has grown.
//!
//! What depends on the wallets is read by a later statement ([`super::read`]): this one sees the database as it was
//! before it waited for the locks.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::MemberId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::kept_answers::lock_of;
use crate::wallets::{Balances, Counted, WalletRow};

/// How the members of a group were named; each list may hold a name several times.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By identifier.
    pub ids: Vec<Uuid>,
    /// By the keyed hash of the phone.
    pub phones: Vec<Vec<u8>>,
    /// By the number on the card.
    pub numbers: Vec<String>,
    /// By the locator of a rotating code.
    pub locators: Vec<String>,
    /// By a business and its own customer number.
    pub aliases: Vec<(Uuid, String)>,
}

/// One of the ways of [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// `ids`.
    Id,
    /// `phones`.
    Phone,
    /// `numbers`.
    Number,
    /// `locators`.
    Locator,
    /// `aliases`.
    Alias,
}

/// A member who was found.
#[derive(Clone, Debug)]
pub struct Named {
    /// The member.
    pub id: MemberId,
    /// `waiting`, `active`, `blocked` or `erased`.
    pub status: String,
    /// The birthday, sealed.
    pub birthday_sealed: Option<Vec<u8>>,
}

/// What the first look found.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// In the order of the keys: whether the key was free.
    pub keys_free: Vec<bool>,
    /// By the way of naming and the place in its list.
    pub named: BTreeMap<(Way, usize), Named>,
    /// The wallets; lots are not loaded.
    pub wallets: BTreeMap<MemberId, WalletRow>,
}

/// Takes keys, finds members and locks their wallets until the transaction ends.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn resolve_and_lock(
    conn: &mut PgConnection,
    digests: &[Uuid],
    names: &Names,
) -> Result<Resolved, StoreError> {
    let (firsts, seconds): (Vec<i32>, Vec<i32>) = digests.iter().copied().map(lock_of).unzip();
    let (businesses, aliases): (Vec<Uuid>, Vec<&str>) = names
        .aliases
        .iter()
        .map(|(business, alias)| (*business, alias.as_str()))
        .unzip();
    let rows = sqlx::query_file_as!(
        Row,
        "src/posting/resolve.sql",
        &names.ids,
        &names.phones,
        &names.numbers,
        &names.locators,
        &businesses,
        &aliases as &[&str],
        &firsts,
        &seconds,
    )
    .fetch_all(conn)
    .await?;
    Ok(sort(rows, digests.len()))
}

struct Row {
    way: i16,
    n: i64,
    id: Option<Uuid>,
    status: Option<String>,
    birthday_sealed: Option<Vec<u8>>,
    available: Option<i64>,
    pending: Option<i64>,
    held: Option<i64>,
    debt: Option<i64>,
    next_change_at: Option<DateTime<Utc>>,
    spending_from: Option<DateTime<Utc>>,
    tier: Option<String>,
    tier_since: Option<DateTime<Utc>>,
    counted_from: Option<NaiveDate>,
    counted_spend: Option<i64>,
    counted_points: Option<i64>,
}

impl Row {
    /// The wallet of a row that holds one.
    fn wallet(self) -> Option<WalletRow> {
        let member = MemberId::from(self.id?);
        let balances = Balances {
            available: self.available?,
            pending: self.pending?,
            held: self.held?,
            debt: self.debt?,
            next_change_at: self.next_change_at,
            spending_from: self.spending_from,
        };
        Some(WalletRow {
            wallet: balances.wallet(member),
            tier: self.tier?,
            tier_since: self.tier_since?,
            counted: Counted::of_columns(
                self.counted_from,
                self.counted_spend,
                self.counted_points,
            ),
        })
    }
}

fn sort(rows: Vec<Row>, keys: usize) -> Resolved {
    let mut resolved = Resolved {
        keys_free: vec![false; keys],
        ..Resolved::default()
    };
    for row in rows {
        let place = usize::try_from(row.n - 1).unwrap_or(usize::MAX);
        let way = match row.way {
            0 => {
                if let Some(free) = resolved.keys_free.get_mut(place) {
                    *free = row.status.as_deref() == Some("free");
                }
                continue;
            }
            1 => Way::Id,
            2 => Way::Phone,
            3 => Way::Number,
            4 => Way::Locator,
            5 => Way::Alias,
            _ => {
                if let Some(row) = row.wallet() {
                    resolved.wallets.insert(row.wallet.member, row);
                }
                continue;
            }
        };
        if let Some((id, status)) = row.id.zip(row.status) {
            let named = Named {
                id: id.into(),
                status,
                birthday_sealed: row.birthday_sealed,
            };
            resolved.named.insert((way, place), named);
        }
    }
    resolved
}
