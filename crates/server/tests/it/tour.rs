//! The tour in docs/tour.md, block by block, against a running demonstration: what the document shows is what happens.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::process::{Running, Workshop, free_port};

/// A block of the document, and what it says that the block prints.
struct Block {
    code: String,
    shown: Vec<String>,
}

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.parent().unwrap().to_owned()
}

/// The log of purchases that the set-up of the tests fetches.
fn purchase_log() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    let log = target.join("test-data/CDNOW_sample.txt");
    assert!(
        log.exists(),
        "{} is missing; run: make setup",
        log.display()
    );
    log
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in document.split("\n```sh\n").skip(1) {
        let code = part.split("\n```").next().unwrap().to_owned();
        let shown = code
            .lines()
            .filter_map(|line| line.strip_prefix("# => "))
            .map(str::to_owned)
            .collect();
        blocks.push(Block { code, shown });
    }
    blocks
}

/// One script for all blocks, so that what one sets the next can use; each block's output goes to a file of its own.
fn script(blocks: &[Block], folder: &Path) -> String {
    let mut script = "set -eu\n".to_owned();
    for (number, block) in blocks.iter().enumerate() {
        let out = folder.join(format!("block-{number}"));
        script.push_str(&format!("{{\n{}\n}} >'{}'\n", block.code, out.display()));
    }
    script
}

/// Whether the shown lines stand in the output in their order; `…` is anything. Otherwise the one that does not.
fn missing<'a>(shown: &'a [String], output: &str) -> Option<&'a str> {
    let mut rest = output;
    for line in shown {
        for part in line.split('…') {
            let Some(at) = rest.find(part) else {
                return Some(line);
            };
            rest = &rest[at + part.len()..];
        }
    }
    None
}

/// A demonstration that logs every step, and what it prints before it serves.
fn start_demo(workshop: &Workshop, api: u16) -> (Running, String) {
    let mut command = workshop.owncircle(&["demo", "--members", "60", "--months", "2"]);
    command
        .env("OWNCIRCLE_LOG__LEVEL", "trace")
        .env("OWNCIRCLE_LISTEN", format!("127.0.0.1:{api}"))
        .env("OWNCIRCLE_PUBLIC_URL", format!("http://127.0.0.1:{api}"))
        .env(
            "OWNCIRCLE_METRICS_LISTEN",
            format!("127.0.0.1:{}", free_port()),
        );
    let mut running = workshop.start(&mut command);
    let printed = running.read_to("Ctrl-C stops the service");
    (running, printed)
}

fn key_in(printed: &str) -> &str {
    let mut lines = printed.lines().map(str::trim);
    lines.find(|line| line.starts_with("ock_")).unwrap()
}

/// The phones that a text names, without their calling code.
fn phones_in(text: &str) -> Vec<String> {
    let mobile = text.split("+7").skip(1);
    let digits = mobile.map(|rest| {
        let digits = rest.chars().filter(|letter| !" ()-".contains(*letter));
        digits.take(10).collect::<String>()
    });
    digits
        .filter(|phone| phone.len() == 10 && phone.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

/// The line of a log that tells a key, a token or a phone.
fn told<'a>(log: &'a str, key: &str, phones: &[String]) -> Option<&'a str> {
    log.lines().find(|line| {
        let token = line.contains("eyJ") || line.contains(key);
        token || phones.iter().any(|phone| line.contains(phone))
    })
}

fn with_program_on_path(command: &mut Command) {
    let program = Path::new(env!("CARGO_BIN_EXE_owncircle"));
    let folder = program.parent().unwrap().to_str().unwrap();
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{folder}:{path}"));
}

#[test]
fn the_tour_goes_as_the_document_says() {
    let document = std::fs::read_to_string(root().join("docs/tour.md")).unwrap();
    let blocks = blocks(&document);
    assert!(blocks.len() >= 8 && blocks.iter().all(|block| !block.shown.is_empty()));
    let workshop = Workshop::new();
    let api = free_port();
    let (demo, printed) = start_demo(&workshop, api);
    let key = key_in(&printed);
    let mut tour = workshop.command("bash");
    with_program_on_path(&mut tour);
    let tour = tour
        .arg("-c")
        .arg(script(&blocks, workshop.path()))
        .env("API", format!("http://127.0.0.1:{api}"))
        .env("TILL_KEY", key)
        .env("CDNOW", purchase_log())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&tour.stderr);
    for (number, block) in blocks.iter().enumerate() {
        let output = std::fs::read_to_string(workshop.path().join(format!("block-{number}")));
        let output = output.unwrap_or_else(|_| panic!("block {number} was not reached:\n{errors}"));
        if let Some(line) = missing(&block.shown, &output) {
            panic!("block {number} does not print {line}, but:\n{output}\n{errors}");
        }
    }
    assert!(tour.status.success(), "{errors}");
    let log = demo.log.clone();
    assert_eq!(demo.end(Signal::TERM), Some(0));
    let (log, phones) = (std::fs::read_to_string(log).unwrap(), phones_in(&printed));
    assert!(log.contains(" DEBUG ") && phones.len() > 3, "{phones:?}");
    assert_eq!(told(&log, key, &phones), None, "the log tells a secret");
}

#[test]
fn shown_lines_are_found_in_their_order() {
    let shown = ["a…c".to_owned(), "d".to_owned()];
    assert_eq!(missing(&shown, "a b c\nd"), None);
    assert_eq!(missing(&shown, "d\na b c"), Some("d"));
    assert_eq!(missing(&shown, "a b d"), Some("a…c"));
}
