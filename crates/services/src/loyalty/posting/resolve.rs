//! From what the items of a group say of their members to the members: one statement, which locks their wallets too.

use std::collections::BTreeMap;

use domain::ids::{BusinessId, MemberId};
use domain::people::MemberStatus;
use sqlx::PgConnection;
use store::error::StoreError;
use store::posting::resolve::{Named, Names, Way, resolve_and_lock};
use store::wallets::WalletRow;
use uuid::Uuid;

use super::PostItem;
use crate::auth::session_state::known;
use crate::context::Context;
use crate::members::{MemberReference, Proof, ResolvedMember, Unresolved};
use crate::touched;

/// How people whom nobody knows yet were named, by the identifier that they will have.
pub(super) type Strangers = BTreeMap<MemberId, (BusinessId, MemberReference)>;

/// The members of a group.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Item by item.
    pub(super) of_items: Vec<Result<ResolvedMember, Unresolved>>,
    /// Item by item: whether the key is free, for items that have one.
    pub(super) keys_free: Vec<Option<bool>>,
    /// Birthdays, sealed.
    pub(super) birthdays: BTreeMap<MemberId, Vec<u8>>,
    /// Wallets, under lock; lots are not loaded.
    pub(super) wallets: BTreeMap<MemberId, WalletRow>,
    /// Members whom nobody knows yet; they are made if something is posted for them.
    pub(super) strangers: Strangers,
}

/// Takes the keys, finds the members and locks their wallets.
pub(super) async fn lock(
    conn: &mut PgConnection,
    ctx: &Context,
    items: &[PostItem],
    digests: &[Option<Uuid>],
) -> Result<Members, StoreError> {
    let mut names = Names::default();
    let places: Vec<(Way, usize)> = items
        .iter()
        .map(|item| ask(&mut names, ctx, item))
        .collect();
    let keys: Vec<Uuid> = digests.iter().flatten().copied().collect();
    let mut found = resolve_and_lock(conn, &keys, &names).await?;
    touched::note(found.wallets.keys().copied());
    let mut free = std::mem::take(&mut found.keys_free).into_iter();
    let mut members = Members {
        keys_free: digests
            .iter()
            .map(|digest| digest.and_then(|_| free.next()))
            .collect(),
        wallets: std::mem::take(&mut found.wallets),
        ..Members::default()
    };
    for (item, place) in items.iter().zip(places) {
        let resolved = members.settle(ctx, item, found.named.get(&place))?;
        members.of_items.push(resolved);
    }
    members.meet_strangers(ctx, items);
    Ok(members)
}

/// Adds the name of an item's member to what is asked for; says where it stands there.
fn ask(names: &mut Names, ctx: &Context, item: &PostItem) -> (Way, usize) {
    fn add<T>(list: &mut Vec<T>, name: T) -> usize {
        list.push(name);
        list.len() - 1
    }
    match &item.member {
        MemberReference::Member(id) => (Way::Id, add(&mut names.ids, id.as_uuid())),
        MemberReference::Phone(phone) => (
            Way::Phone,
            add(&mut names.phones, ctx.vault().phone_hash(phone)),
        ),
        MemberReference::Number(number) => (
            Way::Number,
            add(&mut names.numbers, number.as_str().to_owned()),
        ),
        MemberReference::Code(code, _) => (
            Way::Locator,
            add(&mut names.locators, code.locator().to_owned()),
        ),
        MemberReference::Alias(alias) => {
            let name = (item.business.as_uuid(), alias.clone());
            (Way::Alias, add(&mut names.aliases, name))
        }
    }
}

impl Members {
    /// What an item's name has come to.
    fn settle(
        &mut self,
        ctx: &Context,
        item: &PostItem,
        named: Option<&Named>,
    ) -> Result<Result<ResolvedMember, Unresolved>, StoreError> {
        let found = match named {
            Some(named) => {
                let status = known::<MemberStatus>(&named.status)?;
                if let Some(birthday) = &named.birthday_sealed {
                    self.birthdays.insert(named.id, birthday.clone());
                }
                (status != MemberStatus::Erased).then_some(ResolvedMember {
                    member: named.id,
                    status,
                    proof: Proof::Weak,
                })
            }
            None => None,
        };
        let MemberReference::Code(code, shown_at) = &item.member else {
            return Ok(found.ok_or(Unresolved::Unknown));
        };
        // A code has eight digits: whoever may try without end finds one.
        let (attempts, now) = (ctx.caches().code_attempts(), ctx.clock().now());
        if attempts.exhausted(item.business, code.locator(), now) {
            return Ok(Err(Unresolved::InvalidCode));
        }
        let secret = ctx.vault().card_secret(code.locator());
        let step = code.verify(&secret, shown_at.timestamp());
        let Some((found, step)) = found.zip(step) else {
            attempts.failed(item.business, code.locator(), now);
            return Ok(Err(Unresolved::InvalidCode));
        };
        Ok(Ok(ResolvedMember {
            proof: Proof::Code { step },
            ..found
        }))
    }

    /// A phone or customer number that nobody has becomes a stranger.
    fn meet_strangers(&mut self, ctx: &Context, items: &[PostItem]) {
        let mut named: BTreeMap<(Option<BusinessId>, &str), MemberId> = BTreeMap::new();
        for (item, found) in items.iter().zip(&mut self.of_items) {
            let name = match &item.member {
                MemberReference::Phone(phone) => (None, phone.e164()),
                MemberReference::Alias(alias) => (Some(item.business), alias.as_str()),
                _ => continue,
            };
            if *found != Err(Unresolved::Unknown) {
                continue;
            }
            let member = *named.entry(name).or_insert_with(|| ctx.ids().next());
            self.strangers
                .insert(member, (item.business, item.member.clone()));
            *found = Ok(ResolvedMember {
                member,
                status: MemberStatus::Waiting,
                proof: Proof::Weak,
            });
        }
    }
}
