//! Which crate may use which: the table in ARCHITECTURE.md against each Cargo.toml; and that every crate takes lints
//! and versions from the workspace.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;

use super::Source;

/// Crates that help tests; any crate may use them as a development dependency.
const FOR_TESTS: [&str; 2] = ["test_kit", "embedded_postgres"];

type Edges = BTreeMap<String, BTreeSet<String>>;

pub(super) fn check(sources: &[Source]) -> anyhow::Result<Vec<String>> {
    let Some(document) = sources
        .iter()
        .find(|source| source.path == "ARCHITECTURE.md")
    else {
        return Ok(vec![
            "ARCHITECTURE.md is missing; it holds the table of edges".to_owned(),
        ]);
    };
    let allowed = table(&document.text);
    let mut faults = Vec::new();
    let (mut real, mut development) = (Edges::new(), Edges::new());
    for (name, manifest) in manifests(sources)? {
        faults.extend(house_rules(&name, &manifest));
        development.insert(name.clone(), used(&manifest, "dev-dependencies"));
        real.insert(name, used(&manifest, "dependencies"));
    }
    faults.extend(compare(&allowed, &real));
    faults.extend(judge_development(&allowed, &real, &development));
    Ok(faults)
}

/// Reads the rows of the first table whose head is `| crate | may use |`.
fn table(text: &str) -> Edges {
    text.lines()
        .skip_while(|line| !line.replace(' ', "").starts_with("|crate|mayuse|"))
        .skip(2)
        .take_while(|line| line.trim_start().starts_with('|'))
        .filter_map(|line| {
            let mut cells = line.trim().trim_matches('|').split('|');
            let name = named(cells.next()?).into_iter().next()?;
            Some((name, named(cells.next()?).into_iter().collect()))
        })
        .collect()
}

/// The names in a cell, with or without backticks; "nothing" is none.
fn named(cell: &str) -> Vec<String> {
    cell.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty() && *word != "nothing")
        .map(ToOwned::to_owned)
        .collect()
}

fn manifests(sources: &[Source]) -> anyhow::Result<BTreeMap<String, toml::Table>> {
    let mut all = BTreeMap::new();
    for source in sources
        .iter()
        .filter(|source| source.path.ends_with("/Cargo.toml"))
    {
        let manifest: toml::Table =
            toml::from_str(&source.text).with_context(|| source.path.clone())?;
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name")?.as_str());
        let name = name
            .with_context(|| format!("{} names no package", source.path))?
            .to_owned();
        all.insert(name, manifest);
    }
    Ok(all)
}

fn used(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    manifest
        .get(section)
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

fn house_rules(name: &str, manifest: &toml::Table) -> Vec<String> {
    let from_workspace =
        |value: &toml::Value| value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
    let mut faults = Vec::new();
    if !manifest.get("lints").is_some_and(from_workspace) {
        faults.push(format!(
            "{name}: its Cargo.toml lacks [lints] workspace = true"
        ));
    }
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let table = manifest.get(section).and_then(toml::Value::as_table);
        for (dependency, value) in table.into_iter().flatten() {
            if !from_workspace(value) {
                faults.push(format!(
                    "{name}: {dependency} must take its version from the workspace"
                ));
            }
        }
    }
    faults
}

fn compare(allowed: &Edges, real: &Edges) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, uses) in real {
        let Some(may) = allowed.get(name) else {
            faults.push(format!(
                "{name}: not in the table of edges in ARCHITECTURE.md"
            ));
            continue;
        };
        let ours: BTreeSet<&String> = uses
            .iter()
            .filter(|other| real.contains_key(*other))
            .collect();
        for other in ours.iter().filter(|other| !may.contains(**other)) {
            faults.push(format!(
                "{name} uses {other}, which the table in ARCHITECTURE.md does not allow"
            ));
        }
        for other in may.iter().filter(|other| !ours.contains(other)) {
            faults.push(format!(
                "{name} may use {other} by the table in ARCHITECTURE.md, but does not"
            ));
        }
    }
    for name in allowed.keys().filter(|name| !real.contains_key(*name)) {
        faults.push(format!(
            "{name}: in the table of ARCHITECTURE.md, but no crate"
        ));
    }
    faults
}

/// The tests of a crate may use what the crate may, and what helps tests.
fn judge_development(allowed: &Edges, real: &Edges, development: &Edges) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, uses) in development {
        for other in uses.iter().filter(|other| real.contains_key(*other)) {
            let may = allowed.get(name).is_some_and(|may| may.contains(other));
            if !may && !FOR_TESTS.contains(&other.as_str()) {
                faults.push(format!(
                    "the tests of {name} use {other}, which {name} may not"
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_manifests_must_agree() {
        let allowed = table(
            "text\n| crate | may use |\n|---|---|\n| `a` | nothing |\n| `b` | a, `c` |\n| gone | |\n\nmore",
        );
        assert_eq!(allowed.len(), 3);
        let real = Edges::from([
            (
                "a".to_owned(),
                BTreeSet::from(["b".to_owned(), "serde".to_owned()]),
            ),
            ("b".to_owned(), BTreeSet::from(["a".to_owned()])),
            ("new".to_owned(), BTreeSet::new()),
        ]);
        let faults = compare(&allowed, &real);
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(faults[0].starts_with("a uses b"));
        assert!(faults[1].starts_with("b may use c"));
        assert!(faults[2].starts_with("new: not in the table"));
        assert!(faults[3].starts_with("gone: in the table"));
    }

    #[test]
    fn lints_and_versions_come_from_the_workspace() {
        let manifest: toml::Table =
            toml::from_str("[dependencies]\nserde = \"1\"\nanyhow.workspace = true")
                .expect("it is TOML");
        assert_eq!(house_rules("a", &manifest).len(), 2);
    }
}
