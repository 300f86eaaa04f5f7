//! Everything that runs by the clock, one line each.

use chrono_tz::Tz;
use jobs::{InvalidSchedule, Schedule};
use services::audit::nightly_audit::NightlyAudit;
use services::auth::rotate_keys::RotateKeys;
use services::housekeeping::forget_challenges::ForgetChallenges;
use services::housekeeping::forget_development_messages::ForgetDevelopmentMessages;
use services::housekeeping::forget_idempotency_keys::ForgetIdempotencyKeys;
use services::housekeeping::forget_member_codes::ForgetMemberCodes;
use services::housekeeping::forget_one_time_codes::ForgetOneTimeCodes;
use services::housekeeping::forget_outbox_events::ForgetOutboxEvents;
use services::housekeeping::forget_sign_ins::ForgetSignIns;
use services::housekeeping::forget_staff_credits::ForgetStaffCredits;
use services::housekeeping::maintain_partitions::MaintainPartitions;
use services::imports::drop_abandoned::DropAbandonedImports;
use services::loyalty::advance_on_time::AdvanceWallets;
use services::members::hash_tails::HashPhoneTails;
use services::personal_data::forget_exports::ForgetExports;

/// Every schedule that the worker keeps; days and nights are those of `zone`.
///
/// # Errors
/// If a cron expression is malformed.
pub fn all(zone: Tz) -> Result<Vec<Schedule>, InvalidSchedule> {
    let messages = ForgetDevelopmentMessages;
    Ok(vec![
        Schedule::new("advance_wallets", "* * * * *", zone, AdvanceWallets)?,
        Schedule::new("hash_phone_tails", "* * * * *", zone, HashPhoneTails)?,
        Schedule::new("forget_exports", "5 * * * *", zone, ForgetExports)?,
        Schedule::new("forget_codes", "10 * * * *", zone, ForgetOneTimeCodes)?,
        Schedule::new("forget_challenges", "15 * * * *", zone, ForgetChallenges)?,
        Schedule::new("drop_imports", "20 * * * *", zone, DropAbandonedImports)?,
        Schedule::new(
            "maintain_partitions",
            "50 1 * * *",
            zone,
            MaintainPartitions,
        )?,
        Schedule::new("rotate_keys", "0 2 * * *", zone, RotateKeys)?,
        Schedule::new("forget_answers", "10 2 * * *", zone, ForgetIdempotencyKeys)?,
        Schedule::new("forget_member_codes", "20 2 * * *", zone, ForgetMemberCodes)?,
        Schedule::new("forget_credits", "25 2 * * *", zone, ForgetStaffCredits)?,
        Schedule::new("forget_sign_ins", "30 2 * * *", zone, ForgetSignIns)?,
        Schedule::new("forget_messages", "40 2 * * *", zone, messages)?,
        Schedule::new("forget_events", "50 2 * * *", zone, ForgetOutboxEvents)?,
        Schedule::new("nightly_audit", "30 3 * * *", zone, NightlyAudit)?,
    ])
}
