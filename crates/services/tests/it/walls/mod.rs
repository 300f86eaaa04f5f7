//! Row-level security, the second wall: what belongs to one business is there only for whoever says that he works for
//! it, whatever the condition of a query forgets.

mod hiding;
mod tables;

use domain::ids::BusinessId;
use services::context::{Context, ContextParts};
use services::ids::IdSource;
use services::vault::Vault;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use test_kit::TestApp;
use uuid::Uuid;

use crate::kit::{business, start};

/// A table behind the wall.
struct Walled {
    name: &'static str,
    /// A row of business $1; where a row has an identifier of its own, it is that of the business.
    insert: &'static str,
    /// A change of some row, where the program may change any.
    update: Option<&'static str>,
    /// What is read of it most, of business $1.
    main: &'static str,
}

const WALLED: &[Walled] = &[
    Walled {
        name: "staff",
        insert: "insert into staff (business_id, member_id, role, created_at) values ($1, $1, 'owner', now())",
        update: Some("update staff set role = role"),
        main: "select * from staff where business_id = $1",
    },
    Walled {
        name: "locations",
        insert: "insert into locations (id, business_id, name, created_at) values ($1, $1, 'x', now())",
        update: Some("update locations set name = name"),
        main: "select * from locations where business_id = $1 order by id",
    },
    Walled {
        name: "integration_keys",
        insert: "insert into integration_keys (id, business_id, name, prefix, hash, scopes, created_at)
                 values ($1, $1, 'x', 'x', uuid_send($1), '{loyalty:read}', now())",
        update: Some("update integration_keys set name = name"),
        main: "select * from integration_keys where business_id = $1 order by id",
    },
    Walled {
        name: "imports",
        insert: "insert into imports (id, business_id, format, dry_run, state, bytes_done, lines_done, created_at, updated_at)
                 values ($1, $1, 'csv', false, 'receiving', 0, 0, now(), now())",
        update: Some("update imports set state = state"),
        main: "select * from imports where business_id = $1 and id = $1",
    },
    Walled {
        name: "import_chunks",
        insert: "insert into import_chunks (import_id, position, sealed) values ($1, 0, '')",
        update: None,
        main: "select * from import_chunks where import_id = $1 and position <= 0",
    },
    Walled {
        name: "import_verdicts",
        insert: "insert into import_verdicts (import_id, row_number, line, verdict, code, detail)
                 values ($1, 1, 1, 'refused', 'x', 'x')",
        update: None,
        main: "select * from import_verdicts where import_id = $1 and row_number > 0",
    },
    Walled {
        name: "import_dry_receipts",
        insert: "insert into import_dry_receipts (import_id, receipt_number, fingerprint) values ($1, 'x', '')",
        update: None,
        main: "select * from import_dry_receipts where import_id = $1 and receipt_number = any('{x,y}')",
    },
    Walled {
        name: "earning_rules",
        insert: "insert into earning_rules (id, business_id, created_at) values ($1, $1, now())",
        update: None,
        main: "select * from earning_rules where business_id = $1",
    },
    Walled {
        name: "earning_rule_versions",
        insert: "insert into earning_rule_versions (rule_id, version, business_id, effective_from, definition, created_at)
                 values ($1, 1, $1, now(), '{}', now())",
        update: Some("update earning_rule_versions set definition = definition"),
        main: "select * from earning_rule_versions where business_id = $1 and effective_from <= now()",
    },
    Walled {
        name: "member_aliases",
        insert: "insert into member_aliases (business_id, external_id, member_id, created_at)
                 values ($1, 'x', $1, now())",
        update: None,
        main: "select * from member_aliases where business_id = $1 and external_id = 'x'",
    },
    Walled {
        name: "receipts",
        insert: "insert into receipts (business_id, kind, receipt_number, transaction_id)
                 values ($1, 'purchase', 'x', $1)",
        update: None,
        main: "select * from receipts where business_id = $1 and kind = 'purchase' and receipt_number = 'x'",
    },
    Walled {
        name: "member_businesses",
        insert: "insert into member_businesses (member_id, business_id, visits, first_visit_at, last_visit_at)
                 values ($1, $1, 1, now(), now())",
        update: Some("update member_businesses set visits = visits"),
        main: "select * from member_businesses where business_id = $1 and tail_hash = any('{a,b}')",
    },
    Walled {
        name: "staff_credits",
        insert: "insert into staff_credits (member_id, cashier_id, business_id, hour, credits, points)
                 values ($1, $1, $1, now(), 1, 1)",
        update: Some("update staff_credits set points = points"),
        main: "select * from staff_credits where business_id = $1 and hour >= now()",
    },
    Walled {
        name: "fraud_cases",
        insert: "insert into fraud_cases (id, kind, business_id, poster_id, occurrences, opened_at, last_at)
                 values ($1, 'key_points_hour', $1, $1, 1, now(), now())",
        update: Some("update fraud_cases set occurrences = occurrences"),
        main: "select * from fraud_cases where business_id = $1 order by id",
    },
];

/// Rows that everybody may read, by table.
fn readable(table: &str) -> i64 {
    match table {
        // The outlets of both businesses.
        "locations" => 2,
        // The coalition's own rule.
        "earning_rules" | "earning_rule_versions" => 1,
        _ => 0,
    }
}

/// Two businesses with a row in each table, and a rule of the coalition.
struct Town {
    app: TestApp,
    luna: BusinessId,
    sol: BusinessId,
}

impl Town {
    async fn open() -> Self {
        let app = start().await;
        let luna = business(&app.context, "luna", None).await;
        let sol = business(&app.context, "sol", None).await;
        let town = Self { app, luna, sol };
        let mut owner = town.owner().await;
        // What rows point to is not the matter here.
        sqlx::raw_sql("set session_replication_role = replica")
            .execute(&mut owner)
            .await
            .unwrap();
        for table in WALLED {
            for business in [town.luna, town.sol] {
                sqlx::query(table.insert)
                    .bind(business.as_uuid())
                    .execute(&mut owner)
                    .await
                    .unwrap_or_else(|error| panic!("{}: {error}", table.name));
            }
        }
        sqlx::raw_sql(
            "insert into earning_rules (id, created_at) values (gen_random_uuid(), now());
             insert into earning_rule_versions (rule_id, version, effective_from, definition, created_at)
             select id, 1, now(), '{}', now() from earning_rules where business_id is null",
        )
        .execute(&mut owner)
        .await
        .unwrap();
        town
    }

    /// A connection with all rights, which sees through every wall.
    async fn owner(&self) -> PgConnection {
        let url = self.app.database_url();
        PgConnection::connect(&url).await.unwrap()
    }

    fn ctx(&self) -> &Context {
        &self.app.context
    }

    /// A process beside the usual one, with so few connections that businesses take turns on them.
    async fn crowded(&self, connections: u32) -> Context {
        let usual = self.ctx();
        let url = self.app.database_url();
        Context::new(ContextParts {
            pool: store::pool::connect(&url, connections).await.unwrap(),
            clock: usual.clock().clone(),
            ids: IdSource::new(usual.clock().clone()),
            vault: Vault::new(&[7; 32]),
            sms: usual.sms().clone(),
            config: usual.config().clone(),
        })
    }
}

/// How many rows of a table are there, without any condition.
async fn seen(ctx: &Context, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
        .fetch_one(&mut *ctx.connection().await.unwrap())
        .await
        .unwrap()
}

/// The businesses of the rows of a table, without any condition.
async fn owners(ctx: &Context, table: &str) -> Vec<Option<Uuid>> {
    let query = match table.strip_prefix("import_") {
        Some(_) => format!("select import_id from {table} order by 1"),
        None => format!("select business_id from {table} order by 1"),
    };
    sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_all(&mut *ctx.connection().await.unwrap())
        .await
        .unwrap()
}
