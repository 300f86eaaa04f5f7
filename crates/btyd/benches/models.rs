//! Costs on a million generated customers at day resolution, in CPU time of one thread, with peak memory.
//!
//! `cargo bench -p btyd`; `-- --write FILE` also writes the customers for compare/compare.py, and lines it can read.

#![allow(clippy::float_arithmetic, clippy::print_stdout)]

use std::error::Error;
use std::fmt::Write as _;

use btyd::{
    BgNbd, FitOptions, History, Horizon, Patterns, Purchase, PurchaseModel, Score, Summarizer,
    Window,
};
use rustix::time::{ClockId, clock_gettime};

const CUSTOMERS: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args()
        .skip_while(|word| word != "--write")
        .skip(1);
    let histories = customers()?;
    if let Some(path) = arguments.next() {
        write(&path, &histories)?;
    }
    summaries()?;
    let options = FitOptions::default();
    let (grouping, patterns) = best_of(5, || Patterns::group(histories.iter().copied()))?;
    let (fitting, fit) = best_of(5, || BgNbd::fit(&patterns, &options))?;
    println!("patterns {}", patterns.rows().len());
    println!("grouping_cpu_s {grouping:.4}");
    println!("fitting_cpu_s {fitting:.4}");
    println!("fit_cpu_s {:.4}", grouping + fitting);
    println!("evaluations {}", fit.evaluations);
    println!("converged {}", fit.converged());
    println!("log_likelihood {:.6}", fit.log_likelihood);
    let m = fit.model;
    println!("parameters {} {} {} {}", m.r(), m.alpha(), m.a(), m.b());
    let horizon = Horizon::new(39.0)?;
    let mut scores = vec![Score::default(); histories.len()];
    let (scoring, ()) = best_of(5, || m.score_into(&histories, horizon, &mut scores))?;
    println!("scoring_cpu_s {scoring:.4}");
    let total: f64 = scores.iter().map(|score| score.expected_purchases).sum();
    println!("expected_in_39_weeks {total:.3}");
    Ok(())
}

/// CPU time of this process in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The least CPU time of several runs, and the last result.
fn best_of<T, E>(runs: u32, mut work: impl FnMut() -> Result<T, E>) -> Result<(f64, T), E> {
    let start = cpu();
    let mut result = work()?;
    let mut least = cpu() - start;
    for _ in 1..runs {
        let start = cpu();
        result = work()?;
        least = least.min(cpu() - start);
    }
    Ok((least, result))
}

/// A stream of numbers that is the same everywhere (Steele, Lea and Flood 2014, SplitMix64).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self) -> f64 {
        -(-self.uniform()).ln_1p()
    }

    fn normal(&mut self) -> f64 {
        (2.0 * self.exponential()).sqrt() * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }

    /// Marsaglia and Tsang 2000.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let z = self.normal();
            let v = (1.0 + z / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * z * z + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// Customers as the BG/NBD imagines them, with the CDNOW parameters, first bought over 84 days, seen until day 273.
fn customers() -> Result<Vec<History>, Box<dyn Error>> {
    let mut random = Random(1);
    let mut histories = Vec::new();
    for number in 0..CUSTOMERS {
        let age = f64::from(273 - number % 84);
        let rate = random.gamma(0.243) / (4.414 * 7.0);
        let (leave, stay) = (random.gamma(0.793), random.gamma(2.426));
        let leaving = leave / (leave + stay);
        let (mut time, mut count, mut last) = (0.0, 0, 0.0);
        loop {
            time += random.exponential() / rate.max(1e-12);
            let day = f64::ceil(time);
            if day > age {
                break;
            }
            if day > last {
                count += 1;
                last = day;
            }
            if random.uniform() < leaving {
                break;
            }
        }
        histories.push(History::new(count, last / 7.0, age / 7.0)?);
    }
    Ok(histories)
}

/// Streams three million purchases of a million customers, and tells the memory that the state took.
fn summaries() -> Result<(), Box<dyn Error>> {
    let before = resident()?;
    let start = cpu();
    let mut summarizer = Summarizer::new(Window::weeks_until(365))?;
    for day in [0, 100, 200] {
        for customer in 0..u64::from(CUSTOMERS) {
            summarizer.push(Purchase {
                customer,
                day,
                spend: 9.5,
            })?;
        }
    }
    println!("summary_cpu_s {:.4}", cpu() - start);
    println!(
        "summary_bytes_a_customer {:.1}",
        (resident()? - before) * 1024.0 / f64::from(CUSTOMERS)
    );
    println!("customers {}", summarizer.finish().count());
    Ok(())
}

/// Resident memory in KiB.
fn resident() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn write(path: &str, histories: &[History]) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    for one in histories {
        writeln!(text, "{},{},{}", one.frequency(), one.recency(), one.age())?;
    }
    std::fs::write(path, text)?;
    Ok(())
}
