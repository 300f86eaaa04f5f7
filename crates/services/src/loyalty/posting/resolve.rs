//! From what the orders of a group say of their members to the members.

use std::collections::BTreeMap;

use domain::ids::{BusinessId, MemberId};
use domain::people::MemberStatus;
use store::error::StoreError;
use store::posting::look::Answer;
use store::posting::named::Named;
use store::posting::names::{self, Names, Place, Way};
use store::wallets::WalletRow;

use super::Order;
use crate::auth::session_state::known;
use crate::context::Context;
use crate::members::{MemberReference, Proof, ResolvedMember, Unresolved};

/// How people whom nobody knows yet were named, by the identifier that they will have.
pub(super) type Strangers = BTreeMap<MemberId, (BusinessId, MemberReference)>;

/// How an order tells whose points it moves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Naming<'a> {
    /// As a till of this business says it; a purchase makes whoever is unknown.
    Till(BusinessId, &'a MemberReference, IfUnknown),
    /// By something of his; a member who left the programme is found too.
    Owner(MemberId),
    /// By something that does not exist.
    Nobody,
}

/// What an order does for somebody whom nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfUnknown {
    /// It makes somebody who waits.
    Make,
    /// It is refused, unless an order before it made him.
    Refuse,
}

impl<'a> Naming<'a> {
    /// Whether the order makes somebody, if it finds nobody.
    pub(super) fn makes(&self, found: Option<&names::Named>) -> bool {
        let gone = |found: &names::Named| {
            known(&found.status).is_ok_and(|status: MemberStatus| status == MemberStatus::Erased)
        };
        matches!(
            self,
            Self::Till(
                _,
                MemberReference::Phone(_) | MemberReference::Alias(_),
                IfUnknown::Make
            )
        ) && found.is_none_or(gone)
    }

    pub(super) fn of(order: &'a Order, named: &Named) -> Self {
        let owner = match order {
            Order::Purchase(item) => {
                return Self::Till(item.business, &item.member, IfUnknown::Make);
            }
            Order::MakeHold(item) => {
                return Self::Till(item.business, &item.member, IfUnknown::Refuse);
            }
            Order::Refund(item) => {
                let sold = named.purchases.get(&item.purchase.as_uuid());
                sold.map(|sold| sold.member)
            }
            Order::EndHold(item) => named.holds.get(&item.hold).map(|(member, _)| *member),
        };
        owner.map_or(Self::Nobody, Self::Owner)
    }
}

/// The members of a group.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Order by order.
    pub(super) of_orders: Vec<Result<ResolvedMember, Unresolved>>,
    /// Birthdays, sealed.
    pub(super) birthdays: BTreeMap<MemberId, Vec<u8>>,
    /// Wallets; lots are not loaded.
    pub(super) wallets: BTreeMap<MemberId, WalletRow>,
    /// Members whom nobody knows yet; they are made if something is posted for them.
    pub(super) strangers: Strangers,
}

/// Adds the name of an order's member to what is asked for; says where it stands there.
pub(super) fn ask(names: &mut Names, ctx: &Context, naming: Naming<'_>) -> Option<Place> {
    fn add<T>(list: &mut Vec<T>, name: T) -> usize {
        list.push(name);
        list.len() - 1
    }
    let (business, reference) = match naming {
        Naming::Till(business, reference, _) => (business, reference),
        Naming::Owner(member) => return Some((Way::Id, add(&mut names.ids, member.as_uuid()))),
        Naming::Nobody => return None,
    };
    Some(match reference {
        MemberReference::Member(_) | MemberReference::Found(..) => {
            let id = reference.identifier(business)?;
            (Way::Id, add(&mut names.ids, id.as_uuid()))
        }
        MemberReference::Phone(phone) => (
            Way::Phone,
            add(&mut names.phones, ctx.vault().member_phone_hash(phone)),
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
            let name = (business.as_uuid(), alias.clone());
            (Way::Alias, add(&mut names.aliases, name))
        }
    })
}

/// The step of the rotating code by which somebody is named, if it is one of now.
pub(super) fn step_of(ctx: &Context, member: &MemberReference) -> Option<i64> {
    let MemberReference::Code(code, shown_at) = member else {
        return None;
    };
    let secret = ctx.vault().card_secret(code.locator());
    code.verify(&secret, shown_at.timestamp())
}

impl Members {
    /// The members of orders that were named so, and had these places in what was asked.
    pub(super) fn of(
        ctx: &Context,
        namings: &[Naming<'_>],
        places: &[Option<Place>],
        answer: &mut Answer,
    ) -> Result<Self, StoreError> {
        let mut members = Self {
            wallets: std::mem::take(&mut answer.wallets),
            ..Self::default()
        };
        for (naming, place) in namings.iter().zip(places) {
            let named = place.and_then(|place| answer.named.get(&place));
            let resolved = members.settle(ctx, *naming, named)?;
            members.of_orders.push(resolved);
        }
        members.meet_strangers(ctx, namings);
        Ok(members)
    }

    /// What an order's name has come to.
    pub(super) fn settle(
        &mut self,
        ctx: &Context,
        naming: Naming<'_>,
        named: Option<&names::Named>,
    ) -> Result<Result<ResolvedMember, Unresolved>, StoreError> {
        let found = match named {
            Some(named) => {
                let status = known::<MemberStatus>(&named.status)?;
                if let Some(birthday) = &named.birthday_sealed {
                    self.birthdays.insert(named.id, birthday.clone());
                }
                Some(ResolvedMember {
                    member: named.id,
                    status,
                    proof: Proof::Weak,
                })
            }
            None => None,
        };
        let Naming::Till(business, reference, _) = naming else {
            return Ok(found.ok_or(Unresolved::Unknown));
        };
        let found = found.filter(|found| found.status != MemberStatus::Erased);
        let MemberReference::Code(code, _) = reference else {
            let proof = reference.proof();
            let found = found.map(|found| ResolvedMember { proof, ..found });
            return Ok(found.ok_or(Unresolved::Unknown));
        };
        // A code has eight digits: whoever may try without end finds one.
        let (attempts, now) = (ctx.caches().code_attempts(), ctx.clock().now());
        if attempts.exhausted(business, code.locator(), now) {
            return Ok(Err(Unresolved::InvalidCode));
        }
        let Some((found, step)) = found.zip(step_of(ctx, reference)) else {
            attempts.failed(business, code.locator(), now);
            return Ok(Err(Unresolved::InvalidCode));
        };
        Ok(Ok(ResolvedMember {
            proof: Proof::Code { step },
            ..found
        }))
    }

    /// A phone or customer number that nobody has becomes a stranger at the first purchase, and is one for all orders
    /// that follow.
    pub(super) fn meet_strangers(&mut self, ctx: &Context, namings: &[Naming<'_>]) {
        let mut met: BTreeMap<(Option<BusinessId>, &str), MemberId> = BTreeMap::new();
        for (naming, found) in namings.iter().zip(&mut self.of_orders) {
            let Naming::Till(business, reference, if_unknown) = *naming else {
                continue;
            };
            let name = match reference {
                MemberReference::Phone(phone) => (None, phone.e164()),
                MemberReference::Alias(alias) => (Some(business), alias.as_str()),
                _ => continue,
            };
            if *found != Err(Unresolved::Unknown) {
                continue;
            }
            let member = match (met.get(&name), if_unknown) {
                (Some(member), _) => *member,
                (None, IfUnknown::Refuse) => continue,
                (None, IfUnknown::Make) => ctx.ids().next(),
            };
            met.insert(name, member);
            let stranger = || (business, reference.clone());
            self.strangers.entry(member).or_insert_with(stranger);
            *found = Ok(ResolvedMember {
                member,
                status: MemberStatus::Waiting,
                proof: Proof::Weak,
            });
        }
    }
}
