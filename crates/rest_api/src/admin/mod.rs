//! Running the programme: earning rules, the ladder of tiers, settings, the ledger's proof, the job queue, the
//! audit log.

pub mod add_rule;
pub mod change_rule;
pub mod end_sessions;
pub mod get_rule;
pub mod get_settings;
pub mod ledger_check;
pub mod lift_code_stop;
pub mod list_code_stops;
pub mod list_jobs;
pub mod list_rules;
pub mod log_check_model;
pub mod read_log;
pub mod retry_job;
pub mod rule_model;
pub mod set_settings;
pub mod set_tiers;
pub mod settings_model;
