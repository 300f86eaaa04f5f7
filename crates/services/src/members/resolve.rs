//! From what a till says of a member to the member, many at a time: each way of naming takes one statement.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::member_code::{MemberCode, MemberNumber};
use domain::people::MemberStatus;
use domain::phone::Phone;
use sqlx::PgConnection;
use store::error::StoreError;
use store::members::{FoundMember, NewMembers, PhoneHashColumns};
use uuid::Uuid;

use crate::auth::session_state::known;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::vault::SealedField;

/// How often numbers are drawn again when one was taken.
const TRIES: u32 = 3;

/// What a till says of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberReference {
    /// The identifier.
    Member(MemberId),
    /// The phone.
    Phone(Phone),
    /// The number on the card.
    Number(MemberNumber),
    /// The rotating code, and when it was shown.
    Code(MemberCode, DateTime<Utc>),
    /// The business's own customer number.
    Alias(String),
    /// Whom this business found by the end of the phone.
    Found(BusinessId, MemberId),
}

impl MemberReference {
    /// The member, where the reference itself says it to `business`.
    #[must_use]
    pub fn identifier(&self, business: BusinessId) -> Option<MemberId> {
        match self {
            Self::Member(member) => Some(*member),
            Self::Found(finder, member) if *finder == business => Some(*member),
            Self::Found(..)
            | Self::Phone(_)
            | Self::Number(_)
            | Self::Code(..)
            | Self::Alias(_) => None,
        }
    }

    /// How sure a name of this kind makes it, short of a code.
    #[must_use]
    pub const fn proof(&self) -> Proof {
        match self {
            Self::Found(..) => Proof::Found,
            _ => Proof::Weak,
        }
    }
}

/// What happens to a phone or a customer number that nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    /// Somebody is made who waits for his points until he joins.
    CreateWaiting,
    /// It stays unknown.
    Refuse,
}

/// How sure it is that the member stands at the till.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Anybody could know it: good for earning, and for spending as far as the business allows without a code.
    Weak,
    /// The till chose him from a list: good for earning alone.
    Found,
    /// The rotating code of this 30-second step, which is to be used once: good for spending.
    Code {
        /// The step.
        step: i64,
    },
}

impl From<Proof> for domain::loyalty::purchase::Proof {
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Weak => Self::Weak,
            Proof::Found => Self::Found,
            Proof::Code { .. } => Self::Strong,
        }
    }
}

/// A member that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedMember {
    /// The member.
    pub member: MemberId,
    /// How the member stands to the programme; a blocked one is found too.
    pub status: MemberStatus,
    /// How sure it is.
    pub proof: Proof,
}

/// Why a member was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// Nobody has this phone, number, customer number or identifier.
    #[error("there is no such member")]
    Unknown,
    /// The rotating code is not one of now, or of no card that lives.
    #[error("the member code is not valid")]
    InvalidCode,
}

/// What was asked for and found, by the way of naming.
#[derive(Default)]
struct Found {
    ids: BTreeMap<Uuid, (MemberId, MemberStatus)>,
    phones: BTreeMap<Vec<u8>, (MemberId, MemberStatus)>,
    numbers: BTreeMap<String, (MemberId, MemberStatus)>,
    locators: BTreeMap<String, (MemberId, MemberStatus)>,
    aliases: BTreeMap<String, (MemberId, MemberStatus)>,
}

/// Finds the member of each reference, in order. Customer numbers are those of `business`. Members are made in the
/// caller's transaction; it sees to it that a code is used once.
///
/// # Errors
/// If the database fails.
pub async fn resolve_members(
    conn: &mut PgConnection,
    ctx: &Context,
    business: BusinessId,
    references: &[MemberReference],
    on_unknown: OnUnknown,
) -> Result<Vec<Result<ResolvedMember, Unresolved>>, StoreError> {
    let found = Found {
        ids: find_ids(conn, business, references).await?,
        phones: phones(conn, ctx, references, on_unknown).await?,
        numbers: find_numbers(conn, references).await?,
        locators: find_locators(conn, references).await?,
        aliases: aliases(conn, ctx, business, references, on_unknown).await?,
    };
    let attempts = ctx.caches().code_attempts();
    Ok(references
        .iter()
        .map(|reference| {
            let MemberReference::Code(code, _) = reference else {
                return found.resolve(ctx, business, reference);
            };
            // A code has eight digits: whoever may try without end finds one.
            let now = ctx.clock().now();
            if attempts.exhausted(business, code.locator(), now) {
                return Err(Unresolved::InvalidCode);
            }
            let resolved = found.resolve(ctx, business, reference);
            if resolved.is_err() {
                attempts.failed(business, code.locator(), now);
            }
            resolved
        })
        .collect())
}

impl Found {
    fn resolve(
        &self,
        ctx: &Context,
        business: BusinessId,
        reference: &MemberReference,
    ) -> Result<ResolvedMember, Unresolved> {
        let weak = |found: Option<&(MemberId, MemberStatus)>| match found {
            Some((_, MemberStatus::Erased)) | None => Err(Unresolved::Unknown),
            Some((member, status)) => Ok(ResolvedMember {
                member: *member,
                status: *status,
                proof: reference.proof(),
            }),
        };
        match reference {
            MemberReference::Member(_) | MemberReference::Found(..) => {
                let id = reference.identifier(business);
                weak(id.and_then(|id| self.ids.get(&id.as_uuid())))
            }
            MemberReference::Phone(phone) => {
                weak(self.phones.get(&ctx.vault().member_phone_hash(phone)))
            }
            MemberReference::Number(number) => weak(self.numbers.get(number.as_str())),
            MemberReference::Alias(alias) => weak(self.aliases.get(alias)),
            MemberReference::Code(code, shown_at) => {
                let secret = ctx.vault().card_secret(code.locator());
                let step = code
                    .verify(&secret, shown_at.timestamp())
                    .ok_or(Unresolved::InvalidCode)?;
                let found =
                    weak(self.locators.get(code.locator())).map_err(|_| Unresolved::InvalidCode)?;
                Ok(ResolvedMember {
                    proof: Proof::Code { step },
                    ..found
                })
            }
        }
    }
}

/// The distinct keys of one way of naming, in order.
fn keys<K: Ord>(
    references: &[MemberReference],
    key: impl Fn(&MemberReference) -> Option<K>,
) -> Vec<K> {
    references
        .iter()
        .filter_map(key)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn by_key<K: Ord>(
    rows: Vec<FoundMember<K>>,
) -> Result<BTreeMap<K, (MemberId, MemberStatus)>, StoreError> {
    rows.into_iter()
        .map(|row| Ok((row.key, (row.id.into(), known(&row.status)?))))
        .collect()
}

async fn find_ids(
    conn: &mut PgConnection,
    business: BusinessId,
    references: &[MemberReference],
) -> Result<BTreeMap<Uuid, (MemberId, MemberStatus)>, StoreError> {
    let ids = keys(references, |reference| {
        reference.identifier(business).map(MemberId::as_uuid)
    });
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    by_key(store::members::find_by_ids(conn, &ids).await?)
}

async fn find_numbers(
    conn: &mut PgConnection,
    references: &[MemberReference],
) -> Result<BTreeMap<String, (MemberId, MemberStatus)>, StoreError> {
    let numbers = keys(references, |reference| match reference {
        MemberReference::Number(number) => Some(number.as_str().to_owned()),
        _ => None,
    });
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    by_key(store::members::find_by_numbers(conn, &numbers).await?)
}

async fn find_locators(
    conn: &mut PgConnection,
    references: &[MemberReference],
) -> Result<BTreeMap<String, (MemberId, MemberStatus)>, StoreError> {
    let locators = keys(references, |reference| match reference {
        MemberReference::Code(code, _) => Some(code.locator().to_owned()),
        _ => None,
    });
    if locators.is_empty() {
        return Ok(BTreeMap::new());
    }
    store::member_cards::find(conn, &locators)
        .await?
        .into_iter()
        .map(|row| Ok((row.locator, (row.member_id.into(), known(&row.status)?))))
        .collect()
}

async fn phones(
    conn: &mut PgConnection,
    ctx: &Context,
    references: &[MemberReference],
    on_unknown: OnUnknown,
) -> Result<BTreeMap<Vec<u8>, (MemberId, MemberStatus)>, StoreError> {
    let phones: BTreeMap<Vec<u8>, &Phone> = references
        .iter()
        .filter_map(|reference| match reference {
            MemberReference::Phone(phone) => Some((ctx.vault().member_phone_hash(phone), phone)),
            _ => None,
        })
        .collect();
    if phones.is_empty() {
        return Ok(BTreeMap::new());
    }
    let hashes: Vec<Vec<u8>> = phones.keys().cloned().collect();
    let mut found = by_key(store::members::find_by_phones(conn, &hashes).await?)?;
    for _ in 0..TRIES {
        let missing: Vec<Vec<u8>> = hashes
            .iter()
            .filter(|hash| !found.contains_key(*hash))
            .cloned()
            .collect();
        if missing.is_empty() || on_unknown == OnUnknown::Refuse {
            break;
        }
        let new = new_members(ctx, missing.len());
        let sealed: Vec<Vec<u8>> = new
            .ids
            .iter()
            .zip(&missing)
            .map(|(id, hash)| {
                let phone = phones[hash].e164().as_bytes();
                ctx.vault()
                    .seal(SealedField::MemberPhone, id.as_bytes(), phone)
            })
            .collect();
        let kept = phone_columns(ctx, missing.iter().map(|hash| phones[hash]));
        store::members::insert_waiting_by_phone(conn, &new, &kept, &sealed, ctx.clock().now())
            .await?;
        found.extend(by_key(
            store::members::find_by_phones(conn, &missing).await?,
        )?);
    }
    Ok(found)
}

async fn aliases(
    conn: &mut PgConnection,
    ctx: &Context,
    business: BusinessId,
    references: &[MemberReference],
    on_unknown: OnUnknown,
) -> Result<BTreeMap<String, (MemberId, MemberStatus)>, StoreError> {
    let aliases = keys(references, |reference| match reference {
        MemberReference::Alias(alias) => Some(alias.clone()),
        _ => None,
    });
    if aliases.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut found = by_key(store::members::find_by_aliases(conn, business, &aliases).await?)?;
    for _ in 0..TRIES {
        let missing: Vec<String> = aliases
            .iter()
            .filter(|alias| !found.contains_key(*alias))
            .cloned()
            .collect();
        if missing.is_empty() || on_unknown == OnUnknown::Refuse {
            break;
        }
        let (new, now) = (new_members(ctx, missing.len()), ctx.clock().now());
        store::members::insert_waiting_by_alias(conn, business, &new, &missing, now).await?;
        found.extend(by_key(
            store::members::find_by_aliases(conn, business, &missing).await?,
        )?);
    }
    Ok(found)
}

/// Identifiers and random numbers for members to be made.
fn new_members(ctx: &Context, count: usize) -> NewMembers {
    let number = || MemberNumber::from_random(u64::from_be_bytes(random_bytes()));
    NewMembers {
        ids: (0..count).map(|_| ctx.ids().uuid()).collect(),
        numbers: (0..count).map(|_| number().as_str().to_owned()).collect(),
    }
}

/// Makes members who wait to join, under identifiers given to them before.
///
/// # Errors
/// [`StoreError::overtaken`] if another transaction has made one of them meanwhile; otherwise if the database fails.
pub async fn make_waiting(
    conn: &mut PgConnection,
    ctx: &Context,
    newcomers: &[(MemberId, BusinessId, &MemberReference)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut phones = BTreeMap::new();
    let mut aliases: BTreeMap<BusinessId, BTreeMap<String, Uuid>> = BTreeMap::new();
    for (member, business, named) in newcomers {
        match named {
            MemberReference::Phone(phone) => {
                phones.insert(
                    ctx.vault().member_phone_hash(phone),
                    (member.as_uuid(), phone),
                );
            }
            MemberReference::Alias(alias) => {
                let named = aliases.entry(*business).or_default();
                named.insert(alias.clone(), member.as_uuid());
            }
            MemberReference::Member(_)
            | MemberReference::Found(..)
            | MemberReference::Number(_)
            | MemberReference::Code(..) => {}
        }
    }
    if !phones.is_empty() {
        let new = named_members(phones.values().map(|(id, _)| *id).collect());
        let sealed: Vec<Vec<u8>> = phones
            .values()
            .map(|(id, phone)| {
                let plain = phone.e164().as_bytes();
                ctx.vault()
                    .seal(SealedField::MemberPhone, id.as_bytes(), plain)
            })
            .collect();
        let kept = phone_columns(ctx, phones.values().map(|(_, phone)| *phone));
        let made = store::members::insert_waiting_by_phone(conn, &new, &kept, &sealed, now).await?;
        all_made(made, phones.len())?;
    }
    for (business, named) in aliases {
        let (aliases, ids): (Vec<String>, Vec<Uuid>) = named.into_iter().unzip();
        let new = named_members(ids);
        let made =
            store::members::insert_waiting_by_alias(conn, business, &new, &aliases, now).await?;
        all_made(made, aliases.len())?;
    }
    Ok(())
}

/// The hashes under which members are kept.
fn phone_columns<'p>(ctx: &Context, phones: impl Iterator<Item = &'p Phone>) -> PhoneHashColumns {
    let hashes = phones.map(|phone| ctx.vault().member_phone_hashes(phone));
    let (odd, even) = hashes.map(|one| (one.odd, one.even)).unzip();
    PhoneHashColumns { odd, even }
}

fn all_made(made: u64, asked: usize) -> Result<(), StoreError> {
    if usize::try_from(made) == Ok(asked) {
        Ok(())
    } else {
        Err(StoreError::overtaken())
    }
}

/// Random numbers for members whose identifiers are given.
fn named_members(ids: Vec<Uuid>) -> NewMembers {
    let number = |_| MemberNumber::from_random(u64::from_be_bytes(random_bytes()));
    NewMembers {
        numbers: ids
            .iter()
            .map(number)
            .map(|number| number.as_str().to_owned())
            .collect(),
        ids,
    }
}
