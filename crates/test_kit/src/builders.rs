//! People and partners of a test, each in a line.

use std::time::Duration;

use domain::ids::{BusinessId, LocationId, MemberId};
use domain::money::{BasisPoints, Money};
use domain::phone::{Phone, Region};
use domain::rights::{OperatorRole, Scope, StaffRole};
use domain::text::{Slug, Text};
use serde_json::json;
use services::auth::authenticate;
use services::auth::integration_keys::{CreateIntegrationKey, create_for};
use services::auth::sessions::strengthen_as_system;
use services::businesses::{CreateBusiness, GiveRole, create_as_system, give_role_as_system};
use services::members::grant_operator;
use services::notifications::development_outbox;

use crate::app::TestApp;
use crate::confidence;

/// A person who signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Bearer of the person's requests.
    pub token: String,
    /// Gives the next pair.
    pub refresh_token: String,
    /// The member that the person is.
    pub member: MemberId,
}

impl TestApp {
    /// The code that was last sent to a phone.
    ///
    /// # Panics
    /// If there is none.
    pub async fn code_for(&self, phone: &str) -> String {
        let sent = development_outbox::list(&self.context, Some(&parse(phone)), 1)
            .await
            .expect("the outbox can be read");
        let text = &sent.first().expect("a code was sent").text;
        let (_, code) = text.rsplit_once('#').expect("the last line holds the code");
        confidence::note_code(code);
        code.to_owned()
    }

    /// Signs a person in, over HTTP, and makes the sign-in as good as one with a passkey, so that it has every role of
    /// the person. A phone gets one code a minute: a second sign-in wants the clock moved.
    ///
    /// # Panics
    /// If the sign-in fails.
    pub async fn sign_in(&self, phone: &str) -> SignedIn {
        let signed_in = self.sign_in_by_phone(phone).await;
        self.strengthened(signed_in).await
    }

    async fn strengthened(&self, signed_in: SignedIn) -> SignedIn {
        let caller = authenticate(&self.context, &signed_in.token).await;
        let person = caller.expect("the token is valid").into_person();
        let session = person.expect("a person signed in").session;
        strengthen_as_system(&self.context, session)
            .await
            .expect("the sign-in is there");
        signed_in
    }

    /// Signs a person in by phone and code alone, over HTTP: as a member, whatever roles the person has.
    ///
    /// # Panics
    /// If the sign-in fails.
    pub async fn sign_in_by_phone(&self, phone: &str) -> SignedIn {
        let agreed =
            json!([{ "kind": "terms", "version": 1 }, { "kind": "personal_data", "version": 1 }]);
        self.sign_in_with(phone, agreed).await
    }

    async fn sign_in_with(&self, phone: &str, agreed: serde_json::Value) -> SignedIn {
        let asked = self
            .post("/api/v1/auth/otp")
            .json(&json!({ "phone": phone }))
            .send()
            .await;
        let challenge = asked.expect(202)["challenge_id"].clone();
        let code = self.code_for(phone).await;
        let body =
            json!({ "phone": phone, "challenge_id": challenge, "code": code, "consents": agreed });
        let tokens = self
            .post("/api/v1/auth/token")
            .json(&body)
            .send()
            .await
            .expect(200);
        let text = |name: &str| tokens[name].as_str().expect("a text").to_owned();
        SignedIn {
            token: text("access_token"),
            refresh_token: text("refresh_token"),
            member: text("member_id").parse().expect("an identifier"),
        }
    }

    /// Signs a person in once more, a minute later, without agreeing to anything again.
    ///
    /// # Panics
    /// If the sign-in fails.
    pub async fn sign_in_again(&self, phone: &str) -> SignedIn {
        self.advance(Duration::from_secs(61));
        let signed_in = self.sign_in_with(phone, json!([])).await;
        self.strengthened(signed_in).await
    }

    /// An operator with this role, signed in.
    ///
    /// # Panics
    /// If it fails.
    pub async fn operator(&self, phone: &str, role: OperatorRole) -> SignedIn {
        grant_operator(&self.context, &parse(phone), role)
            .await
            .expect("the role is given");
        self.sign_in(phone).await
    }

    /// An active business that gives 5 %.
    ///
    /// # Panics
    /// If it fails, for instance because the slug is taken.
    pub async fn business(&self, slug: &str) -> BusinessId {
        let new = CreateBusiness {
            slug: Slug::new(slug).expect("a slug"),
            name: Text::new(slug).expect("a name"),
            category: "cafe".to_owned(),
            description_ru: None,
            description_en: None,
            base_rate: BasisPoints::new(500),
            share_cap: None,
            spend_without_code_up_to: Money::default(),
            owner: None,
        };
        let made = create_as_system(&self.context, new).await;
        made.expect("the business is added").id
    }

    /// A person who works at a business, signed in.
    ///
    /// # Panics
    /// If it fails.
    pub async fn staff(&self, business: BusinessId, phone: &str, role: StaffRole) -> SignedIn {
        let given = GiveRole {
            phone: parse(phone),
            role,
            location: None,
        };
        give_role_as_system(&self.context, business, given)
            .await
            .expect("the role is given");
        self.sign_in(phone).await
    }

    /// An integration key of a business: its secret.
    ///
    /// # Panics
    /// If it fails.
    pub async fn key(&self, business: BusinessId, scopes: &[Scope]) -> String {
        self.key_at(business, None, scopes).await
    }

    /// An integration key that acts for one location only: its secret.
    ///
    /// # Panics
    /// If it fails.
    pub async fn key_at(
        &self,
        business: BusinessId,
        location: Option<LocationId>,
        scopes: &[Scope],
    ) -> String {
        let new = CreateIntegrationKey {
            name: Text::new("Till 1").expect("a name"),
            scopes: scopes.to_vec(),
            location,
            expires_at: None,
        };
        let made = create_for(&self.context, business, None, new).await;
        made.expect("the key is made").secret
    }

    /// An integration key with every scope: its secret.
    ///
    /// # Panics
    /// If it fails.
    pub async fn till(&self, business: BusinessId) -> String {
        self.key(business, Scope::ALL).await
    }
}

fn parse(phone: &str) -> Phone {
    Phone::parse(phone, Region::RU).expect("a phone")
}
