//! The demonstration: a small coalition with a year of history, filled through the same services as everything else.
//!
//! [`plan`] draws what happens from a seed, [`setup`] makes the partners, [`fill`] carries the plan out, [`record`]
//! remembers how far it has come. Start at [`prepare`].

mod fill;
mod joining;
mod people;
mod plan;
mod progress;
mod promotions;
mod random;
mod record;
mod setup;
mod sign_ins;
mod town;

use std::path::Path;

use anyhow::{Context as _, ensure};
use chrono::DurationRound;
use chrono::TimeDelta;
use services::clock::Clock;
use services::context::Context;

pub(crate) use plan::Size;

use crate::config::{Config, Environment};
use crate::database::Database;
use crate::wiring;
use fill::Fill;
use record::Record;
use town::PARTNERS;

/// The largest coalition that has phones for everybody.
pub(crate) const MOST_MEMBERS: u32 = 100_000;

/// Fills the database when it is empty, goes on where a filling was broken off, and leaves a filled one as it is.
/// Returns what to print.
///
/// # Errors
/// If the database holds something else, outside development, or if a service fails.
pub(crate) async fn prepare(
    config: &Config,
    folder: &Path,
    database: &Database,
    size: Size,
) -> anyhow::Result<String> {
    ensure!(
        config.environment == Environment::Development,
        "a demonstration is for development only: its phones are made up, and its codes must not be sent \
         (setting environment)"
    );
    let present = Clock::System.now();
    let clock = Clock::manual(present);
    let context = wiring::context_at(config, folder, database, clock).await?;
    let prepared = fill_if_needed(&context, config, folder, size).await;
    context.close().await;
    prepared
}

async fn fill_if_needed(
    ctx: &Context,
    config: &Config,
    folder: &Path,
    size: Size,
) -> anyhow::Result<String> {
    let end = ctx.clock().now().duration_trunc(TimeDelta::minutes(1))?;
    let mut record = match begun(ctx, folder).await? {
        Some(record) => record,
        None => Record::new(size, end),
    };
    if record.size != size {
        tracing::info!(
            members = record.size.members,
            months = record.size.months,
            seed = record.size.seed,
            "this demonstration was begun with another size, which stays"
        );
    }
    let zone = services::programme::current(ctx).await?.settings.time_zone;
    let plan = plan::plan(record.size, record.end, zone);
    if !record.complete {
        record.save(folder)?;
        ctx.clock().set(plan.begins);
        let tills = setup::set_up(ctx, &plan, &mut record, folder).await?;
        Fill::new(ctx, &plan, tills, zone)
            .run(&mut record, folder)
            .await?;
        tracing::info!(counts = ?record.counts, "the demonstration is filled");
    }
    let member = plan.people.first().context("a coalition without members")?;
    sign_ins::text(config, &record, member)
}

/// The record of this database's demonstration, if one was begun.
async fn begun(ctx: &Context, folder: &Path) -> anyhow::Result<Option<Record>> {
    let there = setup::existing(ctx).await?;
    let Some(record) = Record::load(folder)? else {
        ensure!(there.is_empty(), foreign(folder));
        return Ok(None);
    };
    let ours = |slug: &str| PARTNERS.iter().any(|partner| partner.slug == slug);
    if there.is_empty() {
        // Another database than the one that the record is about; or one that was broken off at once.
        return Ok(None);
    }
    let known = record
        .tills
        .values()
        .any(|till| there.iter().any(|(id, _)| *id == till.business));
    let broken_off = !record.complete && there.iter().all(|(_, slug)| ours(slug));
    ensure!(known || broken_off, foreign(folder));
    Ok(Some(record))
}

fn foreign(folder: &Path) -> String {
    format!(
        "this database holds partners that are not the demonstration's of {}. Give it a database of its own, \
         such as: owncircle demo --data-dir data/demo",
        folder.display()
    )
}
