//! Table `tiers`: the ladder.

use domain::loyalty::tier::{Ladder, Tier};
use domain::loyalty::validity::Validity;
use domain::money::BasisPoints;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::StoreError;

/// The constraint that refuses to drop a tier in which members are.
pub const STILL_HELD: &str = "wallets_tier_fkey";

/// The ladder; none if the programme was never started.
///
/// # Errors
/// [`StoreError`] from the database; a ladder that is none counts as a decoding error.
pub async fn get(conn: &mut PgConnection) -> Result<Option<Ladder>, StoreError> {
    let rows = sqlx::query!(
        r#"select code, level, name_ru, name_en, threshold, multiplier_bp, validity as "validity: Json<Validity>"
           from tiers order by level"#
    )
    .fetch_all(conn)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let tiers = rows
        .into_iter()
        .map(|row| Tier {
            code: row.code,
            level: row.level,
            name_ru: row.name_ru,
            name_en: row.name_en,
            threshold: row.threshold,
            multiplier: BasisPoints::new(u32::try_from(row.multiplier_bp).unwrap_or(0)),
            validity: row.validity.map(|json| json.0),
        })
        .collect();
    Ladder::new(tiers)
        .map(Some)
        .map_err(|error| StoreError(sqlx::Error::decode(error)))
}

/// Sets the whole ladder. Constraint [`STILL_HELD`]: members are in a tier that it leaves out.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn set(conn: &mut PgConnection, ladder: &Ladder) -> Result<(), StoreError> {
    let codes: Vec<String> = ladder
        .tiers()
        .iter()
        .map(|tier| tier.code.clone())
        .collect();
    sqlx::query!("delete from tiers where code <> all($1)", &codes)
        .execute(&mut *conn)
        .await?;
    // Levels are unique: out of the way first, then to their places.
    sqlx::query!("update tiers set level = -1 - level")
        .execute(&mut *conn)
        .await?;
    for tier in ladder.tiers() {
        sqlx::query!(
            r#"insert into tiers (code, level, name_ru, name_en, threshold, multiplier_bp, validity)
               values ($1, $2, $3, $4, $5, $6, $7)
               on conflict (code) do update
               set level = excluded.level, name_ru = excluded.name_ru, name_en = excluded.name_en,
                   threshold = excluded.threshold, multiplier_bp = excluded.multiplier_bp,
                   validity = excluded.validity"#,
            tier.code,
            tier.level,
            tier.name_ru,
            tier.name_en,
            tier.threshold,
            i32::try_from(tier.multiplier.get()).unwrap_or(i32::MAX),
            tier.validity.map(Json) as Option<Json<Validity>>,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
