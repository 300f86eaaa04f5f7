//! Files of at most 500 lines, functions of at most 70.

use super::Source;

const LONGEST_FILE: usize = 500;
const LONGEST_FUNCTION: usize = 70;

/// Files that are longer for now, with their present length; a number may only fall.
const LONGER_FILES: &[(&str, usize)] = &[];

/// Functions that are longer for now, as `path::name`, with their present length; a number may only fall.
/// The two below hand a statement its columns, a line each.
const LONGER_FUNCTIONS: &[(&str, usize)] = &[
    ("crates/store/src/posting/further.rs::write", 105),
    ("crates/store/src/posting/write.rs::write", 126),
];

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    let counted = |source: &&Source| {
        ["rs", "sql", "js", "css", "html"]
            .iter()
            .any(|ending| source.has_ending(ending))
    };
    for source in sources.iter().filter(counted) {
        let length = source.text.lines().count();
        faults.extend(judge(&source.path, length, LONGEST_FILE, LONGER_FILES));
    }
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (name, length) in functions(&source.text) {
            let name = format!("{}::{name}", source.path);
            faults.extend(judge(&name, length, LONGEST_FUNCTION, LONGER_FUNCTIONS));
        }
    }
    faults
}

fn judge(name: &str, length: usize, limit: usize, exceptions: &[(&str, usize)]) -> Option<String> {
    let exception = exceptions.iter().find(|(excepted, _)| *excepted == name);
    match exception {
        Some((_, allowed)) if length > *allowed => Some(format!(
            "{name}: {length} lines, and it may only shrink from {allowed}"
        )),
        Some((_, allowed)) if length < *allowed => Some(format!(
            "{name}: {length} lines now; lower its exception from {allowed}, or remove it"
        )),
        Some(_) => None,
        None if length > limit => Some(format!("{name}: {length} lines, at most {limit}")),
        None => None,
    }
}

/// Name and length of each function, read from the layout that rustfmt gives: the closing brace stands under the
/// line that began the function.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let close = format!("{}}}", &line[..indent]);
        for (offset, later) in lines[start..].iter().enumerate() {
            let declaration_only =
                later.ends_with(';') && later.len() - later.trim_start().len() == indent;
            let one_line = offset == 0 && later.ends_with('}');
            if declaration_only || one_line {
                break;
            }
            if offset > 0 && *later == close {
                found.push((name.to_owned(), offset + 1));
                break;
            }
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    if let Some(after) = rest.strip_prefix("pub") {
        rest = match after.strip_prefix('(') {
            Some(limited) => limited.split_once(')')?.1.trim_start(),
            None => after.strip_prefix(' ')?,
        };
    }
    for word in ["const ", "async ", "default "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    Some(&name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_by_their_layout() {
        let text = "trait T {\n    fn declared(&self);\n    fn wide(\n        &self,\n    );\n}\n\
                    pub(crate) async fn two() {\n    nested(|| {\n    });\n}\nfn one() {}\n\
                    impl X {\n    pub const fn inner() -> u8 {\n        1\n    }\n}\n";
        assert_eq!(
            functions(text),
            [("two".to_owned(), 4), ("inner".to_owned(), 3)]
        );
    }

    #[test]
    fn an_exception_may_only_shrink() {
        let exceptions = [("a", 80)];
        assert!(judge("a", 80, 70, &exceptions).is_none());
        assert!(judge("a", 81, 70, &exceptions).is_some_and(|fault| fault.contains("only shrink")));
        assert!(
            judge("a", 75, 70, &exceptions)
                .is_some_and(|fault| fault.contains("lower its exception"))
        );
        assert!(judge("b", 71, 70, &exceptions).is_some());
        assert!(judge("b", 70, 70, &exceptions).is_none());
    }
}
