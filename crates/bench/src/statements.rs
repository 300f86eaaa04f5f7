//! Our own statements of one posting as a script for pgbench. Their text is what the checked queries of the crate `store`
//! have left in `.sqlx`, so the script is what the program sends; only the values come from here.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::pgbench::Pgbench;

/// A statement: words that only its text has, its values in order, and what becomes of its row.
struct Step {
    words: &'static str,
    values: &'static [&'static str],
    end: End,
}

/// How a statement ends.
enum End {
    /// Its rows are read and forgotten.
    Plain,
    /// The columns of its row become variables with this prefix.
    Kept(&'static str),
}

/// What a program decides by itself stands in variables: identifiers and moments in the first statement, points here.
const POINTS: &str = "\\set points :total / 20\n";

/// The key of the first statement comes with the identifiers, in one round trip.
const LOCK: Step = Step {
    words: "select pg_try_advisory_xact_lock(hashtext(principal::text)",
    values: &["array[c.till]", "array['transactions.post:' || c.key]"],
    end: End::Plain,
};

/// A plain purchase without promotions, in the order in which the program asks and writes.
const STEPS: &[Step] = &[
    plain(
        "from members where phone_hash = any($1)",
        &["array[:phone_hash]::bytea[]"],
    ),
    Step {
        words: "from wallets where member_id = any($1) order by member_id for no key update",
        values: &["array[:member]::uuid[]"],
        end: End::Kept("w_"),
    },
    plain(
        "share_cap_bp, spend_without_code_up_to from businesses where id = any($1)",
        &["array[:business]::uuid[]"],
    ),
    plain(
        "from (select * from earning_rule_versions where business_id = any($1)",
        &[
            "array[:business]::uuid[]",
            ":moment::timestamptz",
            ":moment::timestamptz",
        ],
    ),
    plain(
        "select id, status, birthday_sealed from members where id = any($1)",
        &["array[:member]::uuid[]"],
    ),
    plain(
        "from member_days where member_id = any($1) and day between",
        &["array[:member]::uuid[]", ":first_day::date", ":today::date"],
    ),
    plain(
        "select member_id, business_id, visits from member_businesses",
        &["array[:member]::uuid[]", "array[:business]::uuid[]"],
    ),
    plain(
        "join receipts r on r.business_id = u.business_id",
        &[
            "array[:business]::uuid[]",
            "array[:key]::text[]",
            "'purchase'",
        ],
    ),
    plain(
        "join idempotency_keys i using (principal_id, operation, key)",
        &[
            "array[:till]::uuid[]",
            "array['transactions.post']",
            "array[:key]::text[]",
        ],
    ),
    plain(
        "insert into idempotency_keys",
        &[
            "array[:till]::uuid[]",
            "array['transactions.post']",
            "array[:key]::text[]",
            "array[:phone_hash]::bytea[]",
            "array[201]::smallint[]",
            "array['/api/v1/transactions/' || :purchase]",
            "array[bench_answer()]",
            ":moment::timestamptz",
        ],
    ),
    plain(
        "insert into receipts",
        &[
            "array[:business]::uuid[]",
            "'purchase'",
            "array[:key]::text[]",
            "array[:purchase]::uuid[]",
        ],
    ),
    plain(
        "insert into purchases",
        &[
            "array[:purchase]::uuid[]",
            "array[:business]::uuid[]",
            "array[null]::uuid[]",
            "array[null]::text[]",
            "array[:key]::text[]",
            "array[:member]::uuid[]",
            "array[null]::uuid[]",
            "array[:total]::bigint[]",
            "array[0]::bigint[]",
            "array[:total]::bigint[]",
            "array[0]::bigint[]",
            "array[:points]::bigint[]",
            "array[:w_tier]::text[]",
            "array[:w_tier]::text[]",
            "array[:w_available::bigint + :points::bigint]::bigint[]",
            "array[0]::bigint[]",
            "array[bench_explanation(:total, :points, :lot, :business, :moment, :expires)]",
            "array[:moment]::timestamptz[]",
            "array[:moment]::timestamptz[]",
        ],
    ),
    plain(
        "insert into purchase_lines",
        &[
            "array[:purchase]::uuid[]",
            "array[1]::smallint[]",
            "array['general']",
            "array[:total]::bigint[]",
            "array[0]::bigint[]",
            "array[0]::bigint[]",
            "array[:points]::bigint[]",
        ],
    ),
    plain(
        "update wallets w set available = u.available",
        &[
            "array[:member]::uuid[]",
            "array[:w_available::bigint + :points::bigint]::bigint[]",
            "array[:w_pending]::bigint[]",
            "array[:w_held]::bigint[]",
            "array[:w_debt]::bigint[]",
            "array[least(nullif(:w_next_change_at, '')::timestamptz, :expires::timestamptz)]",
            "array[:w_tier]::text[]",
            "array[:w_tier_since]::timestamptz[]",
        ],
    ),
    plain(
        "insert into lots",
        &[
            "array[:lot]::uuid[]",
            "array[:member]::uuid[]",
            "array['purchase']",
            "array[:purchase]::uuid[]",
            "array[:business]::uuid[]",
            "array[:moment]::timestamptz[]",
            "array[:moment]::timestamptz[]",
            "array[:expires]::timestamptz[]",
            "array[:points]::bigint[]",
            "array[:points]::bigint[]",
            "array[0]::bigint[]",
            "array[false]",
        ],
    ),
    plain(
        "insert into journals",
        &[
            "array[:journal]::uuid[]",
            "array['accrual']",
            "array[:member]::uuid[]",
            "array[:business]::uuid[]",
            "array[:purchase]::uuid[]",
            "array[:moment]::timestamptz[]",
            ":moment::timestamptz",
        ],
    ),
    plain(
        "insert into ledger_entries",
        &[
            "array[:journal, :journal]::uuid[]",
            "array[1, 2]::smallint[]",
            "array['member_available', 'business_issued']",
            "array[:member, null]::uuid[]",
            "array[null, :business]::uuid[]",
            "array[:lot, null]::uuid[]",
            "array[:points::bigint, -(:points::bigint)]",
        ],
    ),
    plain(
        "insert into member_days as d",
        &[
            "array[:member]::uuid[]",
            "array[:today]::date[]",
            "array[:total]::bigint[]",
            "array[:points]::bigint[]",
        ],
    ),
    plain(
        "insert into member_businesses as m",
        &[
            "array[:member]::uuid[]",
            "array[:business]::uuid[]",
            "array[1]",
            "array[:moment]::timestamptz[]",
            "array[:moment]::timestamptz[]",
        ],
    ),
    plain(
        "insert into outbox_events",
        &[
            "array[:event]::uuid[]",
            "array['purchase.posted']",
            "array[:member]::uuid[]",
            "array[:business]::uuid[]",
            "array[:purchase]::uuid[]",
            "array[bench_event(:total, :points)]",
            ":moment::timestamptz",
        ],
    ),
];

const fn plain(words: &'static str, values: &'static [&'static str]) -> Step {
    Step {
        words,
        values,
        end: End::Plain,
    }
}

/// The script that posts one purchase with our own statements, one transaction each.
///
/// # Errors
/// If a statement is not in `.sqlx` any more, or takes other values: then this file is to be changed with it.
pub(crate) fn script(sqlx_folder: &Path) -> anyhow::Result<String> {
    let known = queries(sqlx_folder)?;
    let mut script = Pgbench::draws();
    script.push_str(POINTS);
    script.push_str("begin;\n");
    let lock = filled(&known, &LOCK)?;
    script.push_str("select c.* from bench_client(:b, :m) c, lateral (");
    script.push_str(&lock);
    script.push_str(") taken \\gset\n");
    for step in STEPS {
        script.push_str(&filled(&known, step)?);
        match step.end {
            End::Plain => script.push_str(";\n"),
            End::Kept(prefix) => {
                script.push_str(" \\gset ");
                script.push_str(prefix);
                script.push('\n');
            }
        }
    }
    script.push_str("commit;\n");
    Ok(script)
}

/// The texts of all checked queries, each on one line.
fn queries(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let query: serde_json::Value = serde_json::from_str(&text)?;
        let text = query["query"].as_str().context("a query without a text")?;
        let words: Vec<&str> = text.split_whitespace().collect();
        texts.push(words.join(" "));
    }
    Ok(texts)
}

/// The one query with the step's words, its values filled in.
fn filled(known: &[String], step: &Step) -> anyhow::Result<String> {
    let words = step.words;
    let mut found = known.iter().filter(|text| text.contains(words));
    let text = found
        .next()
        .with_context(|| format!("no query has the words: {words}"))?;
    ensure!(found.next().is_none(), "several queries have: {words}");
    fill(text, step.values).with_context(|| words.to_owned())
}

/// Puts values in the places of `$1`, `$2` and so on.
fn fill(text: &str, values: &[&str]) -> anyhow::Result<String> {
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
        let values = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        assert_eq!(
            fill(text, &values).expect("enough values"),
            "select a, j::int[], b where a = 'x'"
        );
        assert!(fill(text, &values[..9]).is_err());
        assert!(fill("select $1", &values[..2]).is_err());
    }

    #[test]
    fn the_script_is_made_of_the_queries_of_today() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
        let script = script(&folder).expect("every statement is there");
        assert!(!script.contains('$'), "{script}");
        assert!(script.contains("insert into ledger_entries"));
        assert!(script.ends_with("commit;\n"));
    }
}
