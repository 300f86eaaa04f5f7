//! What somebody needs who wants to try the demonstration out: addresses, phones to sign in with, a till's key.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::people::Person;
use super::record::Record;
use super::setup;
use super::town::PARTNERS;
use crate::config::{Config, SecondFactor};

/// The text, ready to print.
///
/// # Errors
/// If the record holds no partner.
pub(super) fn text(config: &Config, record: &Record, member: &Person) -> anyhow::Result<String> {
    let partner = PARTNERS.first().context("a partner")?;
    let till = record
        .tills
        .get(partner.slug)
        .context("the first partner's till")?;
    let (owner, cashier) = setup::staff_phones(0);
    let (url, counts) = (&config.public_url, &record.counts);
    let mut text = format!(
        "\nA small coalition is ready: {} partners, {} members, {} purchases in {} months.\n\n",
        PARTNERS.len(),
        record.size.members,
        counts.purchases,
        record.size.months
    );
    writeln!(text, "  API        {url}/api/v1")?;
    writeln!(text, "  Reference  {url}/docs")?;
    writeln!(text, "  Messages   {url}/dev/outbox")?;
    writeln!(
        text,
        "  Metrics    http://{}/metrics",
        config.metrics_listen
    )?;
    text.push_str("\nSign in by phone. The code is not sent; it appears among the messages.\n");
    text.push_str(about_second_factors(config.auth.staff_second_factor));
    let people = [
        (
            "admin",
            setup::admin_phone(),
            "runs the programme".to_owned(),
        ),
        (
            "owner",
            owner,
            format!("{}, {}", partner.owner, partner.name),
        ),
        ("cashier", cashier, partner.name.to_owned()),
    ];
    for (role, phone, who) in people {
        writeln!(text, "  {role:<10} +{phone}   {who}")?;
    }
    writeln!(
        text,
        "  {:<10} {}   {}",
        "member", member.phone, member.name
    )?;
    writeln!(
        text,
        "\nThe key of a till of {}:\n\n  {}",
        partner.name, till.key
    )?;
    writeln!(
        text,
        "\nPost a purchase of 450.00:\n\n  curl -s {url}/api/v1/transactions \\\n    -H 'Authorization: Bearer {}' \
         \\\n    -H 'Content-Type: application/json' -H \"Idempotency-Key: $(date +%s%N)\" \\\n    \
         -d \"{{\\\"receipt_number\\\":\\\"T-$(date +%s%N)\\\",\\\"member\\\":{{\\\"phone\\\":\\\"{}\\\"}},\
         \\\"total\\\":45000}}\"\n\nThe tour in docs/tour.md goes on from here. Ctrl-C stops the service; \
         the next start finds everything again.",
        till.key, member.phone
    )?;
    Ok(text)
}

/// What staff and operators need besides the code.
const fn about_second_factors(wanted: SecondFactor) -> &'static str {
    match wanted {
        SecondFactor::Optional => {
            "Here that is enough for staff and operators too; a real service wants a second factor of them \
             (owncircle demo --second-factor).\n\n"
        }
        SecondFactor::Required => {
            "Staff and operators enrol a second factor first; operators with the code that owncircle operator code \
             prints.\n\n"
        }
    }
}
