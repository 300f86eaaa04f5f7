//! Every URL of the REST interface. What is registered with `routes!` is documented; [`PAGES`] are the few addresses
//! beside it that hold the documentation itself.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use http_kit::layers::{TimeLimit, admit, wrap};
use http_kit::{BodyLimit, HttpConfig, HttpKit, Problem};
use services::context::Context;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::manners::{Manners, observe};
use crate::{
    admin, auth, businesses, development_outbox, health, loyalty, openapi, problems,
    reference_page, transactions, users, well_known,
};

/// Where the versioned operations begin.
pub const API_PREFIX: &str = "/api/v1";

/// The addresses that are documentation and therefore not in the document.
pub const PAGES: &[&str] = &[
    "/openapi.json",
    "/docs",
    "/docs/reference.css",
    "/docs/reference.js",
    "/problems",
    "/problems/{code}",
    "/dev/outbox",
];

/// The operations under [`API_PREFIX`] that answer within the usual time.
pub(crate) fn api() -> OpenApiRouter<HttpKit> {
    OpenApiRouter::new()
        .routes(routes!(auth::request_code::ask))
        .routes(routes!(auth::consent_texts::texts))
        .routes(routes!(auth::sign_in::enter))
        .routes(routes!(auth::refresh::renew))
        .routes(routes!(auth::logout::leave))
        .routes(routes!(auth::list_sessions::sessions))
        .routes(routes!(auth::end_session::end_one))
        .routes(routes!(users::get::me, users::change::change_me))
        .routes(routes!(users::card::my_card))
        .routes(routes!(
            users::get_consents::consents,
            users::set_consents::set
        ))
        .routes(routes!(
            users::get_preferences::mine,
            users::set_preferences::set
        ))
        .routes(routes!(users::register_device::register))
        .routes(routes!(users::forget_device::forget))
        .routes(routes!(users::referrals::mine))
        .routes(routes!(
            businesses::list::catalogue,
            businesses::create::add
        ))
        .routes(routes!(
            businesses::get::business,
            businesses::change::change_one
        ))
        .routes(routes!(businesses::add_location::add))
        .routes(routes!(
            businesses::list_staff::staff,
            businesses::give_role::give
        ))
        .routes(routes!(businesses::take_role::take))
        .routes(routes!(
            businesses::list_keys::keys,
            businesses::create_key::make_key
        ))
        .routes(routes!(businesses::revoke_key::revoke_key))
        .routes(routes!(loyalty::balance::my_balance))
        .routes(routes!(loyalty::history::movements))
        .routes(routes!(loyalty::lots::my_lots))
        .routes(routes!(loyalty::ladder::tiers))
        .routes(routes!(loyalty::tier::my_tier))
        .routes(routes!(loyalty::rules::rules_now))
        .routes(routes!(loyalty::lookup::find))
        .routes(routes!(loyalty::quote::ask))
        .routes(routes!(loyalty::make_hold::make))
        .routes(routes!(loyalty::capture_hold::capture))
        .routes(routes!(loyalty::void_hold::void))
        .routes(routes!(transactions::list::list, transactions::post::post))
        .routes(routes!(transactions::get::get))
        .routes(routes!(transactions::imports::show::report))
        .routes(routes!(transactions::refund::refund))
        .routes(routes!(transactions::void::void))
        .routes(routes!(admin::list_rules::rules, admin::add_rule::add_one))
        .routes(routes!(
            admin::get_rule::rule,
            admin::change_rule::change_one
        ))
        .routes(routes!(admin::set_tiers::set_tiers))
        .routes(routes!(admin::list_jobs::jobs))
        .routes(routes!(admin::retry_job::retry))
        .routes(routes!(
            admin::get_settings::settings,
            admin::set_settings::set_settings
        ))
}

/// The operations under [`API_PREFIX`] that receive files and may take longer.
pub(crate) fn uploads(config: &HttpConfig) -> OpenApiRouter<HttpKit> {
    let batch = OpenApiRouter::new()
        .routes(routes!(transactions::post_batch::post_many))
        .layer(axum::Extension(BodyLimit(config.batch_bytes)));
    OpenApiRouter::new()
        .routes(routes!(admin::ledger_check::check))
        .routes(routes!(transactions::imports::upload::upload))
        .merge(batch)
}

/// The operations beside the API, for machines that watch or trust the service.
pub(crate) fn machinery() -> OpenApiRouter<HttpKit> {
    OpenApiRouter::new()
        .routes(routes!(health::live::live))
        .routes(routes!(health::ready::ready))
        .routes(routes!(well_known::jwks::keys))
}

fn pages() -> Router<HttpKit> {
    Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(reference_page::page))
        .route("/docs/reference.css", get(reference_page::style))
        .route("/docs/reference.js", get(reference_page::script))
        .route("/problems", get(problems::list))
        .route("/problems/{code}", get(problems::one))
        .route("/dev/outbox", get(development_outbox::show))
}

/// The whole service, ready to serve.
pub fn router(context: Context, http: HttpConfig) -> Router {
    let kit = HttpKit::new(context, http);
    let (usual, _) = api().split_for_parts();
    let (slow, _) = uploads(kit.config()).split_for_parts();
    let (beside, _) = machinery().split_for_parts();
    let config = kit.config();
    let usual = usual.layer(TimeLimit::new(config.request_timeout));
    let slow = slow.layer(TimeLimit::new(config.upload_timeout));
    let v1 = usual
        .merge(slow)
        .layer(from_fn_with_state(Manners::of(&documented()), observe))
        .fallback(unknown)
        .layer(from_fn_with_state(kit.clone(), admit));
    let router = Router::new()
        .nest(API_PREFIX, v1)
        .merge(beside)
        .merge(pages())
        .fallback(unknown)
        .with_state(kit.clone());
    wrap(router, &kit)
}

/// The document of all operations, before it is completed.
pub(crate) fn documented() -> OpenApi {
    OpenApiRouter::with_openapi(openapi::base())
        .nest(API_PREFIX, api().merge(uploads(&HttpConfig::default())))
        .merge(machinery())
        .into_openapi()
}

async fn unknown() -> Problem {
    Problem::not_found()
}
