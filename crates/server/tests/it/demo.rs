//! The demonstration: filled once, the same again afterwards, continued after a kill, and refused where it does not
//! belong.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::process::Workshop;

const SMALL: [&str; 6] = ["demo", "--fill-only", "--members", "40", "--months", "2"];

fn record(workshop: &Workshop) -> Value {
    let text = std::fs::read_to_string(workshop.path().join("data/demo.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What the audit counts.
fn audited(workshop: &Workshop) -> String {
    let output = workshop.owncircle(&["audit"]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && shown.contains("nothing differs"),
        "{shown}"
    );
    shown
}

#[test]
fn it_is_filled_once_and_leaves_the_ledger_clean() {
    let workshop = Workshop::new();
    let (fine, first) = workshop.run(&SMALL);
    assert!(fine, "{first}");
    let counts = record(&workshop)["counts"].clone();
    assert_eq!(counts["refused"], 0, "{counts}");
    assert!(counts["purchases"].as_u64() > Some(40), "{counts}");
    let before = audited(&workshop);
    assert!(before.contains("10 businesses"), "{before}");
    assert!(
        before.contains(&format!("{} purchases", counts["purchases"])),
        "{before}"
    );

    // Again, and with another size: the same sign-ins, and nothing has changed.
    let (fine, second) = workshop.run(&["demo", "--fill-only", "--members", "50"]);
    assert!(fine, "{second}");
    let key = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("  ock_"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(key(&first), key(&second));
    assert_eq!(audited(&workshop), before);
}

#[test]
fn whole_years_can_be_filled() {
    let workshop = Workshop::new();
    let (fine, shown) = workshop.run(&["demo", "--fill-only", "--members", "12", "--months", "24"]);
    assert!(fine, "{shown}");
    assert_eq!(record(&workshop)["counts"]["refused"], 0);
    audited(&workshop);
}

#[test]
fn a_killed_filling_goes_on_to_the_same_end() {
    let workshop = Workshop::new();
    let mut killed = workshop
        .owncircle(&SMALL)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(killed.stderr.take().unwrap()).lines();
    let midway = log
        .by_ref()
        .map_while(Result::ok)
        .find(|line| line.contains("demonstration:  5"));
    assert!(midway.is_some(), "it ended too soon");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let half = record(&workshop);
    assert_eq!(half["complete"], false, "{half}");
    let (fine, shown) = workshop.run(&SMALL);
    assert!(fine, "{shown}");
    let whole = record(&workshop);
    assert_eq!(
        (&whole["complete"], &whole["counts"]["refused"]),
        (&true.into(), &0.into())
    );
    let audit = audited(&workshop);
    let purchases = format!("{} purchases", whole["counts"]["purchases"]);
    assert!(audit.contains(&purchases), "{purchases}, but:\n{audit}");
}

#[test]
fn it_is_refused_in_production_and_beside_other_partners() {
    let workshop = Workshop::new();
    let mut production = workshop.owncircle(&SMALL);
    let output = production
        .env("OWNCIRCLE_ENVIRONMENT", "production")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && shown.contains("for development only"),
        "{shown}"
    );

    std::fs::write(
        workshop.path().join("log.txt"),
        "00004 1 19970101 2 29.33\n",
    )
    .unwrap();
    let (fine, shown) = workshop.run(&["import", "--format", "cdnow", "log.txt"]);
    assert!(fine, "{shown}");
    let (fine, shown) = workshop.run(&SMALL);
    assert!(
        !fine && shown.contains("holds partners that are not the demonstration's"),
        "{shown}"
    );
    assert!(!workshop.path().join("data/demo.json").exists());
}
