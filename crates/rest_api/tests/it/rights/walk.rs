//! Every operation by every role.

use std::time::Duration;

use domain::rights::OperatorRole;
use rest_api::routes::table;
use rest_api::table::Entry;
use serde_json::Value;
use test_kit::{Answer, RequestBuilder};

use super::bodies::{Bodies, request, to};
use super::town::{Actor, Side, Town};

/// What the table makes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    SignIn,
    Forbidden,
    /// Let through, to what is the caller's to reach.
    Through,
    /// Let through, to what is another's.
    Foreign,
}

/// The problems by which a gate refuses.
const GATE: [&str; 4] = [
    "unauthenticated",
    "forbidden",
    "mfa_required",
    "step_up_required",
];

/// Judged by what the document says, so that the document is held to what happens.
fn expected(bodies: &Bodies, entry: &Entry, actor: Actor) -> Expected {
    let said = if entry.documented {
        bodies.operation(entry)["x-rights"].clone()
    } else {
        serde_json::json!({"roles": ["anyone"], "scopes": [], "tenant": "public"})
    };
    let lists = |list: &str, name: &str| {
        let list = said[list].as_array().expect("a list");
        list.iter().any(|one| one == name)
    };
    let anyone = lists("roles", "anyone");
    let member = lists("roles", "member");
    let (named, side) = match actor {
        _ if anyone => return Expected::Through,
        Actor::Anonymous | Actor::Refused => return Expected::SignIn,
        Actor::Member(side) => (member, Some(side)),
        Actor::Staff(role, side) => (member || lists("roles", role.as_str()), Some(side)),
        Actor::Operator(role) => (member || lists("roles", role.as_str()), None),
        Actor::Key(scope, side) => (lists("scopes", scope.as_str()), Some(side)),
    };
    if !named {
        return Expected::Forbidden;
    }
    let tenant = said["tenant"].as_str().expect("a rule");
    let works = !matches!(actor, Actor::Member(_)) && side == Some(Side::Home);
    let owns = actor == Actor::Member(Side::Home);
    let reaches = match tenant {
        "public" | "programme" => true,
        "own" => owns || !entry.path.contains('{'),
        "business" => works || (side.is_none() && bodies_are_any_business(&said)),
        "own or business" => owns || works,
        other => panic!("{other} is no rule"),
    };
    let names = entry.path.contains('{') || bodies.names_a_business(entry);
    if reaches || !names {
        Expected::Through
    } else {
        Expected::Foreign
    }
}

/// An operator who is named beside staff stands in for any business.
fn bodies_are_any_business(said: &Value) -> bool {
    let admin = OperatorRole::Admin.as_str();
    said["roles"]
        .as_array()
        .is_some_and(|roles| roles.iter().any(|role| role == admin))
}

/// Whether the operation ends the sign-in that calls, or more.
fn spends_the_caller(entry: &Entry, bodies: &Bodies) -> bool {
    let bare = !entry.path.contains('{') && entry.method != "GET";
    bare && bodies.operation(entry).get("requestBody").is_none()
}

fn code(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let failed = answer.status.is_client_error() || answer.status.is_server_error();
    let code = body["code"].as_str().filter(|_| failed);
    code.unwrap_or_default().to_owned()
}

/// The answer without what differs between any two requests.
fn comparable(answer: &Answer) -> (u16, Value) {
    let mut body = if answer.body.is_empty() {
        Value::Null
    } else {
        answer.json()
    };
    if let Some(fields) = body.as_object_mut() {
        fields.remove("instance");
        fields.remove("request_id");
    }
    (answer.status.as_u16(), body)
}

struct Walk {
    town: Town,
    bodies: Bodies,
}

impl Walk {
    async fn start() -> Self {
        Self {
            town: Town::build().await,
            bodies: Bodies::new(),
        }
    }

    /// Signs a request as the actor, with a sign-in of its own where the operation spends it.
    async fn by(&self, request: RequestBuilder, entry: &Entry, actor: Actor) -> RequestBuilder {
        if actor.is_person() && spends_the_caller(entry, &self.bodies) {
            return request.bearer(&self.town.fresh(actor).await.token);
        }
        match self.town.credential(actor) {
            Some(credential) => request.bearer(credential),
            None => request,
        }
    }

    /// What belongs to the home side, asked for by the actor.
    async fn ask(&self, entry: &Entry, actor: Actor) -> Answer {
        let request = request(&self.town, &self.bodies, entry, Side::Home);
        self.by(request, entry, actor).await.send().await
    }

    /// The same of the home business, named in the query where the operation takes it there.
    async fn ask_foreign(&self, entry: &Entry, actor: Actor, headers: bool) -> Answer {
        let business = self.town.at(Side::Home).business.to_string();
        let address = self.town.address(&entry.path, Side::Home, Side::Home);
        self.reach(entry, actor, address, &business, headers).await
    }

    /// The same of what does not exist.
    async fn ask_unknown(&self, entry: &Entry, actor: Actor) -> Answer {
        let nothing = || self.town.nothing();
        let steps = entry.path.split('/').map(|step| {
            if step.starts_with('{') {
                nothing()
            } else {
                step.to_owned()
            }
        });
        let address = steps.collect::<Vec<_>>().join("/");
        self.reach(entry, actor, address, &nothing(), false).await
    }

    async fn reach(
        &self,
        entry: &Entry,
        actor: Actor,
        mut address: String,
        business: &str,
        headers: bool,
    ) -> Answer {
        if self.bodies.query_names_a_business(entry) {
            address = format!("{address}?business_id={business}");
        }
        let things = self.town.at(Side::Home);
        let mut request = to(&self.town, &self.bodies, entry, &address, things, business);
        if headers {
            let home = self.town.at(Side::Home).business.to_string();
            for name in ["x-tenant-id", "x-business-id", "x-organization-id"] {
                request = request.header(name, &home);
            }
        }
        self.by(request, entry, actor).await.send().await
    }
}

#[tokio::test]
async fn every_role_is_let_through_or_refused_as_the_table_says() {
    let walk = Walk::start().await;
    let mut faults = Vec::new();
    let mut cells = 0;
    for entry in table() {
        for actor in Actor::all() {
            let expected = expected(&walk.bodies, &entry, actor);
            if expected == Expected::Foreign {
                continue;
            }
            cells += 1;
            let answer = walk.ask(&entry, actor).await;
            let code = code(&answer);
            let fine = match expected {
                Expected::SignIn => answer.status == 401 && code == "unauthenticated",
                Expected::Forbidden => answer.status == 403 && code == "forbidden",
                _ => !GATE.contains(&code.as_str()) && !answer.status.is_server_error(),
            };
            if !fine {
                let Entry { method, path, .. } = &entry;
                faults.push(format!(
                    "{method} {path} by {actor:?}: {expected:?}, got {} {}",
                    answer.status,
                    answer.text()
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(cells > 1000, "only {cells} cells were walked");
}

#[tokio::test]
async fn what_belongs_to_another_is_answered_like_what_does_not_exist() {
    let walk = Walk::start().await;
    let mut faults = Vec::new();
    let mut unknown_answers = 0;
    for entry in table() {
        for actor in Actor::all() {
            if expected(&walk.bodies, &entry, actor) != Expected::Foreign {
                continue;
            }
            let foreign = walk.ask_foreign(&entry, actor, false).await;
            let unknown = walk.ask_unknown(&entry, actor).await;
            // No header names the tenant.
            let pretending = walk.ask_foreign(&entry, actor, true).await;
            let same = comparable(&foreign) == comparable(&unknown)
                && comparable(&pretending) == comparable(&unknown);
            if foreign.status == 404 {
                unknown_answers += 1;
            }
            if !same || !foreign.status.is_client_error() || foreign.status == 401 {
                let Entry { method, path, .. } = &entry;
                let texts = [foreign.text(), unknown.text(), pretending.text()];
                faults.push(format!("{method} {path} by {actor:?}: {texts:#?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(unknown_answers > 40, "only {unknown_answers} were 404");
}

#[tokio::test]
async fn what_belongs_to_another_is_not_reached_through_ones_own() {
    let walk = Walk::start().await;
    let nested = |entry: &Entry| entry.path.matches('{').count() > 1;
    for entry in table().into_iter().filter(nested) {
        for actor in Actor::all() {
            if expected(&walk.bodies, &entry, actor) != Expected::Through {
                continue;
            }
            let through = walk.town.address(&entry.path, Side::Home, Side::Elsewhere);
            let nothing = format!(
                "{}/{}",
                through.rsplit_once('/').expect("steps").0,
                walk.town.nothing()
            );
            let business = walk.town.at(Side::Home).business.to_string();
            let foreign = walk.reach(&entry, actor, through, &business, false).await;
            let unknown = walk.reach(&entry, actor, nothing, &business, false).await;
            assert_eq!(
                comparable(&foreign),
                comparable(&unknown),
                "{} {} by {actor:?}",
                entry.method,
                entry.path
            );
            assert!(!foreign.status.is_success(), "{}", foreign.text());
        }
    }
}

#[tokio::test]
async fn an_old_proof_of_identity_is_not_enough_where_a_recent_one_is_wanted() {
    let walk = Walk::start().await;
    walk.town.app.advance(Duration::from_secs(301));
    let wanted = |entry: &Entry| entry.rights.wants_step_up();
    for entry in table().into_iter().filter(wanted) {
        for actor in Actor::all().into_iter().filter(|one| one.is_person()) {
            if expected(&walk.bodies, &entry, actor) != Expected::Through {
                continue;
            }
            let address = walk.town.address(&entry.path, Side::Home, Side::Home);
            let request = walk.town.app.request(entry.method, &address);
            let credential = walk.town.credential(actor).expect("a person has one");
            let answer = request.bearer(credential).send().await;
            answer.expect_problem(401, "step_up_required");
        }
    }
}
