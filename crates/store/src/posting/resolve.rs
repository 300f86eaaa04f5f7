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
    // Wallets are locked by key alone: a join would lose the row that changed while the lock was waited for.
    let rows = sqlx::query_as!(
        Row,
        r#"with named (way, n, id, status, birthday_sealed) as materialized (
               select 1::smallint, u.n, m.id, m.status, m.birthday_sealed
               from unnest($1::uuid[]) with ordinality as u (id, n)
               cross join lateral (select * from members where id = u.id limit 1) m
               union all
               select 2::smallint, u.n, m.id, m.status, m.birthday_sealed
               from unnest($2::bytea[]) with ordinality as u (hash, n)
               cross join lateral (select * from members where phone_hash = u.hash union all
                                   select * from members where phone_hash_2 = u.hash limit 1) m
               union all
               select 3::smallint, u.n, m.id, m.status, m.birthday_sealed
               from unnest($3::text[]) with ordinality as u (number, n)
               cross join lateral (select * from members where number = u.number limit 1) m
               union all
               select 4::smallint, u.n, m.id, m.status, m.birthday_sealed
               from unnest($4::text[]) with ordinality as u (locator, n)
               cross join lateral (select k.member_id from member_cards k join sessions s on s.id = k.session_id
                                   where k.locator = u.locator and s.ended_at is null limit 1) c
               cross join lateral (select * from members where id = c.member_id limit 1) m
               union all
               select 5::smallint, u.n, m.id, m.status, m.birthday_sealed
               from unnest($5::uuid[], $6::text[]) with ordinality as u (business_id, alias, n)
               cross join lateral (select member_id from member_aliases
                                   where business_id = u.business_id and external_id = u.alias limit 1) a
               cross join lateral (select * from members where id = a.member_id limit 1) m
           ),
           locked as materialized (
               select member_id, available, pending, held, debt, next_change_at, spending_from, tier, tier_since,
                      counted_from, counted_spend, counted_points
               from wallets where member_id = any (array(select id from named))
               order by member_id for no key update
           )
           select n.way as "way!", n.n as "n!", n.id as "id?", n.status as "status?", n.birthday_sealed,
                  null::bigint as available, null::bigint as pending, null::bigint as held, null::bigint as debt,
                  null::timestamptz as next_change_at, null::timestamptz as spending_from, null::text as "tier?", null::timestamptz as tier_since,
                  null::date as counted_from, null::bigint as counted_spend, null::bigint as counted_points
           from named n
           union all
           select 6::smallint, 0, w.member_id, null, null, w.available, w.pending, w.held, w.debt, w.next_change_at,
                  w.spending_from, w.tier, w.tier_since, w.counted_from, w.counted_spend, w.counted_points
           from locked w
           union all
           select 0::smallint, k.n, null, case when pg_try_advisory_xact_lock(k.a, k.b) then 'free' else 'taken' end,
                  null, null, null, null, null, null, null, null, null, null, null, null
           from unnest($7::int[], $8::int[]) with ordinality as k (a, b, n)"#,
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
