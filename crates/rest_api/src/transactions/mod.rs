//! Purchases with their refunds. What a purchase looks like in JSON is in [`model`], what a till sends in [`request`].

pub mod get;
pub mod imports;
pub mod list;
pub mod model;
pub mod post;
pub mod post_batch;
pub mod refund;
pub mod request;
pub mod void;

/// The problems of posting, as operations name them in the document.
pub(crate) fn problems() -> Vec<&'static str> {
    vec![
        "idempotency_key_required",
        "invalid_idempotency_key",
        "idempotency_key_reused",
        "idempotency_in_flight",
        "overloaded",
        "business_suspended",
        "unknown_member",
        "invalid_member_code",
        "member_blocked",
        "member_not_joined",
        "own_account",
        "velocity_limit",
        "unknown_location",
        "unknown_category",
        "total_mismatch",
        "amount_out_of_range",
        "receipt_already_posted",
        "not_enough_points",
        "points_share_exceeded",
        "proof_required",
        "unknown_hold",
        "hold_not_open",
        "capture_exceeds_hold",
        "posted_in_future",
        "too_old",
        "overflow",
    ]
}
