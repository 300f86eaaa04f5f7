//! What the types of the settings alone can't tell.

use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::phone::{Phone, Region};
use ipnet::IpNet;
use services::auth::code_rules::{CodeRules, TestNumber};
use services::clock::Clock;

use super::model::{Config, Environment, Posting, SecondFactor, Secret};
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
            "auth.staff_second_factor",
            config.environment == Environment::Development
                || config.auth.staff_second_factor == SecondFactor::Required,
            "must be required in production",
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
    let more = posting(&config.posting).into_iter().chain(redis(config));
    let checks = checks.into_iter().chain(codes(config)).chain(more);
    let faulty = checks.filter(|(_, fine, _)| !fine);
    faulty.map(|(key, _, allowed)| (key, allowed)).collect()
}

fn codes(config: &Config) -> [(&'static str, bool, &'static str); 4] {
    let sms = &config.sms;
    let region = sms.default_region.parse::<Region>();
    let numbers = sms.test_numbers.iter().all(|text| {
        region
            .as_ref()
            .is_ok_and(|region| test_number(text, *region).is_some())
    });
    let hash = &sms.android_app_hash;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    [
        (
            "sms.android_app_hash",
            hash.is_empty() || (hash.len() == 11 && hash.bytes().all(is_base64)),
            "must be the eleven characters that the app's signing key gives, or empty",
        ),
        (
            "sms.test_numbers",
            numbers,
            "must be a list of phones with their six digits, such as +79000000001=123456",
        ),
        (
            "sms.test_numbers_until",
            has_near_end(config),
            "must be a day at most 30 days ahead, such as 2026-12-31, where there are test_numbers in production",
        ),
        (
            "limits.trusted_proxies",
            config
                .limits
                .trusted_proxies
                .iter()
                .all(|text| network(text).is_some()),
            "must be addresses or networks, such as 10.0.0.0/8",
        ),
    ]
}

/// Whether the numbers for tests end soon enough; one that has ended already harms nobody.
fn has_near_end(config: &Config) -> bool {
    let sms = &config.sms;
    if sms.test_numbers_until.is_empty() {
        return sms.test_numbers.is_empty() || config.environment == Environment::Development;
    }
    let latest = Clock::System.now() + CodeRules::TEST_NUMBERS_FOR;
    test_numbers_until(&sms.test_numbers_until).is_some_and(|until| until <= latest)
}

/// The first moment of a day, UTC.
pub(crate) fn test_numbers_until(text: &str) -> Option<DateTime<Utc>> {
    let day: NaiveDate = text.parse().ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc())
}

/// A phone and its code.
pub(crate) fn test_number(text: &str, region: Region) -> Option<TestNumber> {
    let (phone, code) = text.split_once('=')?;
    let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    let phone = Phone::parse(phone, region).ok()?;
    is_code.then(|| TestNumber {
        phone,
        code: code.to_owned(),
    })
}

/// A network, or an address as the network of itself.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse().ok().map(|address: IpAddr| address.into());
    text.parse().ok().or_else(address)
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

fn redis(config: &Config) -> [(&'static str, bool, &'static str); 2] {
    let url = config.redis_url.as_ref();
    [
        (
            "redis_url",
            url.is_none_or(|url| is_redis(url.reveal())),
            "must begin with redis://, rediss:// (TLS) or redis+unix://",
        ),
        (
            "redis_timeout_ms",
            config.redis_timeout_ms.get() <= 5_000,
            "must be 1 to 5000",
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

fn is_redis(url: &str) -> bool {
    ["redis://", "rediss://", "redis+unix://"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}
