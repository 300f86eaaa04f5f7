//! What happens around every request, from the outside in: a name and a log line, problems written down, security
//! headers, panics caught ([`wrap`]); then, for each operation of the API, whether there is room for one more, who calls,
//! how often, and with what right ([`identify`] at its [`Gate`]) and a time limit ([`TimeLimit`]). Each layer that a
//! router gets costs a request some allocations: what belongs together is one.

mod outermost;
mod time_limit;

use std::any::Any;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use services::audit_log::origin::{Origin, within};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use self::outermost::{CallerSlot, Outermost};
pub use self::time_limit::TimeLimit;
use crate::caller::{Identity, recognise};
use crate::kit::HttpKit;
use crate::problem::{Problem, ProblemCode};
use crate::rate_limit::LimitKey;
use crate::request_id::{ClientAddress, RequestId};
use crate::rights::Rights;

/// Puts the layers that every answer passes around a router.
pub fn wrap(router: Router, kit: &HttpKit) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(Outermost::new(kit))
            .layer(CatchPanicLayer::custom(caught)),
    )
}

fn caught(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    Problem::new(ProblemCode::Internal).into_response()
}

/// Seconds after which a request that found no place may come again.
const RETRY_WHEN_FULL: u64 = 1;

/// What stands before an operation: its entry in the table of rights, and what it takes to hold it up.
#[derive(Clone, Debug)]
pub struct Gate {
    kit: HttpKit,
    rights: Rights,
}

impl Gate {
    /// The gate of an operation that these may call.
    #[must_use]
    pub fn new(kit: &HttpKit, rights: Rights) -> Self {
        Self {
            kit: kit.clone(),
            rights,
        }
    }
}

/// Lets only as many requests in as may be under way at once: one too many is refused before anything is done for it, so
/// that a flood costs little and those who are in get their answers. Then finds out who calls, and lets pass only as many
/// requests as the caller may make, and only if it has the right.
pub async fn identify(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let kit = gate.kit.clone();
    let Ok(_place) = kit.places().try_acquire() else {
        metrics::counter!("http_requests_shed_total").increment(1);
        return Problem::new(ProblemCode::Overloaded)
            .retry_after(RETRY_WHEN_FULL)
            .into_response();
    };
    judge(gate, request, next).await
}

async fn judge(gate: Gate, mut request: Request, next: Next) -> Response {
    let Gate { kit, rights } = gate;
    let identity = match recognise(&kit, request.headers()).await {
        Ok(identity) => identity,
        Err(problem) => return problem.into_response(),
    };
    let key = match &identity {
        Identity::Known(caller) => {
            if let Some(slot) = request.extensions().get::<CallerSlot>() {
                slot.fill(caller.kind(), caller.principal_id());
            }
            LimitKey::SignedIn(caller.principal_id())
        }
        Identity::Anonymous | Identity::Refused => {
            LimitKey::address(ClientAddress::of(request.extensions()).0)
        }
    };
    let decision = kit.limits().take(&key).await;
    let mut response = if let Some(seconds) = decision.retry_after_seconds() {
        metrics::counter!("http_requests_limited_total").increment(1);
        Problem::new(ProblemCode::TooManyRequests)
            .detail(format!("the next request passes in {seconds} s"))
            .detail_ru(format!("следующий запрос пройдёт через {seconds} с"))
            .member("violated-policies", vec!["default"])
            .retry_after(seconds)
            .into_response()
    } else if let Err(problem) = rights.check(&identity, kit.services().clock().now()) {
        problem.into_response()
    } else {
        let origin = origin_of(&identity, &request);
        request.extensions_mut().insert(identity);
        within(origin, next.run(request)).await
    };
    decision.write_headers(response.headers_mut());
    response
}

/// What the audit log says of the request, should it change something.
fn origin_of(identity: &Identity, request: &Request) -> Origin {
    let extensions = request.extensions();
    let caller = match identity {
        Identity::Known(caller) => Some(caller.clone()),
        Identity::Anonymous | Identity::Refused => None,
    };
    let route = extensions.get::<MatchedPath>();
    let via = route.map(|route| format!("{} {}", request.method(), route.as_str()));
    let id = extensions.get::<RequestId>().map_or("", RequestId::as_str);
    Origin::request(caller, via, id.to_owned())
}
