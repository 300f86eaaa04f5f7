//! What the engine knows of an order, and nothing else: whose it is, how it names its member, and whether its outcome
//! asks for another try. An order of another kind has its place here.

use domain::ids::{BusinessId, MemberId};
use uuid::Uuid;

use super::routes::Name;
use crate::idempotency::IdempotencyError;
pub use crate::loyalty::posting::Order;
use crate::loyalty::posting::{PostOutcome, PostRefusal};
use crate::members::MemberReference;

/// What became of it.
pub type Outcome = Result<PostOutcome, PostRefusal>;

/// The tenant, among whom turns are taken: where a caller has several businesses, the first of them.
pub(super) fn tenant(order: &Order) -> BusinessId {
    let first = order.businesses().first();
    first.copied().unwrap_or(Uuid::nil().into())
}

/// How the order names its member; what names a purchase or a hold names whoever it belongs to.
pub(super) fn name(order: &Order) -> Name {
    match order {
        Order::Purchase(item) => name_at(item.business, &item.member),
        Order::MakeHold(item) => name_at(item.business, &item.member),
        Order::Refund(item) => Name::other(("purchase", item.purchase.as_uuid())),
        Order::EndHold(item) => Name::other(("hold", item.hold.as_uuid())),
    }
}

fn name_at(business: BusinessId, member: &MemberReference) -> Name {
    match member {
        MemberReference::Member(member) | MemberReference::Found(_, member) => {
            Name::member(*member)
        }
        MemberReference::Phone(phone) => Name::other(("phone", phone.e164())),
        MemberReference::Number(number) => Name::other(("number", number.as_str())),
        MemberReference::Code(code, _) => Name::other(("code", code.locator())),
        MemberReference::Alias(alias) => Name::other((business.as_uuid(), alias)),
    }
}

/// The member whom the order turned out to name.
pub(super) fn member(outcome: &Outcome) -> Option<MemberId> {
    outcome.as_ref().ok()?.member()
}

/// Whether the order's key is held by another transaction: after a lost connection, most likely by our own, which the
/// server has not ended yet.
pub(super) fn is_in_flight(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Err(PostRefusal::Idempotency(IdempotencyError::InFlight))
    )
}
