//! What processes use, as Linux tells it under /proc: processor time of a process with its children, and memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

/// Linux tells processor time in hundredths of a second, whatever its own tick is.
const MICROS_IN_TICK: u64 = 10_000;

/// Processor time and parent of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Use {
    parent: u32,
    /// Its own ticks and those of its children that have ended.
    ticks: u64,
}

/// Microseconds of processor time that a process, its children and theirs have used so far.
///
/// # Errors
/// If /proc can't be read.
pub(crate) fn processor_micros(root: u32) -> anyhow::Result<u64> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end while we look.
        if let Ok(text) = fs::read_to_string(format!("/proc/{process}/stat"))
            && let Some(used) = read_stat(&text)
        {
            all.insert(process, used);
        }
    }
    let of_tree: u64 = all
        .iter()
        .filter(|(process, _)| descends(&all, **process, root))
        .map(|(_, used)| used.ticks)
        .sum();
    Ok(of_tree.saturating_mul(MICROS_IN_TICK))
}

/// Microseconds of processor time that the whole machine has used so far, waiting not counted.
///
/// # Errors
/// If /proc can't be read.
pub(crate) fn machine_micros() -> anyhow::Result<u64> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    busy_ticks(&text)
        .map(|ticks| ticks.saturating_mul(MICROS_IN_TICK))
        .context("/proc/stat begins with no sums")
}

/// User, nice, system, then idle and waiting, which are left out, then interrupts.
fn busy_ticks(text: &str) -> Option<u64> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line
        .split_ascii_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let busy = fields.get(..3)?.iter().chain(fields.get(5..7)?);
    Some(busy.sum())
}

fn descends(all: &BTreeMap<u32, Use>, process: u32, root: u32) -> bool {
    let mut current = process;
    // Bounded: a number may be given anew while we look.
    for _ in 0..32 {
        if current == root {
            return true;
        }
        match all.get(&current) {
            Some(used) if used.parent > 1 => current = used.parent,
            _ => return false,
        }
    }
    false
}

/// Reads a line of /proc/PID/stat; the name in it may hold anything, also brackets.
fn read_stat(text: &str) -> Option<Use> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = fields.get(11..15)?.iter();
    Some(Use {
        parent: fields.get(1)?.parse().ok()?,
        ticks: ticks.filter_map(|field| field.parse::<u64>().ok()).sum(),
    })
}

/// The resident memory of one process, KiB.
///
/// # Errors
/// If the process has ended.
pub(crate) fn resident_kib(process: u32) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))
        .with_context(|| format!("process {process}"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let number = line.split_ascii_whitespace().next().context("no number")?;
    Ok(number.parse()?)
}

/// The process that PostgreSQL's folder names as its first.
///
/// # Errors
/// If it does not run.
pub(crate) fn postmaster(cluster: &Path) -> anyhow::Result<u32> {
    let path = cluster.join("postmaster.pid");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let line = text.lines().next().context("an empty file")?;
    Ok(line.trim().parse()?)
}

/// The memory of the machine in MiB; 0 where it is not told.
pub(crate) fn memory_mib() -> u64 {
    let told = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = told
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_ascii_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The machine in a line: processor, cores, memory, system.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after_colon = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let processors = read("/proc/cpuinfo");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores of {}, {} GiB of memory, Linux {}",
        after_colon(&processors, "model name"),
        memory_mib() / 1024,
        read("/proc/sys/kernel/osrelease").trim()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_name() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 0 1 2 3 4 100 20 3 1 20 0 1";
        let used = read_stat(line).expect("a line");
        assert_eq!((used.parent, used.ticks), (7, 124));
        assert_eq!(read_stat("nonsense"), None);
    }

    #[test]
    fn children_count_and_strangers_do_not() {
        let used = |parent| Use { parent, ticks: 1 };
        let all = BTreeMap::from([(10, used(1)), (11, used(10)), (12, used(11)), (20, used(1))]);
        let tree: Vec<u32> = all
            .keys()
            .copied()
            .filter(|process| descends(&all, *process, 10))
            .collect();
        assert_eq!(tree, [10, 11, 12]);
    }

    #[test]
    fn waiting_is_not_work() {
        let text = "cpu  10 1 5 1000 200 2 3 0 0 0\ncpu0 1 1 1 1 1 1 1 0 0 0\n";
        assert_eq!(busy_ticks(text), Some(21));
        assert_eq!(busy_ticks("x"), None);
    }

    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        assert!(resident_kib(own).expect("we run") > 0);
        processor_micros(own).expect("we run");
    }
}
