//! What the graders of the API stand on: a database of its own with members, the staff and tills of two businesses and
//! operators, all signed in, and with an object of each kind. It writes their credentials as a Web Fuzzing Commons file and
//! requests that are right as examples by operation, runs the command that it is given beside the database, and
//! drops the database when that ends.
//!
//! `grading_ground AUTH_FILE EXAMPLES_FILE COMMAND…`; the command finds `DATABASE_URL` and `OWNCIRCLE_MASTER_KEY` set.

use std::path::Path;
use std::process::ExitCode;

use domain::ids::BusinessId;
use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Map, Value, json};
use test_kit::{SignedIn, TEST_MASTER_KEY, TestApp};
use tokio::process::Command;

const ANNA: &str = "+79161110001";
const BORIS: &str = "+79262220002";

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().expect(what);
    let auth = next("a file for the credentials");
    let examples = next("a file for the examples");
    let program = next("a command");
    let app = TestApp::at_present().await;
    let people = People::arrive(&app).await;
    let made = Maker::new(&app, &people).examples().await;
    write(&auth, &people.as_auth_file());
    write(&examples, &Value::Object(made));
    let mut key = String::new();
    for byte in TEST_MASTER_KEY {
        key.push_str(&format!("{byte:02x}"));
    }
    let status = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", app.database_url())
        .env("OWNCIRCLE_MASTER_KEY", key)
        .status()
        .await
        .expect("the command starts");
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

/// Everybody who calls.
struct People {
    anna: SignedIn,
    boris: SignedIn,
    /// Whose phone, consents and sign-ins may change.
    dora: SignedIn,
    luna: BusinessId,
    luna_till: String,
    sol_till: String,
    luna_cashier: SignedIn,
    luna_manager: SignedIn,
    luna_owner: SignedIn,
    sol_owner: SignedIn,
    support: SignedIn,
    admin: SignedIn,
    second: SignedIn,
}

impl People {
    // Phones of different prefixes, as strangers' are.
    async fn arrive(app: &TestApp) -> Self {
        let (luna, sol) = (app.business("luna").await, app.business("sol").await);
        Self {
            anna: app.sign_in(ANNA).await,
            boris: app.sign_in(BORIS).await,
            dora: app.sign_in("+79856660003").await,
            luna,
            luna_till: app.till(luna).await,
            sol_till: app.till(sol).await,
            luna_cashier: app.staff(luna, "+79687770004", StaffRole::Cashier).await,
            luna_manager: app.staff(luna, "+79655550005", StaffRole::Manager).await,
            luna_owner: app.staff(luna, "+79033330006", StaffRole::Owner).await,
            sol_owner: app.staff(sol, "+79054440007", StaffRole::Owner).await,
            support: app.operator("+79998880008", OperatorRole::Support).await,
            admin: app.operator("+79776660009", OperatorRole::Admin).await,
            second: app.operator("+79519990010", OperatorRole::Admin).await,
        }
    }

    fn as_auth_file(&self) -> Value {
        let all = [
            ("anna", &self.anna.token),
            ("boris", &self.boris.token),
            ("dora", &self.dora.token),
            ("luna_till", &self.luna_till),
            ("sol_till", &self.sol_till),
            ("luna_cashier", &self.luna_cashier.token),
            ("luna_manager", &self.luna_manager.token),
            ("luna_owner", &self.luna_owner.token),
            ("sol_owner", &self.sol_owner.token),
            ("support", &self.support.token),
            ("admin", &self.admin.token),
            ("second_admin", &self.second.token),
        ];
        let entry = |(name, credential): (&str, &String)| {
            let header =
                json!({ "name": "Authorization", "value": format!("Bearer {credential}") });
            json!({ "name": name, "fixedHeaders": [header] })
        };
        json!({ "auth": all.map(entry) })
    }
}

/// Makes an object of each kind, and of them the requests that are right.
struct Maker<'a> {
    app: &'a TestApp,
    people: &'a People,
}

impl<'a> Maker<'a> {
    fn new(app: &'a TestApp, people: &'a People) -> Self {
        Self { app, people }
    }

    /// By `operationId`: what stands in the path, and the body.
    async fn examples(&self) -> Map<String, Value> {
        let mut all = Map::new();
        for some in [
            self.partners().await,
            self.at_the_till().await,
            self.holds().await,
            self.by_hand().await,
            self.programme().await,
            self.sign_ins().await,
            self.devices().await,
        ] {
            all.extend(some.as_object().expect("an object").clone());
        }
        all
    }

    async fn partners(&self) -> Value {
        let luna = self.people.luna.to_string();
        let owner = &self.people.luna_owner.token;
        let outlet = json!({ "name": "First" });
        let at = format!("/businesses/{luna}/locations");
        self.post(owner, &at, "outlet", &outlet).await;
        // Spending up to this wants no code that only a phone can show.
        let change = self.app.patch(&format!("/api/v1/businesses/{luna}"));
        let shown = self.app.get(&format!("/api/v1/businesses/{luna}"));
        let shown = shown.send().await;
        let change = change
            .bearer(owner)
            .header("if-match", shown.header("etag"));
        let change = change.json(&json!({ "spend_without_code_up_to": 1_000_000 }));
        change.send().await.expect(200);
        let here = json!({ "path": { "id": luna } });
        let with = |body: Value| json!({ "path": { "id": luna }, "body": body });
        json!({
            "businesses_get": here,
            "businesses_list_keys": here,
            "businesses_list_staff": here,
            "businesses_change": with(json!({ "name": "Кафе «Луна»", "spend_without_code_up_to": 1_000_000 })),
            "businesses_create_key": with(json!({ "name": "Till 2", "scopes": ["transactions:write"] })),
            "businesses_add_location": with(outlet),
            "businesses_give_role": with(json!({ "phone": "+79161234567", "role": "cashier" })),
        })
    }

    async fn at_the_till(&self) -> Value {
        let till = &self.people.luna_till;
        let mut sold = Vec::new();
        for (till, phone, receipt) in [
            (till, ANNA, "A-1"),
            (till, BORIS, "B-1"),
            (&self.people.sol_till, ANNA, "A-2"),
            (&self.people.sol_till, BORIS, "B-2"),
        ] {
            let body = purchase(receipt, phone);
            let made = self.post(till, "/transactions", receipt, &body).await;
            sold.push(made["id"].clone());
        }
        let cashier = &self.people.luna_cashier.token;
        for n in 0..6 {
            let receipt = format!("C-{n}");
            let body = purchase(&receipt, BORIS);
            self.post(cashier, "/transactions", &receipt, &body).await;
        }
        let file = "receipt_number,occurred_at,customer_id,total\nr1,2026-02-01,c1,10.50\n";
        let import = self.app.post("/api/v1/transactions/imports").bearer(till);
        let import = import.header("content-type", "text/csv").body(file);
        let import = import.idempotency_key("import").send().await.expect(202);
        let member = json!({ "phone": ANNA });
        json!({
            "transactions_post": { "body": purchase("D-1", ANNA) },
            "transactions_post_batch": { "body": { "items": [purchase("E-1", ANNA), purchase("E-2", BORIS)] } },
            "loyalty_quote": { "body": purchase("F-1", ANNA) },
            "loyalty_lookup_member": { "body": { "member": member } },
            "transactions_get": { "path": { "id": sold[0] } },
            "transactions_get_import": { "path": { "id": import["id"] } },
            "transactions_refund": { "path": { "id": sold[0] }, "body": { "amount": 10_000, "reason": "Wrong size" } },
            "transactions_void": { "path": { "id": sold[1] }, "body": { "reason": "Entered twice" } },
        })
    }

    async fn holds(&self) -> Value {
        let till = &self.people.luna_till;
        let hold = |reference: &str| json!({ "reference": reference, "member": { "phone": ANNA }, "points": 100 });
        let mut made = Vec::new();
        for reference in ["one", "two"] {
            let body = hold(reference);
            let held = self.post(till, "/loyalty/holds", reference, &body).await;
            made.push(held["id"].clone());
        }
        json!({
            "loyalty_make_hold": { "body": hold("three") },
            "loyalty_capture_hold": { "path": { "id": made[0] }, "body": { "points": 100 } },
            "loyalty_void_hold": { "path": { "id": made[1] }, "body": {} },
        })
    }

    async fn by_hand(&self) -> Value {
        let support = &self.people.support.token;
        let anna = self.people.anna.member;
        let body = |points: i64| json!({ "member_id": anna, "points": points, "reason": "The till was down" });
        let mut asked = Vec::new();
        for key in ["approve", "decline"] {
            let wanted = body(1_000_000);
            let made = self.post(support, "/loyalty/adjustments", key, &wanted);
            asked.push(made.await["id"].clone());
        }
        let cases = self.app.get("/api/v1/admin/fraud-cases").bearer(support);
        let case = cases.send().await.expect(200)["items"][0]["id"].clone();
        let seen = json!({ "note": "Seen the receipts" });
        json!({
            "loyalty_request_adjustment": { "body": body(5_000) },
            "loyalty_get_adjustment": { "path": { "id": asked[0] } },
            "loyalty_approve_adjustment": { "path": { "id": asked[0] }, "body": seen },
            "loyalty_decline_adjustment": { "path": { "id": asked[1] }, "body": seen },
            "loyalty_transfer_points": { "body": { "to": { "phone": BORIS }, "points": 1_000 } },
            "admin_close_fraud_case": { "path": { "id": case }, "body": seen },
            "admin_find_member": { "body": { "phone": ANNA } },
            "admin_show_member": { "path": { "id": anna } },
        })
    }

    async fn programme(&self) -> Value {
        let admin = &self.people.admin.token;
        let definition = json!({
            "name_ru": "Двойные баллы", "name_en": "Double points", "active": true,
            "reward": { "kind": "extra_rate", "rate": 500 },
        });
        let rule = json!({ "business_id": self.people.luna, "definition": definition });
        let made = self.post(admin, "/admin/rules", "rule", &rule).await;
        let settings = self.app.get("/api/v1/admin/settings").bearer(admin);
        let settings = settings.send().await.expect(200)["settings"].clone();
        let ladder = self.app.get("/api/v1/loyalty/tiers").send().await;
        let mut ladder = ladder.expect(200)["tiers"].clone();
        for tier in ladder.as_array_mut().expect("tiers") {
            tier.as_object_mut().expect("a tier").remove("level");
        }
        json!({
            "admin_add_rule": { "body": rule },
            "admin_get_rule": { "path": { "id": made["id"] } },
            "admin_change_rule": { "path": { "id": made["id"] }, "body": { "definition": definition } },
            "admin_set_settings": { "body": settings },
            "admin_set_tiers": { "body": { "tiers": ladder } },
            "admin_retry_job": { "path": { "id": self.dead_job().await } },
        })
    }

    /// A job that has used up its tries: its name.
    async fn dead_job(&self) -> Value {
        sqlx::query("select graphile_worker.add_job('grading.nothing', '{}'::json)")
            .execute(self.app.context.pool())
            .await
            .expect("the database answers");
        sqlx::query("update graphile_worker._private_jobs set attempts = max_attempts where task_id = (select id from graphile_worker._private_tasks where identifier = 'grading.nothing')")
            .execute(self.app.context.pool())
            .await
            .expect("the database answers");
        let jobs = self.app.get("/api/v1/admin/jobs?job=grading.nothing");
        let jobs = jobs.bearer(&self.people.admin.token).send().await;
        jobs.expect(200)["items"][0]["id"].clone()
    }

    /// Codes and tokens that are waiting to be used.
    async fn sign_ins(&self) -> Value {
        let phone = "+79031230011";
        let asked = self.app.post("/api/v1/auth/otp");
        let asked = asked.json(&json!({ "phone": phone })).send().await;
        let sign_in = json!({
            "phone": phone, "challenge_id": asked.expect(202)["challenge_id"], "code": self.app.code_for(phone).await,
            "consents": [{ "kind": "terms", "version": 1 }, { "kind": "personal_data", "version": 1 }],
        });
        let phone = "+79041230012";
        let asked = self.app.post("/api/v1/users/me/phone/otp");
        let asked = asked.bearer(&self.people.dora.token);
        let asked = asked.json(&json!({ "phone": phone })).send().await;
        let change = json!({
            "phone": phone, "challenge_id": asked.expect(202)["challenge_id"], "code": self.app.code_for(phone).await,
        });
        let guest = self.app.sign_in("+79051230013").await;
        json!({
            "auth_sign_in": { "body": sign_in },
            "auth_refresh": { "body": { "refresh_token": guest.refresh_token } },
            "users_change_phone": { "body": change },
        })
    }

    async fn devices(&self) -> Value {
        let device = json!({ "provider": "fcm", "token": "fcm-token-of-the-device" });
        let anna = &self.people.anna.token;
        let made = self.post(anna, "/users/me/devices", "device", &device);
        json!({ "users_forget_device": { "path": { "id": made.await["id"] } } })
    }

    async fn post(&self, by: &str, path: &str, key: &str, body: &Value) -> Value {
        let request = self.app.post(&format!("/api/v1{path}")).bearer(by);
        let request = request.idempotency_key(key).json(body);
        request.send().await.expect(201)
    }
}

fn purchase(receipt: &str, phone: &str) -> Value {
    json!({ "receipt_number": receipt, "member": { "phone": phone }, "total": 100_000 })
}

fn write(file: &str, text: &Value) {
    std::fs::write(Path::new(file), text.to_string()).expect("the file can be written");
}
