//! What a take costs: in the process, and on the Redis whose address is given; alone, and with many at once.
//!
//!     cargo run --release -p shared_state --example cost -- redis://127.0.0.1:6379

use std::io::Write as _;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use shared_state::{Now, Quota, SharedState};

const TAKES: u32 = 20_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut states = vec![(
        "in process".to_owned(),
        SharedState::in_process(&[7; 32], Now::real()),
    )];
    for url in std::env::args().skip(1) {
        let state = SharedState::on_redis(&url, &[7; 32], Now::real(), Duration::from_secs(1))?;
        if !state.wait_until_shared(Duration::from_secs(5)).await {
            return Err(format!("{url} does not answer").into());
        }
        states.push((url, state));
    }
    for (name, state) in states {
        for together in [1, 16, 64, 256] {
            let (each, passed) = measure(&state, together).await?;
            writeln!(
                std::io::stdout(),
                "{name}, {together} at once: {each:?} a take, {:?} until its answer, {passed} passed",
                each * together
            )?;
        }
    }
    Ok(())
}

/// The time for each, and how many passed.
async fn measure(
    state: &SharedState,
    together: u32,
) -> Result<(Duration, u32), Box<dyn std::error::Error>> {
    let quota = Quota {
        per_second: NonZeroU32::new(1_000_000).ok_or("zero")?,
        burst: NonZeroU32::new(1_000_000).ok_or("zero")?,
    };
    let begun = Instant::now();
    let tasks: Vec<_> = (0..together)
        .map(|number| {
            let state = state.clone();
            tokio::spawn(async move {
                let mut passed = 0;
                for _ in 0..TAKES / together {
                    let key = number.to_be_bytes();
                    let taken = state.take("cost", &key, quota, 1).await;
                    passed += u32::from(taken.retry_after.is_none());
                }
                passed
            })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        passed += task.await?;
    }
    Ok((begun.elapsed() / TAKES, passed))
}
