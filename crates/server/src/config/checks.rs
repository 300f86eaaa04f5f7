//! What the types of the settings alone can't tell.

use domain::phone::Region;

use super::model::{Config, Posting, Secret};
use crate::master_key;

/// Every setting whose value is not allowed, with what is.
pub(super) fn faults(config: &Config) -> Vec<(&'static str, &'static str)> {
    let region = |code: &str| code.parse::<Region>().is_ok();
    let secret = |secret: &Option<Secret>, good: fn(&str) -> bool| {
        secret.as_ref().is_none_or(|secret| good(secret.reveal()))
    };
    let name = config.programme.name.trim().chars().count();
    let checks = [
        (
            "public_url",
            is_address(&config.public_url),
            "must begin with http:// or https:// and have no slash at the end",
        ),
        (
            "trusted_proxies",
            (config.trusted_proxies.iter()).all(|network| network.parse::<ipnet::IpNet>().is_ok()),
            "must be networks, such as 10.0.0.0/8 or fd00::/8; one machine is 10.0.0.7/32",
        ),
        (
            "programme.currency",
            is_currency(&config.programme.currency),
            "must be three capital letters, such as RUB",
        ),
        (
            "programme.name",
            (1..=100).contains(&name),
            "must have 1 to 100 characters",
        ),
        (
            "sms.default_region",
            region(&config.sms.default_region),
            "must be a country of ISO 3166, such as RU",
        ),
        (
            "sms.regions",
            config.sms.regions.iter().all(|code| region(code)),
            "must be countries of ISO 3166, such as RU",
        ),
        (
            "database_pool_size",
            (4..=1000).contains(&config.database_pool_size.get()),
            "must be 4 to 1000",
        ),
        (
            "worker.concurrency",
            config.worker.concurrency.get() <= 256,
            "must be 1 to 256",
        ),
        (
            "log.level",
            tracing_subscriber::EnvFilter::try_new(&config.log.level).is_ok(),
            "must be error, warn, info, debug or trace, or levels by module as info,services=debug",
        ),
        (
            "database_url",
            secret(&config.database_url, is_database),
            "must begin with postgres:// or postgresql://",
        ),
        (
            "master_key",
            secret(&config.master_key, |text| master_key::decode(text).is_ok()),
            master_key::ALLOWED,
        ),
    ];
    let checks = checks.into_iter().chain(posting(&config.posting));
    let faulty = checks.filter(|(_, fine, _)| !fine);
    faulty.map(|(key, _, allowed)| (key, allowed)).collect()
}

fn posting(posting: &Posting) -> [(&'static str, bool, &'static str); 4] {
    [
        (
            "posting.workers",
            posting.workers <= 32,
            "must be 1 to 32, or 0 for one a core and at most 4",
        ),
        (
            "posting.queue",
            (16..=1_000_000).contains(&posting.queue.get()),
            "must be 16 to 1000000",
        ),
        (
            "posting.group",
            (8..=2_000).contains(&posting.group.get()),
            "must be 8 to 2000",
        ),
        (
            "posting.bulk",
            posting.bulk <= posting.group,
            "must be 1 to posting.group",
        ),
    ]
}

fn is_address(url: &str) -> bool {
    url.strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .is_some_and(|rest| {
            !rest.is_empty() && !rest.ends_with('/') && !rest.contains(['?', '#', ' '])
        })
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_database(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}
