//! Every URL of the REST interface, each with who may call it: an operation without rights does not compile. What is
//! added with `routes!` is documented; [`pages`] are the few addresses beside it that hold the documentation itself.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use domain::rights::OperatorRole::{Admin, Support};
use domain::rights::Scope::{
    ImportsWrite, LoyaltyRead, LoyaltyWrite, TransactionsRead, TransactionsWrite,
};
use domain::rights::StaffRole::{Manager, Owner};
use http_kit::layers::wrap;
use http_kit::{BodyLimit, HttpConfig, HttpKit, Rights};
use services::context::Context;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::manners::{Manners, observe};
use crate::table::{Entry, Table, unknown, with_fallbacks};
use crate::{
    admin, auth, businesses, development_outbox, health, loyalty, openapi, problems,
    reference_page, transactions, users, well_known,
};

/// Where the versioned operations begin.
pub const API_PREFIX: &str = "/api/v1";

const ANYONE: Rights = Rights::ANYONE;
const MEMBER: Rights = Rights::MEMBER;
const ADMIN: Rights = Rights::operator(&[Admin]);
const SUPPORT: Rights = Rights::operator(&[Support]);
const OWNER_OR_ADMIN: Rights = Rights::staff(Owner).or_operator(&[Admin]);
const MANAGER_OR_ADMIN: Rights = Rights::staff(Manager).or_operator(&[Admin]);
const MEMBER_OR_TILL: Rights = Rights::till(TransactionsRead).or_member();
const IMPORTS: Rights = Rights::staff(Manager).or_key(ImportsWrite);
const READ: Rights = Rights::till(LoyaltyRead);
const HOLD: Rights = Rights::till(LoyaltyWrite);
const SELL: Rights = Rights::till(TransactionsWrite);
const BATCH: Rights = Rights::key(TransactionsWrite);

/// The operations under [`API_PREFIX`] that answer within the usual time.
fn api() -> Table {
    by_hand(people().and(partners()).and(programme()))
}

fn people() -> Table {
    Table::new()
        .add(ANYONE, routes!(auth::request_code::ask))
        .add(ANYONE, routes!(auth::consent_texts::texts))
        .add(ANYONE, routes!(auth::sign_in::enter))
        .add(ANYONE, routes!(auth::refresh::renew))
        .add(ANYONE, routes!(auth::assert_passkey::assert))
        .add(MEMBER, routes!(auth::factors::factors))
        .add(MEMBER, routes!(auth::list_passkeys::passkeys))
        .add(MEMBER, routes!(auth::enrol_passkey::enrol))
        .add(MEMBER, routes!(auth::remove_passkey::remove))
        .add(MEMBER, routes!(auth::enrol_totp::enrol))
        .add(MEMBER, routes!(auth::remove_totp::remove))
        .add(MEMBER, routes!(auth::set_password::set))
        .add(MEMBER, routes!(auth::make_recovery_codes::make))
        .add(MEMBER, routes!(auth::logout::leave))
        .add(MEMBER, routes!(auth::list_sessions::sessions))
        .add(MEMBER, routes!(auth::end_other_sessions::end_all_others))
        .add(MEMBER, routes!(auth::end_session::end_one))
        .add(MEMBER, routes!(users::get::me))
        .add(MEMBER, routes!(users::change::change_me))
        .add(MEMBER.after_step_up(), routes!(users::erase::erase_me))
        .add(MEMBER.after_step_up(), routes!(users::export::export_me))
        .add(MEMBER, routes!(users::card::my_card))
        .add(
            MEMBER.after_step_up(),
            routes!(users::request_phone_code::ask),
        )
        .add(MEMBER.after_step_up(), routes!(users::change_phone::change))
        .add(MEMBER, routes!(users::get_consents::consents))
        .add(MEMBER, routes!(users::set_consents::set))
        .add(MEMBER, routes!(users::get_preferences::mine))
        .add(MEMBER, routes!(users::set_preferences::set))
        .add(MEMBER, routes!(users::register_device::register))
        .add(MEMBER, routes!(users::forget_device::forget))
        .add(MEMBER, routes!(users::referrals::mine))
}

fn partners() -> Table {
    Table::new()
        .add(ANYONE, routes!(businesses::list::catalogue))
        .add(ADMIN, routes!(businesses::create::add))
        .add(ANYONE, routes!(businesses::get::business))
        .add(OWNER_OR_ADMIN, routes!(businesses::change::change_one))
        .add(OWNER_OR_ADMIN, routes!(businesses::add_location::add))
        .add(MANAGER_OR_ADMIN, routes!(businesses::list_staff::staff))
        .add(OWNER_OR_ADMIN, routes!(businesses::give_role::give))
        .add(OWNER_OR_ADMIN, routes!(businesses::take_role::take))
        .add(OWNER_OR_ADMIN, routes!(businesses::list_keys::keys))
        .add(
            OWNER_OR_ADMIN.after_step_up(),
            routes!(businesses::create_key::make_key),
        )
        .add(OWNER_OR_ADMIN, routes!(businesses::revoke_key::revoke_key))
        .add(MEMBER, routes!(loyalty::balance::my_balance))
        .add(MEMBER, routes!(loyalty::history::movements))
        .add(MEMBER, routes!(loyalty::lots::my_lots))
        .add(ANYONE, routes!(loyalty::ladder::tiers))
        .add(MEMBER, routes!(loyalty::tier::my_tier))
        .add(ANYONE, routes!(loyalty::rules::rules_now))
        .add(READ, routes!(loyalty::lookup::find))
        .add(READ, routes!(loyalty::quote::ask))
        .add(HOLD, routes!(loyalty::make_hold::make))
        .add(HOLD, routes!(loyalty::capture_hold::capture))
        .add(HOLD, routes!(loyalty::void_hold::void))
        .add(MEMBER_OR_TILL, routes!(transactions::list::list))
        .add(SELL, routes!(transactions::post::post))
        .add(MEMBER_OR_TILL, routes!(transactions::get::get))
        .add(IMPORTS, routes!(transactions::imports::show::report))
        .add(SELL, routes!(transactions::refund::refund))
        .add(SELL, routes!(transactions::void::void))
}

fn programme() -> Table {
    Table::new()
        .add(ADMIN, routes!(admin::list_rules::rules))
        .add(ADMIN, routes!(admin::add_rule::add_one))
        .add(ADMIN, routes!(admin::get_rule::rule))
        .add(ADMIN, routes!(admin::change_rule::change_one))
        .add(ADMIN, routes!(admin::set_tiers::set_tiers))
        .add(SUPPORT, routes!(admin::end_sessions::end_sessions))
        .add(SUPPORT, routes!(admin::list_code_stops::stops))
        .add(ADMIN, routes!(admin::lift_code_stop::lift_one))
        .add(ADMIN, routes!(admin::list_jobs::jobs))
        .add(ADMIN, routes!(admin::retry_job::retry))
        .add(ADMIN, routes!(admin::read_log::log))
        .add(ADMIN, routes!(admin::get_settings::settings))
        .add(ADMIN, routes!(admin::set_settings::set_settings))
}

/// What people do by hand: points between members, and what operators do to members and their points.
fn by_hand(table: Table) -> Table {
    table
        .add(MEMBER, routes!(loyalty::transfer::give))
        .add(SUPPORT, routes!(loyalty::adjustments::list::all))
        .add(
            SUPPORT.after_step_up(),
            routes!(loyalty::adjustments::request::ask),
        )
        .add(SUPPORT, routes!(loyalty::adjustments::get::one))
        .add(
            ADMIN.after_step_up(),
            routes!(loyalty::adjustments::approve::yes),
        )
        .add(SUPPORT, routes!(loyalty::adjustments::decline::no))
        .add(SUPPORT, routes!(admin::members::list::members))
        .add(SUPPORT, routes!(admin::members::find::search))
        .add(SUPPORT, routes!(admin::members::show::one))
        .add(SUPPORT, routes!(admin::members::block::stop))
        .add(SUPPORT, routes!(admin::members::unblock::let_in))
        .add(
            ADMIN.after_step_up(),
            routes!(admin::members::reset_factors::reset),
        )
        .add(ADMIN.after_step_up(), routes!(admin::change_role::change))
        .add(SUPPORT, routes!(admin::fraud_cases::list::cases))
        .add(SUPPORT, routes!(admin::fraud_cases::close::close_one))
}

/// The operations under [`API_PREFIX`] that work on a lot at once and may take longer.
fn uploads() -> Table {
    Table::new()
        .add(ADMIN, routes!(admin::ledger_check::check))
        .add(IMPORTS, routes!(transactions::imports::upload::upload))
}

/// Those of them that read a large body of JSON.
fn batches() -> Table {
    Table::new().add(BATCH, routes!(transactions::post_batch::post_many))
}

/// The operations beside the API, for machines that watch or trust the service.
fn machinery() -> Table {
    Table::new()
        .add(ANYONE, routes!(health::live::live))
        .add(ANYONE, routes!(health::ready::ready))
        .add(ANYONE, routes!(well_known::jwks::keys))
}

/// The addresses that are documentation and therefore not in the document.
fn pages() -> Table {
    Table::new()
        .page("/openapi.json", get(openapi::document))
        .page("/docs", get(reference_page::page))
        .page("/docs/reference.css", get(reference_page::style))
        .page("/docs/reference.js", get(reference_page::script))
        .page("/problems", get(problems::list))
        .page("/problems/{code}", get(problems::one))
        .page("/dev/outbox", get(development_outbox::show))
}

/// The whole service, ready to serve.
pub fn router(context: Context, http: HttpConfig) -> Router {
    let kit = HttpKit::new(context, http);
    let config = kit.config();
    let large = batches()
        .gated(&kit, config.upload_timeout)
        .layer(axum::Extension(BodyLimit(config.batch_bytes)));
    let v1 = api()
        .gated(&kit, config.request_timeout)
        .merge(uploads().gated(&kit, config.upload_timeout))
        .merge(large)
        .layer(from_fn_with_state(Manners::of(&documented()), observe));
    let router = Router::new()
        .nest(API_PREFIX, with_fallbacks(v1, &kit))
        .merge(machinery().open())
        .merge(pages().open())
        .fallback(unknown)
        .with_state(kit.clone());
    wrap(router, &kit)
}

/// Every operation and page with who may call it.
#[must_use]
pub fn table() -> Vec<Entry> {
    let v1 = [api(), uploads(), batches()];
    let beside = [machinery(), pages()];
    let v1 = v1.iter().flat_map(|table| table.entries(API_PREFIX));
    let beside = beside.iter().flat_map(|table| table.entries(""));
    v1.chain(beside).collect()
}

/// The document of all operations, before it is completed.
pub(crate) fn documented() -> OpenApi {
    let v1 = api()
        .documented()
        .merge(uploads().documented())
        .merge(batches().documented());
    OpenApiRouter::with_openapi(openapi::base())
        .nest(API_PREFIX, v1)
        .merge(machinery().documented())
        .into_openapi()
}
