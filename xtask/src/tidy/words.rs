//! What must stand in files and what must not: module documents, words that are no part of the product, SQL outside
//! the crates that may speak it.

use super::Source;

/// Text that appears nowhere: places of one machine, hosts of registries, unfinished work. Each is written in two
/// halves, so that this file does not hold it.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("/wo", "rk/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("static.cra", "tes.io", "the host of a registry"),
    ("index.cra", "tes.io", "the host of a registry"),
    ("pythonho", "sted", "the host of a registry"),
    ("pypi.", "org", "the host of a registry"),
    ("registry.np", "mjs", "the host of a registry"),
    ("deb.deb", "ian.org", "the host of a registry"),
    ("TO", "DO", "unfinished work"),
    ("FIX", "ME", "unfinished work"),
    ("issue", " #", "the number of an issue"),
];

/// The crates that speak SQL; tests may do so everywhere.
const SPEAK_SQL: [&str; 5] = [
    "crates/bench/",
    "crates/store/",
    "crates/jobs/",
    "crates/olap/",
    "crates/test_kit/",
];

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources
        .iter()
        .filter(|source| !source.path.ends_with("Cargo.lock"))
    {
        for (number, line) in source.text.lines().enumerate() {
            let at = format!("{}:{}", source.path, number + 1);
            for (first, second, reason) in FORBIDDEN {
                if line.contains(&format!("{first}{second}")) {
                    faults.push(format!("{at}: {first}{second} is {reason}"));
                }
            }
            if speaks_sql(&source.path, line) {
                faults.push(format!("{at}: only store, jobs and olap speak SQL"));
            }
        }
        if source.is_rust() && !starts_with_document(&source.text) {
            faults.push(format!(
                "{}: begins without a module document (//!)",
                source.path
            ));
        }
    }
    faults
}

fn speaks_sql(path: &str, line: &str) -> bool {
    let is_code = path.starts_with("crates/") && path.ends_with(".rs") && path.contains("/src/");
    let may = SPEAK_SQL.iter().any(|allowed| path.starts_with(allowed));
    is_code && !may && line.contains(concat!("sqlx::", "query"))
}

fn starts_with_document(text: &str) -> bool {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .is_some_and(|line| line.starts_with("//!"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(&[Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }])
    }

    #[test]
    fn each_fault_is_found_where_it_stands() {
        let query = concat!("sqlx::", "query!(x)");
        assert_eq!(
            faults("crates/services/src/a.rs", &format!("//! a\n{query}")).len(),
            1
        );
        assert!(faults("crates/store/src/a.rs", &format!("//! a\n{query}")).is_empty());
        assert!(faults("crates/services/tests/it/a.rs", &format!("//! a\n{query}")).is_empty());
        assert_eq!(
            faults("crates/services/src/a.rs", "fn a() {}"),
            ["crates/services/src/a.rs: begins without a module document (//!)"]
        );
        let word = concat!("TO", "DO");
        assert!(faults("README.md", word)[0].starts_with("README.md:1: "));
    }
}
