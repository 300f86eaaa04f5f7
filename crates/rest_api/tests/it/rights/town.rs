//! Two businesses with all that belongs to them, and everybody who may come in.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::ids::BusinessId;
use domain::rights::{OperatorRole, Scope, StaffRole};
use http_kit::HttpConfig;
use http_kit::rate_limit::Quota;
use serde_json::{Value, json};
use test_kit::{Answer, SignedIn, TestApp};

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    Anonymous,
    Refused,
    /// A member whose purchases and sign-ins are those of the side.
    Member(Side),
    Staff(StaffRole, Side),
    Operator(OperatorRole),
    Key(Scope, Side),
}

/// Where somebody or something belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Home,
    Elsewhere,
}

impl Actor {
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Anonymous, Self::Refused];
        for side in [Side::Home, Side::Elsewhere] {
            all.push(Self::Member(side));
            all.extend(StaffRole::ALL.iter().map(|role| Self::Staff(*role, side)));
            all.extend(Scope::ALL.iter().map(|scope| Self::Key(*scope, side)));
        }
        all.extend(OperatorRole::ALL.iter().map(|role| Self::Operator(*role)));
        all
    }

    pub(super) fn is_person(self) -> bool {
        matches!(self, Self::Member(_) | Self::Staff(..) | Self::Operator(_))
    }
}

/// What one side has: identifiers by the name of the step before them in an address.
pub(super) struct Belongings {
    pub(super) business: BusinessId,
    pub(super) location: String,
    pub(super) phone: String,
    things: HashMap<&'static str, String>,
}

/// See the module.
pub(super) struct Town {
    pub(super) app: TestApp,
    sides: HashMap<Side, Belongings>,
    credentials: Vec<(Actor, String)>,
    /// What an operator's operation may change without anybody missing it.
    spare: HashMap<&'static str, String>,
    phones: AtomicU32,
}

impl Town {
    pub(super) async fn build() -> Self {
        let plenty = NonZeroU32::new(1_000_000).expect("not zero");
        let quota = Quota {
            per_second: plenty,
            burst: plenty,
        };
        let app = TestApp::with_http(HttpConfig {
            signed_in_quota: quota,
            anonymous_quota: quota,
            ..HttpConfig::default()
        })
        .await;
        let mut town = Self {
            app,
            sides: HashMap::new(),
            credentials: Vec::new(),
            spare: HashMap::new(),
            phones: AtomicU32::new(0),
        };
        for role in OperatorRole::ALL {
            let token = town.fresh(Actor::Operator(*role)).await.token;
            town.credentials.push((Actor::Operator(*role), token));
        }
        for (side, slug) in [(Side::Home, "luna"), (Side::Elsewhere, "mars")] {
            town.settle(side, slug).await;
        }
        town.set_aside().await;
        town
    }

    pub(super) fn at(&self, side: Side) -> &Belongings {
        &self.sides[&side]
    }

    /// The credential of an actor; none for the anonymous.
    pub(super) fn credential(&self, actor: Actor) -> Option<&str> {
        match actor {
            Actor::Anonymous => None,
            Actor::Refused => Some("not.a.token"),
            known => {
                let mut all = self.credentials.iter();
                let found = all.find(|(one, _)| *one == known);
                Some(&found.expect("everybody has one").1)
            }
        }
    }

    /// Another person with the same role, whose sign-in nobody else needs.
    pub(super) async fn fresh(&self, actor: Actor) -> SignedIn {
        let phone = self.phone();
        match actor {
            Actor::Staff(role, side) => {
                let business = self.at(side).business;
                self.app.staff(business, &phone, role).await
            }
            Actor::Operator(role) => self.app.operator(&phone, role).await,
            _ => self.app.sign_in(&phone).await,
        }
    }

    pub(super) fn phone(&self) -> String {
        let number = self.phones.fetch_add(1, Ordering::Relaxed);
        format!("+79167{number:06}")
    }

    /// The address with what belongs to `first` in place of its first parameter, to `rest` in place of the others.
    pub(super) fn address(&self, path: &str, first: Side, rest: Side) -> String {
        let mut side = first;
        let mut before = "";
        let mut steps = Vec::new();
        for step in path.split('/') {
            if step.starts_with('{') {
                steps.push(self.thing(path, before, side));
                side = rest;
            } else {
                steps.push(step.to_owned());
                before = step;
            }
        }
        steps.join("/")
    }

    fn thing(&self, path: &str, of: &str, side: Side) -> String {
        let spare = path.starts_with("/api/v1/admin/");
        let spare = spare.then(|| self.spare.get(of)).flatten();
        let known = spare.or_else(|| self.at(side).things.get(of));
        known.cloned().unwrap_or_else(|| self.nothing())
    }

    /// The identifier of nothing.
    pub(super) fn nothing(&self) -> String {
        self.app.context.ids().uuid().to_string()
    }

    async fn settle(&mut self, side: Side, slug: &str) {
        let app = &self.app;
        let business = app.business(slug).await;
        let till = app.till(business).await;
        let owner = self.phone();
        let owner = app.staff(business, &owner, StaffRole::Owner).await;
        let phone = self.phone();
        let member = app.sign_in(&phone).await;
        let at = format!("/api/v1/businesses/{business}");
        let make = |path: String, body: Value, bearer: &str| {
            let key = format!("{slug}-{path}");
            let request = app.post(&path).bearer(bearer).idempotency_key(&key);
            request.json(&body).send()
        };
        let id = |answer: Answer, field: &str| text(&answer.expect(201)[field]);
        let location = make(
            format!("{at}/locations"),
            json!({"name": "Here"}),
            &owner.token,
        );
        let location = id(location.await, "id");
        let helper = json!({"phone": self.phone(), "role": "cashier"});
        let helper = make(format!("{at}/staff"), helper, &owner.token).await;
        let key = json!({"name": "Old till", "scopes": ["loyalty:read"]});
        let key = make(format!("{at}/keys"), key, &owner.token).await;
        let receipt = json!({"receipt_number": "1", "member": {"phone": phone}, "total": 900_000});
        let purchase = make("/api/v1/transactions".into(), receipt, &till).await;
        let card = app.get("/api/v1/users/me/card").bearer(&member.token);
        let code = card.send().await.expect(200)["code"].clone();
        let hold = json!({"reference": "1", "member": {"code": code}, "points": 100});
        let hold = make("/api/v1/loyalty/holds".into(), hold, &till).await;
        let file = app
            .post("/api/v1/transactions/imports")
            .bearer(&till)
            .idempotency_key("file")
            .header("content-type", "text/csv")
            .body("receipt_number,occurred_at,customer_id,total\nr1,2026-02-01,c1,10.50\n")
            .send()
            .await;
        let sessions = app.get("/api/v1/auth/sessions").bearer(&member.token);
        let session = sessions.send().await.expect(200)["items"][0]["id"].clone();
        let things = HashMap::from([
            ("businesses", business.to_string()),
            ("staff", id(helper, "user_id")),
            ("keys", text(&key.expect(201)["key"]["id"])),
            ("transactions", id(purchase, "id")),
            ("holds", id(hold, "id")),
            ("imports", text(&file.expect(202)["id"])),
            ("sessions", text(&session)),
        ]);
        let belongings = Belongings {
            business,
            location,
            phone: phone.clone(),
            things,
        };
        self.sides.insert(side, belongings);
        // Another sign-in of the same person, so that the first one can be ended.
        let member = self.app.sign_in_again(&phone).await;
        self.credentials.push((Actor::Member(side), member.token));
        for role in StaffRole::ALL {
            let actor = Actor::Staff(*role, side);
            let token = self.fresh(actor).await.token;
            self.credentials.push((actor, token));
        }
        for scope in Scope::ALL {
            let key = self.app.key(business, &[*scope]).await;
            self.credentials.push((Actor::Key(*scope, side), key));
        }
    }

    /// What operators may block, suspend and change.
    async fn set_aside(&mut self) {
        let business = self.app.business("venus").await;
        let member = self.fresh(Actor::Member(Side::Home)).await;
        self.spare.insert("businesses", business.to_string());
        self.spare.insert("members", member.member.to_string());
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
