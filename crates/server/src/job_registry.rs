//! All jobs, one line each. A job is known by its name; two with one name end the start with a panic.

use jobs::Registry;
use services::context::Context;
use services::{
    audit, auth, housekeeping, imports, loyalty, members, notifications, personal_data,
};

/// Every job that the worker can run.
#[must_use]
pub fn all() -> Registry<Context> {
    Registry::new()
        .job::<audit::nightly_audit::NightlyAudit>()
        .job::<auth::rotate_keys::RotateKeys>()
        .job::<housekeeping::forget_challenges::ForgetChallenges>()
        .job::<housekeeping::forget_development_messages::ForgetDevelopmentMessages>()
        .job::<housekeeping::forget_idempotency_keys::ForgetIdempotencyKeys>()
        .job::<housekeeping::forget_member_codes::ForgetMemberCodes>()
        .job::<housekeeping::forget_one_time_codes::ForgetOneTimeCodes>()
        .job::<housekeeping::forget_outbox_events::ForgetOutboxEvents>()
        .job::<housekeeping::forget_sign_ins::ForgetSignIns>()
        .job::<housekeeping::forget_staff_credits::ForgetStaffCredits>()
        .job::<housekeeping::maintain_partitions::MaintainPartitions>()
        .job::<imports::drop_abandoned::DropAbandonedImports>()
        .job::<imports::import_purchases::ImportPurchases>()
        .job::<loyalty::advance_on_time::AdvanceWallets>()
        .job::<members::hash_tails::HashPhoneTails>()
        .job::<notifications::send_text::SendText>()
        .job::<personal_data::erase_member::EraseMember>()
        .job::<personal_data::forget_exports::ForgetExports>()
        .job::<personal_data::make_export::MakeExport>()
}
