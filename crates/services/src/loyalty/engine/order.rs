//! What the engine knows of an order, and nothing else: whose it is, how it names its member, and whether its outcome
//! asks for another try. An order of another kind has its place here.

use domain::ids::{BusinessId, MemberId};

use super::routes::Name;
use crate::idempotency::IdempotencyError;
use crate::loyalty::posting::{PostItem, PostOutcome, PostRefusal};
use crate::members::MemberReference;

/// What is posted.
pub type Order = PostItem;

/// What became of it.
pub type Outcome = Result<PostOutcome, PostRefusal>;

/// The tenant, among whom turns are taken.
pub(super) fn tenant(order: &Order) -> BusinessId {
    order.business
}

/// How the order names its member.
pub(super) fn name(order: &Order) -> Name {
    match &order.member {
        MemberReference::Member(member) => Name::member(*member),
        MemberReference::Phone(phone) => Name::other(("phone", phone.e164())),
        MemberReference::Number(number) => Name::other(("number", number.as_str())),
        MemberReference::Code(code, _) => Name::other(("code", code.locator())),
        MemberReference::Alias(alias) => Name::other((order.business.as_uuid(), alias)),
    }
}

/// The member whom the order turned out to name.
pub(super) fn member(outcome: &Outcome) -> Option<MemberId> {
    match outcome {
        Ok(PostOutcome::Posted(posted, _)) => Some(posted.purchase.member_id.into()),
        Ok(PostOutcome::Replayed(_)) | Err(_) => None,
    }
}

/// Whether the order's key is held by another transaction: after a lost connection, most likely by our own, which the
/// server has not ended yet.
pub(super) fn is_in_flight(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Err(PostRefusal::Idempotency(IdempotencyError::InFlight))
    )
}
