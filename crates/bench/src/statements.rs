//! Our own statements of one posting as a script for pgbench: a group of one. Their text is what the checked queries of
//! the crate `store` have left in `.sqlx`, so the script sends what the program sends; only the values come from here.

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

/// What the first statement gives, a row for the member and one for the key.
const FOUND: &str = "way, place, id, status, birthday_sealed, available, pending, held, debt, next_change_at, tier, tier_since";

/// Takes the key, finds the member by phone and locks the wallet.
const RESOLVE: Step = Step {
    words: "pg_try_advisory_xact_lock(k.a, k.b)",
    values: &[
        "'{}'",
        "array[c.phone_hash]",
        "'{}'",
        "'{}'",
        "'{}'",
        "'{}'",
        "array[hashtext(c.key)]",
        "array[hashtext(c.member::text)]",
    ],
};

/// Reads what the decision depends on beside the wallet.
const READ: Step = Step {
    words: "(select array_agg((k.digest, k.body_hash, k.status",
    values: &[
        "array[:digest]::uuid[]",
        "array[:business]",
        "array[:key]",
        "'{}'",
        "'{}'",
        "array[:member]::uuid[]",
        ":first_day::date",
        ":today::date",
        "array[:member]",
        "array[:business]",
        "'{}'::uuid[]",
        "'{}'::uuid[]",
        "'{}'::uuid[]",
        "'{}'",
        "array['purchase']",
    ],
};

/// Writes everything.
#[rustfmt::skip]
const WRITE: Step = Step {
    words: "with kept as ( insert into kept_answers",
    values: &[
        ":moment::timestamptz",
        // The answer: digest, body_hash, status, purchase_id, location, response.
        "array[:digest]", "array[:phone_hash]", "array[201]", "array[:purchase]", "array[null]", "array[null]",
        // The receipt: business_id, kind, receipt_number, transaction_id.
        "array[:business]", "array['purchase']", "array[:key]", "array[:purchase]",
        // No rotating code.
        "'{}'", "'{}'",
        // The purchase: id, business_id, location_id, cashier, receipt_number, member_id, hold_id, …
        "array[:purchase]", "array[:business]", "array[null]", "array[null]", "array[:key]", "array[:member]",
        "array[null]",
        // … total, paid_by_points, paid_by_money, points_spent, points_earned, tier, tier_after, …
        "array[:total]", "array[0]", "array[:total]", "array[0]", "array[:points]", "array[:tier]", "array[:tier]",
        // … available_after, debt_after, explanation, occurred_at, recorded_at, import_id, import_row.
        "array[:available::bigint + :points::bigint]", "array[0]",
        "array[bench_explanation(:total, :points, :lot, :business, :moment, :expires)]",
        "array[:moment]", "array[:moment]", "array[null]", "array[null]",
        // Its line: purchase_id, line, category, amount, paid_by_points, points_spent, points_earned.
        "array[:purchase]", "array[1]", "array['general']", "array[:total]", "array[0]", "array[0]", "array[:points]",
        // The wallet: member_id, available, pending, held, debt, next_change_at, tier, tier_since.
        "array[:member]::uuid[]", "array[:available::bigint + :points::bigint]", "array[:pending]", "array[:held]",
        "array[:debt]", "array[least(nullif(:next_change_at, '')::timestamptz, :expires::timestamptz)]",
        "array[:tier]", "array[:tier_since]",
        // The lot: id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at, amount, remaining,
        // expired, pending.
        "array[:lot]", "array[:member]", "array['purchase']", "array[:purchase]", "array[:business]",
        "array[:moment]", "array[:moment]", "array[:expires]", "array[:points]", "array[:points]", "array[0]",
        "array[false]",
        // No lot changes.
        "'{}'", "'{}'", "'{}'", "'{}'", "'{}'",
        // The journal: id, kind, member_id, business_id, source_id, occurred_at.
        "array[:journal]", "array['accrual']", "array[:member]", "array[:business]", "array[:purchase]",
        "array[:moment]",
        // Its entries: journal_id, n, account, member_id, business_id, lot_id, amount.
        "array[:journal, :journal]", "array[1, 2]", "array['member_available', 'business_issued']",
        "array[:member, null]", "array[null, :business]", "array[:lot, null]",
        "array[:points::bigint, -(:points::bigint)]",
        // The day: member_id, day, net_spend, points_earned.
        "array[:member]", "array[:today]", "array[:total]", "array[:points]",
        // The visit: member_id, business_id, visits, first_visit_at, last_visit_at.
        "array[:member]", "array[:business]", "array[1]", "array[:moment]", "array[:moment]",
        // No cap.
        "'{}'", "'{}'", "'{}'", "'{}'",
        // The event: id, kind, member_id, business_id, subject_id, payload.
        "array[:event]", "array['purchase.posted']", "array[:member]", "array[:business]", "array[:purchase]",
        "array[bench_event(:total, :points)]",
    ],
};

/// The script that posts one purchase with our own statements, one transaction each.
///
/// # Errors
/// If a statement is not in `.sqlx` any more, or takes other values: then this file is to be changed with it.
pub(crate) fn script(sqlx_folder: &Path) -> anyhow::Result<String> {
    let known = queries(sqlx_folder)?;
    let resolve = filled(&known, &RESOLVE)?;
    let (read, write) = (filled(&known, &READ)?, filled(&known, &WRITE)?);
    let draws = Pgbench::draws();
    Ok(format!(
        "{draws}{POINTS}begin;\n\
         select c.*, f.* from bench_client(:b, :m) c, \
         lateral (select * from ({resolve}) as found ({FOUND}) order by way desc limit 1) f \\gset\n\
         {read};\n{write};\ncommit;\n"
    ))
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
        assert_eq!(script.lines().count(), 10, "{script}");
        assert!(script.ends_with("commit;\n"));
    }
}
