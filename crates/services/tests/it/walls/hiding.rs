//! What is hidden and refused, with conditions left out on purpose.

use domain::ids::BusinessId;
use futures_util::future::join_all;
use services::context::Context;
use services::transaction::run;
use store::error::StoreError;
use uuid::Uuid;

use super::{Town, WALLED, owners, readable, seen};

/// Inserts a row of a business, or changes some.
async fn write(
    ctx: &Context,
    statement: &'static str,
    business: Option<BusinessId>,
) -> Result<u64, StoreError> {
    run(ctx, (), move |conn, ()| {
        Box::pin(async move {
            let mut query = sqlx::query(statement);
            if let Some(business) = business {
                query = query.bind(business.as_uuid());
            }
            Ok(query.execute(conn).await?.rows_affected())
        })
    })
    .await
}

fn is_walled(result: &Result<u64, StoreError>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.0.to_string().contains("row-level security policy"))
}

#[tokio::test]
async fn without_a_tenant_there_is_nothing() {
    let town = Town::open().await;
    for table in WALLED {
        let ctx = town.ctx();
        assert_eq!(
            seen(ctx, table.name).await,
            readable(table.name),
            "{}",
            table.name
        );
        let inserted = write(ctx, table.insert, Some(town.luna)).await;
        assert!(is_walled(&inserted), "{}: {inserted:?}", table.name);
        if let Some(update) = table.update {
            assert_eq!(write(ctx, update, None).await.unwrap(), 0, "{}", table.name);
        }
    }
}

#[tokio::test]
async fn a_setting_that_is_nonsense_shows_nothing() {
    let town = Town::open().await;
    let mut conn = store::pool::connect_one(town.ctx().pool()).await.unwrap();
    for nonsense in ["", " ", "' or true --", "**"] {
        sqlx::query("select set_config('app.business', $1, false)")
            .bind(nonsense)
            .execute(&mut conn)
            .await
            .unwrap();
        let found: i64 = sqlx::query_scalar("select count(*) from staff")
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(found, 0, "{nonsense:?}");
    }
}

#[tokio::test]
async fn a_business_sees_and_writes_its_own_alone() {
    let town = Town::open().await;
    let ctx = &town.ctx().of(town.luna);
    for table in WALLED {
        let name = table.name;
        let foreign: Vec<_> = owners(ctx, name)
            .await
            .into_iter()
            .filter(|owner| owner.is_some_and(|owner| owner != town.luna.as_uuid()))
            .collect();
        let public = i64::from(name == "locations");
        assert_eq!(i64::try_from(foreign.len()), Ok(public), "{name}");
        assert!(owners(ctx, name).await.contains(&Some(town.luna.as_uuid())));
        let inserted = write(ctx, table.insert, Some(town.sol)).await;
        assert!(is_walled(&inserted), "{name}: {inserted:?}");
        // Without a condition, the change reaches the own row and no other.
        if let Some(update) = table.update {
            assert_eq!(write(ctx, update, None).await.unwrap(), 1, "{name}");
        }
        assert_eq!(
            seen(&town.ctx().across(), name).await,
            2 + i64::from(name.starts_with("earning"))
        );
    }
}

#[tokio::test]
async fn no_row_is_given_to_another_business() {
    let town = Town::open().await;
    let ctx = &town.ctx().of(town.luna);
    for give in [
        "update staff set business_id = $1",
        "update locations set business_id = $1",
        "update imports set business_id = $1",
        "update member_businesses set business_id = $1",
    ] {
        let given = write(ctx, give, Some(town.sol)).await;
        assert!(is_walled(&given), "{give}: {given:?}");
    }
    // Nor is anything of another taken away.
    assert_eq!(write(ctx, "delete from staff", None).await.unwrap(), 1);
    assert_eq!(
        owners(&town.ctx().across(), "staff").await,
        [Some(town.sol.as_uuid())]
    );
}

#[tokio::test]
async fn a_use_case_that_forgets_the_business_is_held() {
    let town = Town::open().await;
    let worker = Uuid::from_u128(7).into();
    let mut owner = town.owner().await;
    for business in [town.luna, town.sol] {
        sqlx::raw_sql("set session_replication_role = replica")
            .execute(&mut owner)
            .await
            .unwrap();
        sqlx::query("insert into staff (business_id, member_id, role, created_at) values ($1, $2, 'cashier', now())")
            .bind(business.as_uuid())
            .bind(Uuid::from_u128(7))
            .execute(&mut owner)
            .await
            .unwrap();
    }
    let places = async |ctx: &Context| {
        let mut conn = ctx.connection().await.unwrap();
        let places = store::staff::places_across_businesses(&mut conn, worker).await;
        let of = places.unwrap().into_iter().map(|place| place.business_id);
        of.collect::<Vec<_>>()
    };
    assert_eq!(places(&town.ctx().across()).await.len(), 2);
    assert_eq!(
        places(&town.ctx().of(town.luna)).await,
        [town.luna.as_uuid()]
    );
    assert!(places(town.ctx()).await.is_empty());
    // An import that is asked for by its identifier alone.
    let mut conn = town.ctx().of(town.luna).connection().await.unwrap();
    let foreign = store::imports::get_across_businesses(&mut conn, town.sol.as_uuid()).await;
    assert!(foreign.unwrap().is_none());
}

#[tokio::test]
async fn businesses_that_take_turns_on_two_connections_never_see_each_other() {
    let town = Town::open().await;
    let ctx = town.crowded(2).await;
    let looks = (0..200_u32).map(|n| {
        let tenant = match n % 3 {
            0 => Some(town.luna),
            1 => Some(town.sol),
            _ => None,
        };
        let ctx = tenant.map_or_else(|| ctx.clone(), |business| ctx.of(business));
        async move {
            let expected: Vec<_> = tenant
                .map(|business| Some(business.as_uuid()))
                .into_iter()
                .collect();
            let found = if n % 2 == 0 {
                owners(&ctx, "staff").await
            } else {
                run(&ctx, (), |conn, ()| {
                    Box::pin(async move {
                        let found = sqlx::query_scalar("select business_id from staff");
                        Ok::<_, StoreError>(found.fetch_all(conn).await?)
                    })
                })
                .await
                .unwrap()
            };
            u32::from(found != expected)
        }
    });
    let foreign: u32 = join_all(looks).await.into_iter().sum();
    assert_eq!(foreign, 0);
    ctx.close().await;
}

#[tokio::test]
async fn a_connection_of_a_tenant_only_reads() {
    let town = Town::open().await;
    let mut conn = town.ctx().of(town.luna).connection().await.unwrap();
    let changed = sqlx::query("update staff set role = role")
        .execute(&mut *conn)
        .await;
    let code = StoreError(changed.unwrap_err()).code().map(str::to_owned);
    // read_only_sql_transaction
    assert_eq!(code.as_deref(), Some("25006"));
}
