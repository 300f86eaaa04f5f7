//! Every file that a document names exists.

use std::collections::BTreeSet;
use std::path::Path;

use super::Source;

/// Endings by which a quoted word without a slash is known to be a file.
const ENDINGS: [&str; 9] = [
    "rs", "md", "toml", "sql", "json", "html", "css", "js", "yml",
];

/// Folders that appear when something is built or run.
const MADE_LATER: [&str; 5] = [
    "target/",
    "data/",
    ".tools/",
    "node_modules/",
    "owncircle.toml",
];

pub(super) fn check(root: &Path, sources: &[Source]) -> Vec<String> {
    let names: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| Path::new(&source.path).file_name()?.to_str())
        .collect();
    let mut faults = Vec::new();
    let documents = sources.iter().filter(|source| source.has_ending("md"));
    for source in documents {
        for (number, line) in source.text.lines().enumerate() {
            let at = format!("{}:{}", source.path, number + 1);
            for word in line.split('`').skip(1).step_by(2) {
                if names_a_file(word) && !exists(root, &names, word) {
                    faults.push(format!("{at}: there is no {word}"));
                }
            }
            for link in links(line) {
                let folder = Path::new(&source.path).parent().unwrap_or(Path::new(""));
                if !root.join(folder).join(link).exists() {
                    faults.push(format!("{at}: the link {link} leads nowhere"));
                }
            }
        }
    }
    faults
}

/// A path or a file name, and no pattern, command, URL or made-up example.
fn names_a_file(word: &str) -> bool {
    let plain = word
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter));
    let made_later = MADE_LATER.iter().any(|folder| word.starts_with(folder));
    let example = word.contains("NNNN");
    if !plain || made_later || example || word.starts_with('/') || word.starts_with('.') {
        return false;
    }
    let ending = Path::new(word)
        .extension()
        .and_then(|ending| ending.to_str());
    let is_file = ending.is_some_and(|ending| ENDINGS.contains(&ending));
    let is_folder = ["crates/", "docs/", "scripts/", "xtask/"]
        .iter()
        .any(|start| word.starts_with(start));
    is_file || is_folder
}

/// As written, below `crates/` (`store/src/lib.rs`), or anywhere by its name alone.
fn exists(root: &Path, names: &BTreeSet<&str>, word: &str) -> bool {
    root.join(word).exists()
        || root.join("crates").join(word).exists()
        || (!word.contains('/') && names.contains(word))
}

/// The targets of links to files of ours.
fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|link| link.split('#').next().unwrap_or_default())
        .filter(|link| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_other_words() {
        for file in [
            "crates/store/src/lib.rs",
            "routes.rs",
            "docs/adding",
            "store/src/lib.rs",
        ] {
            assert!(names_a_file(file), "{file}");
        }
        for other in [
            "GET /users/me",
            "/health/live",
            "crates/*/src",
            "NNNN_name.up.sql",
            "target/x.rs",
            "application/json",
            "make test",
        ] {
            assert!(!names_a_file(other), "{other}");
        }
        assert_eq!(
            links("see [a](b.md#c) and [d](https://e) [f](#g)"),
            ["b.md"]
        );
    }

    #[test]
    fn a_missing_file_is_told_with_its_line() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(root.path().join("crates/store/src")).expect("folders");
        std::fs::write(root.path().join("crates/store/src/lib.rs"), "").expect("a file");
        let document = Source {
            path: "docs/a.md".to_owned(),
            text: "`store/src/lib.rs`\n`store/src/gone.rs` [x](gone.md)".to_owned(),
        };
        assert_eq!(
            check(root.path(), &[document]),
            [
                "docs/a.md:2: there is no store/src/gone.rs",
                "docs/a.md:2: the link gone.md leads nowhere"
            ]
        );
    }
}
