//! Our own statements of one posting as a script for pgbench: a group of one. Their text is what the checked queries of
//! the crate `store` have left in `.sqlx`, so the script sends what the program sends; only the values come from here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::pgbench::Pgbench;

/// A statement: words that only its text has, and its values in order.
struct Step {
    words: &'static str,
    values: &'static [&'static str],
}

/// What a program decides by itself stands in variables: identifiers and moments come with the first statement, points
/// are reckoned here.
const POINTS: &str = "\\set points :total / 20\n";

/// What the first statement finds, a list each.
const FOUND: &str = "f_named, f_wallets, f_kept, f_receipts, f_codes, f_sums, f_visits, f_credits, f_usage, f_budgets, \
                     f_lots";

/// The wallet, for whose values the script has no other use than to reckon with them.
const WALLET: &str = "w.available, w.pending, w.held, w.debt, w.next_change_at, w.tier, w.tier_since, w.counted_from, \
                      w.counted_spend, w.counted_points, w.xmin::text::bigint as version";

/// Finds the member by phone and reads what the decision depends on.
const LOOK: Step = Step {
    words: "as \"named!: Vec<NamedRecord>\"",
    values: &[
        "'{}'",
        "array[c.phone_hash]",
        "'{}'",
        "'{}'",
        "'{}'",
        "'{}'",
        "array[c.digest]",
        "array[c.business]",
        "array['purchase']",
        "array[c.key]",
        "'{}'",
        "'{}'",
        "'{}'",
        "'{}'",
        "'{}'",
        "'{}'",
        "'{}'",
        "'{}'::uuid[]",
        "'{}'::uuid[]",
        "c.first_day",
        "c.today",
        "c.moment",
        "c.moment",
    ],
};

/// The statement that writes everything takes a list a column; its first value is the present moment.
const WRITE: &str = "kept as ( insert into kept_answers";

/// What one row of a table is made of.
struct Row {
    /// The verb and the table.
    table: &'static str,
    /// Values by column; several rows are a list. Other columns are null.
    values: &'static [(&'static str, &'static str)],
}

/// One plain purchase. Tables that are not here get no row.
const ROWS: &[Row] = &[
    Row {
        table: "insert kept_answers",
        values: &[
            ("digest", ":digest"),
            ("body_hash", ":phone_hash"),
            ("status", "201"),
            ("purchase_id", ":purchase"),
        ],
    },
    Row {
        table: "insert receipts",
        values: &[
            ("business_id", ":business"),
            ("kind", "'purchase'"),
            ("receipt_number", ":key"),
            ("transaction_id", ":purchase"),
        ],
    },
    Row {
        table: "insert purchases",
        values: &[
            ("id", ":purchase"),
            ("business_id", ":business"),
            ("receipt_number", ":key"),
            ("member_id", ":member"),
            ("total", ":total"),
            ("paid_by_points", "0"),
            ("paid_by_money", ":total"),
            ("points_spent", "0"),
            ("points_earned", ":points"),
            ("tier", ":tier"),
            ("tier_after", ":tier"),
            ("available_after", ":available::bigint + :points::bigint"),
            ("debt_after", "0"),
            (
                "explanation",
                "bench_explanation(:total, :points, :lot, :moment, :expires)",
            ),
            ("occurred_at", ":moment"),
            ("recorded_at", ":moment"),
        ],
    },
    Row {
        table: "update wallets",
        values: &[
            ("member_id", ":member"),
            ("available", ":available::bigint + :points::bigint"),
            ("pending", ":pending"),
            ("held", ":held"),
            ("debt", ":debt"),
            (
                "next_change_at",
                "least(nullif(:next_change_at, '')::timestamptz, :expires::timestamptz)",
            ),
            ("tier", ":tier"),
            ("tier_since", ":tier_since"),
            ("counted_from", "nullif(:counted_from, '')"),
            (
                "counted_spend",
                "nullif(:counted_spend, '')::bigint + :total::bigint",
            ),
            (
                "counted_points",
                "nullif(:counted_points, '')::bigint + :points::bigint",
            ),
        ],
    },
    Row {
        table: "insert lots",
        values: &[
            ("id", ":lot"),
            ("member_id", ":member"),
            ("origin", "'purchase'"),
            ("origin_id", ":purchase"),
            ("funder_id", ":business"),
            ("earned_at", ":moment"),
            ("activates_at", ":moment"),
            ("expires_at", ":expires"),
            ("amount", ":points"),
            ("remaining", ":points"),
            ("expired", "0"),
            ("pending", "false"),
        ],
    },
    Row {
        table: "insert journals",
        values: &[
            ("id", ":journal"),
            ("kind", "'accrual'"),
            ("member_id", ":member"),
            ("business_id", ":business"),
            ("source_id", ":purchase"),
            ("occurred_at", ":moment"),
        ],
    },
    Row {
        table: "insert ledger_entries",
        values: &[
            ("journal_id", ":journal, :journal"),
            ("n", "1, 2"),
            ("account", "'member_available', 'business_issued'"),
            ("member_id", ":member, null"),
            ("business_id", "null, :business"),
            ("lot_id", ":lot, null"),
            ("amount", ":points::bigint, -(:points::bigint)"),
        ],
    },
    Row {
        table: "insert member_days",
        values: &[
            ("member_id", ":member"),
            ("day", ":today"),
            ("net_spend", ":total"),
            ("points_earned", ":points"),
        ],
    },
    Row {
        table: "insert member_businesses",
        values: &[
            ("member_id", ":member"),
            ("business_id", ":business"),
            ("visits", "1"),
            ("first_visit_at", ":moment"),
            ("last_visit_at", ":moment"),
            ("day_accruals", "1"),
        ],
    },
    Row {
        table: "insert outbox_events",
        values: &[
            ("id", ":event"),
            ("kind", "'purchase.posted'"),
            ("member_id", ":member"),
            ("business_id", ":business"),
            ("subject_id", ":purchase"),
            ("payload", "bench_event(:total, :points)"),
        ],
    },
];

/// The script that posts one purchase with our own statements, one transaction each.
///
/// # Errors
/// If a statement is not in `.sqlx` any more, or takes other values: then this file is to be changed with it.
pub(crate) fn script(sqlx_folder: &Path) -> anyhow::Result<String> {
    let known = queries(sqlx_folder)?;
    let look = filled(&known, &LOOK)?;
    let write = find(&known, WRITE)?;
    let mut values = columns(write)?;
    // The present moment; the day and the hour, by which tills are counted; the version that the wallet must have.
    let others = [
        (1, ":moment::timestamptz"),
        (101, ":today::date"),
        (102, ":moment::timestamptz"),
        (103, "array[:version]"),
    ];
    values.extend(others.map(|(number, value)| (number, value.to_owned())));
    let values: Vec<String> = values.into_values().collect();
    let write = fill(write, &values).context("the statement that writes")?;
    let draws = Pgbench::draws();
    Ok(format!(
        "{draws}{POINTS}\
         select c.*, f.*, {WALLET} from bench_client(:b, :m) c \
         cross join lateral ({look}) f ({FOUND}) join wallets w on w.member_id = c.member \\gset\n\
         {write};\n"
    ))
}

/// The texts of all checked queries, each on one line and without remarks.
fn queries(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let query: serde_json::Value = serde_json::from_str(&text)?;
        let text = query["query"].as_str().context("a query without a text")?;
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"));
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        texts.push(words.join(" "));
    }
    Ok(texts)
}

/// The one query with these words.
fn find<'a>(known: &'a [String], words: &str) -> anyhow::Result<&'a str> {
    let mut found = known.iter().filter(|text| text.contains(words));
    let text = found
        .next()
        .with_context(|| format!("no query has the words: {words}"))?;
    ensure!(found.next().is_none(), "several queries have: {words}");
    Ok(text)
}

/// The one query with the step's words, its values filled in.
fn filled(known: &[String], step: &Step) -> anyhow::Result<String> {
    let values: Vec<String> = step
        .values
        .iter()
        .map(|value| (*value).to_owned())
        .collect();
    fill(find(known, step.words)?, &values).with_context(|| step.words.to_owned())
}

/// The lists of the statement that writes, by their numbers: it says which list is of which column.
fn columns(text: &str) -> anyhow::Result<BTreeMap<usize, String>> {
    let mut values = BTreeMap::new();
    for (at, begins) in text.match_indices("unnest($") {
        let before = &text[..at];
        let (number, behind) = text[at + begins.len()..]
            .split_once("::")
            .context("a list without a type")?;
        let (kind, behind) = behind.split_once(')').context("a list without an end")?;
        let name = behind
            .strip_prefix(" as ")
            .context("a list without a name")?;
        let name = name.split([',', ' ', ')']).next().unwrap_or_default();
        let verbs = [("insert", "insert into "), ("update", "update ")];
        let verb = verbs
            .into_iter()
            .filter_map(|(verb, words)| Some((before.rfind(words)? + words.len(), verb)))
            .max();
        let table = verb.map(|(begins, verb)| {
            let table = before[begins..].split(' ').next().unwrap_or_default();
            format!("{verb} {table}")
        });
        let row = ROWS.iter().find(|row| Some(row.table) == table.as_deref());
        let known = row.map(|row| row.values.iter().find(|(column, _)| *column == name));
        let value = match known {
            None => format!("'{{}}'::{kind}"),
            Some(None) => format!("array[null]::{kind}"),
            Some(Some((_, value))) => format!("array[{value}]::{kind}"),
        };
        values.insert(number.parse()?, value);
    }
    Ok(values)
}

/// Puts values in the places of `$1`, `$2` and so on.
fn fill(text: &str, values: &[String]) -> anyhow::Result<String> {
    let mut pieces = text.split('$');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    let mut used = 0;
    for piece in pieces {
        let digits = piece
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(piece.len());
        let number: usize = piece[..digits].parse().context("a $ without a number")?;
        let Some(value) = number.checked_sub(1).and_then(|place| values.get(place)) else {
            bail!("it takes more than {} values", values.len());
        };
        out.push_str(value);
        out.push_str(&piece[digits..]);
        used = used.max(number);
    }
    ensure!(used == values.len(), "it takes {used} values");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_their_places() {
        let text = "select $1, $10::int[], $2 where $1 = 'x'";
        let values: Vec<String> = ('a'..='j').map(String::from).collect();
        assert_eq!(
            fill(text, &values).expect("enough values"),
            "select a, j::int[], b where a = 'x'"
        );
        assert!(fill(text, &values[..9]).is_err());
        assert!(fill("select $1", &values[..2]).is_err());
    }

    #[test]
    fn lists_are_of_the_columns_that_the_statement_names() {
        let text = "with locked as ( select for no key update ), \
                    gate as ( select unnest($5::uuid[]) as member_id, unnest($9::bigint[]) as version ), \
                    a as ( insert into receipts (kind, new_column) select unnest($2::text[]) as kind, unnest($3::int[]) as new_column, $1 ), \
                    b as ( update wallets w set x = 1 from (select unnest($5::uuid[]) as member_id) u ) \
                    insert into unheard_of as m (id) select unnest($6::uuid[]) as id on conflict (id) do update set id = 1";
        let expected = [
            (2, "array['purchase']::text[]"),
            (3, "array[null]::int[]"),
            (5, "array[:member]::uuid[]"),
            (6, "'{}'::uuid[]"),
            (9, "'{}'::bigint[]"),
        ];
        assert_eq!(
            columns(text).expect("columns"),
            BTreeMap::from(expected.map(|(number, value)| (number, value.to_owned())))
        );
        assert!(columns("insert into receipts (kind) select unnest($3::text[])").is_err());
    }

    #[test]
    fn the_script_is_made_of_the_queries_of_today() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
        let script = script(&folder).expect("every statement is there");
        assert!(!script.contains('$'), "{script}");
        assert!(script.contains("insert into ledger_entries"));
        assert_eq!(script.lines().count(), 7, "{script}");
        assert!(script.contains("array[:version]"));
    }
}
