//! Every action that the audit log knows is written by some use case: a list of what nobody does would promise too much.

use super::Source;

/// The closed list of actions.
const LIST: &str = "crates/domain/src/audit.rs";

/// Where entries are written.
const WRITERS: &str = "crates/services/src/";

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let Some(list) = sources.iter().find(|source| source.path == LIST) else {
        return vec![format!(
            "{LIST} is missing; it holds the actions of the audit log"
        )];
    };
    let writers: Vec<&Source> = sources
        .iter()
        .filter(|source| source.path.starts_with(WRITERS))
        .collect();
    actions(&list.text)
        .filter(|action| !writers.iter().any(|source| names(&source.text, action)))
        .map(|action| format!("{LIST}: nothing in {WRITERS} writes Action::{action}"))
        .collect()
}

/// The actions, read from the lines of the list: `Name = "object.verb", …`.
fn actions(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .skip_while(|line| *line != "actions! {")
        .skip(1)
        .take_while(|line| *line != "}")
        .filter_map(|line| Some(line.split_once(" = ")?.0.trim()))
}

/// Whether a text names an action, and not merely one that begins alike.
fn names(text: &str, action: &str) -> bool {
    text.split("Action::")
        .skip(1)
        .filter_map(|rest| rest.strip_prefix(action))
        .any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_that_nobody_writes_is_told() {
        let source = |path: &str, text: &str| Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let list = "macro\nactions! {\n    Give = \"a.give\", \"x\", \"y\";\n    GiveAll = \"a.all\", \"x\", \"y\";\n}\n";
        let writer = "record(Entry::of(Action::GiveAll, kind))";
        let sources = [
            source(LIST, list),
            source("crates/services/src/a.rs", writer),
        ];
        let told = check(&sources);
        assert_eq!(
            told,
            [format!("{LIST}: nothing in {WRITERS} writes Action::Give")]
        );
    }
}
