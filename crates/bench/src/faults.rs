//! The last part, which measures nothing: under load, clients die in the middle of requests, keys race, and the ladder of
//! tiers changes. Afterwards every purchase is there once, and the audit finds nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use domain::loyalty::tier::Ladder;
use serde_json::{Value, json};

use crate::load::tills::{Scenario, Tills};
use crate::load::{Connection, Load, run};
use crate::random::Random;
use crate::rounds::Bench;
use crate::stage;

/// Connections of the load that goes on meanwhile.
const CONNECTIONS: u32 = 32;

/// Connections that send the same key.
const RACING: usize = 8;

/// The pause between two changes of the ladder.
const PAUSE: Duration = Duration::from_millis(150);

/// How often an answer that is not ready yet is asked for again, and the pause between.
const TRIES: u32 = 100;
const AGAIN: Duration = Duration::from_millis(50);

/// The step of the ladder that a single purchase takes, in kopecks.
const LOW: usize = 1_000;

/// A request whose outcome its client does not know.
type Request = Vec<u8>;

impl Bench<'_> {
    /// See the module.
    ///
    /// # Errors
    /// If a purchase is lost or doubled, or anything answers as it should not.
    pub(crate) async fn faults(&mut self) -> anyhow::Result<()> {
        crate::tell("Killing clients, racing keys, changing tiers");
        let address = self.small.serving.address;
        let admin = stage::renew(&self.ctx, vec![self.admin.clone()]).await?;
        self.admin = admin.into_iter().next().context("no admin")?;
        let load = Load {
            address,
            connections: CONNECTIONS,
            time: self.plan.faults,
            most: u64::MAX,
            seed: self.seed(),
            tolerated: 0,
        };
        let mut tills = Tills::new(Scenario::Post, Arc::clone(&self.town));
        let loaded = tokio::task::spawn_blocking(move || run(&load, &mut tills));
        let over = Arc::new(AtomicBool::new(false));
        let token = self.admin.access_token.clone();
        let ladder = tokio::spawn(change_ladder(address, token.clone(), Arc::clone(&over)));
        let tills = Tills::new(Scenario::Post, Arc::clone(&self.town));
        let mut random = Random::new(self.seed());
        let pace = self.plan.faults / (self.plan.killed + self.plan.raced + 1);
        let mut unknown = Vec::new();
        for turn in 0..self.plan.killed {
            let request = one(&tills, &mut random);
            kill(address, &request, turn, &mut random).await?;
            unknown.push(request);
            tokio::time::sleep(pace).await;
        }
        for _ in 0..self.plan.raced {
            race(address, &one(&tills, &mut random)).await?;
            tokio::time::sleep(pace).await;
        }
        let outcome = loaded.await??;
        over.store(true, Ordering::Relaxed);
        let changes = ladder.await??;
        put_ladder(address, &token, &ladder_of(None)).await?;
        let mut connection = Connection::open(address).await?;
        for request in &unknown {
            settle(&mut connection, request).await?;
        }
        let faults = [
            ("clients_killed", u64::from(self.plan.killed)),
            ("keys_raced", u64::from(self.plan.raced)),
            ("ladders_set", changes),
            ("purchases_meanwhile", outcome.answers),
        ];
        self.figures.faults.extend(faults);
        self.small.purchases += i64::try_from(outcome.answers)?;
        self.small.purchases += i64::from(self.plan.killed + self.plan.raced);
        self.small.count(self.cluster).await
    }
}

fn one(tills: &Tills, random: &mut Random) -> Request {
    let mut request = Vec::new();
    tills.one(random, &mut request);
    request
}

/// Sends a request and dies: right away, a little later, or before the request is whole.
async fn kill(
    address: SocketAddr,
    request: &[u8],
    turn: u32,
    random: &mut Random,
) -> anyhow::Result<()> {
    let connection = Connection::open(address).await?;
    let sent = match turn % 3 {
        0 => request,
        1 => {
            let micros = u64::try_from(random.index(8_000))?;
            let pause = Duration::from_micros(micros);
            connection.send_and_vanish(request, pause).await?;
            return Ok(());
        }
        _ => &request[..request.len() - 1 - random.index(request.len() / 2)],
    };
    connection.send_and_vanish(sent, Duration::ZERO).await?;
    Ok(())
}

/// Asks again what a killed client had asked: it was posted before or is posted now, and it is there once.
async fn settle(connection: &mut Connection, request: &[u8]) -> anyhow::Result<Value> {
    for _ in 0..TRIES {
        let answer = connection.exchange(request).await?;
        match answer.status {
            201 => return Ok(serde_json::from_slice(answer.body)?),
            // Somebody is at it at this moment.
            409 => tokio::time::sleep(AGAIN).await,
            status => bail!("{status}: {}", String::from_utf8_lossy(answer.body)),
        }
    }
    bail!("a request is never answered")
}

/// Sends one request on several connections at once: all get the same answer, if not at once then later.
async fn race(address: SocketAddr, request: &[u8]) -> anyhow::Result<()> {
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..RACING {
        let mut connection = Connection::open(address).await?;
        let request = request.to_vec();
        racing.spawn(async move { settle(&mut connection, &request).await });
    }
    let mut first: Option<Value> = None;
    while let Some(answer) = racing.join_next().await {
        let answer = answer??;
        let first = first.get_or_insert_with(|| answer.clone());
        ensure!(
            *first == answer,
            "one key, two answers: {first} and {answer}"
        );
    }
    Ok(())
}

/// Sets one ladder after the other, some so low that every purchase lifts its member; tells how many.
async fn change_ladder(
    address: SocketAddr,
    token: String,
    over: Arc<AtomicBool>,
) -> anyhow::Result<u64> {
    let ladders = [
        ladder_of(Some(LOW)),
        ladder_of(None),
        ladder_of(Some(LOW * 1_000)),
    ];
    let mut changes = 0;
    for ladder in ladders.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let started = Instant::now();
        put_ladder(address, &token, ladder).await?;
        changes += 1;
        tokio::time::sleep(PAUSE.saturating_sub(started.elapsed())).await;
    }
    Ok(changes)
}

/// The usual ladder, or the same tiers that far apart.
fn ladder_of(step: Option<usize>) -> Value {
    let ladder = Ladder::starting();
    let tiers = ladder.tiers().iter().enumerate().map(|(place, tier)| {
        let threshold = step.map_or(json!(tier.threshold), |step| json!(step * place));
        json!({
            "code": tier.code,
            "name_ru": tier.name_ru,
            "name_en": tier.name_en,
            "threshold": threshold,
            "multiplier": tier.multiplier,
        })
    });
    json!({ "tiers": tiers.collect::<Vec<_>>() })
}

async fn put_ladder(address: SocketAddr, token: &str, ladder: &Value) -> anyhow::Result<()> {
    let body = ladder.to_string();
    let request = format!(
        "PUT /api/v1/admin/tiers HTTP/1.1\r\nhost: bench\r\nif-match: *\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(request.as_bytes()).await?;
    ensure!(
        answer.status == 200,
        "the ladder was not set: {}: {}",
        answer.status,
        String::from_utf8_lossy(answer.body)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladders_rise_from_nothing() {
        for step in [None, Some(LOW)] {
            let ladder = ladder_of(step);
            let tiers = ladder["tiers"].as_array().expect("tiers");
            let thresholds: Vec<i64> = tiers
                .iter()
                .map(|tier| tier["threshold"].as_i64().expect("a number"))
                .collect();
            assert_eq!(thresholds[0], 0);
            assert!(thresholds.is_sorted_by(|lower, upper| lower < upper));
            assert!(tiers.iter().all(|tier| tier["multiplier"].is_u64()));
        }
    }
}
