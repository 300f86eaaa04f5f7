//! Every source, every refusal.

use std::collections::BTreeMap;
use std::fs;

use server::config::{Config, Overrides, Role, Surroundings, load};
use tempfile::TempDir;

/// A master key that is well-formed.
const SECRET: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";

const EXAMPLE: &str = include_str!("../../../../owncircle.example.toml");

/// Loads with these variables and this file content.
fn load_with(variables: &[(&str, &str)], file: Option<&str>) -> Result<Config, String> {
    let dir = TempDir::new().unwrap();
    if let Some(content) = file {
        fs::write(dir.path().join("owncircle.toml"), content).unwrap();
    }
    let surroundings = Surroundings {
        environment: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        folder: dir.path().to_owned(),
        file: None,
    };
    load(&surroundings, &Overrides::default())
        .map(|loaded| loaded.config)
        .map_err(|error| {
            error
                .to_string()
                .replace(&dir.path().display().to_string(), "DIR")
        })
}

fn refusal(variables: &[(&str, &str)], file: Option<&str>) -> String {
    load_with(variables, file).unwrap_err()
}

#[test]
fn the_example_file_is_the_defaults_and_names_every_setting() {
    let defaults = load_with(&[], None).unwrap();
    assert_eq!(load_with(&[], Some(EXAMPLE)).unwrap(), defaults);
    // What check-config prints holds every setting that has a value; those without are commented out.
    let shown: toml::Table = toml::from_str(&toml::to_string(&defaults).unwrap()).unwrap();
    let example: toml::Table = toml::from_str(EXAMPLE).unwrap();
    assert_eq!(shown, example);
    for key in [
        "data_dir",
        "database_url",
        "database_url_file",
        "postgres_bin",
        "postgres_account",
        "master_key",
        "master_key_file",
        "data_keys",
        "data_keys_file",
    ] {
        assert!(
            EXAMPLE.contains(&format!("\n# {key} = ")),
            "{key} is not documented"
        );
    }
}

#[test]
fn later_sources_win() {
    let file = "database_pool_size = 5\n[limits]\nburst = 7\n";
    let config = load_with(&[("OWNCIRCLE_LIMITS__BURST", "9")], Some(file)).unwrap();
    assert_eq!(config.database_pool_size.get(), 5);
    assert_eq!(config.limits.burst.get(), 9);
    let defaults = load_with(&[], None).unwrap();
    assert_eq!(
        config.limits.requests_per_second,
        defaults.limits.requests_per_second
    );
    let overrides = Overrides {
        role: Some(Role::Worker),
        ..Overrides::default()
    };
    let surroundings = Surroundings {
        environment: BTreeMap::from([("OWNCIRCLE_ROLE".to_owned(), "api".to_owned())]),
        ..Surroundings::default()
    };
    assert_eq!(
        load(&surroundings, &overrides).unwrap().config.role,
        Role::Worker
    );
}

#[test]
fn the_environment_gives_every_kind_of_value() {
    let config = load_with(
        &[
            ("OWNCIRCLE_PROGRAMME__NAME", "2024"),
            ("OWNCIRCLE_SMS__REGIONS", "RU, KZ"),
            (
                "OWNCIRCLE_MASTER_KEY",
                "1111111111111111111111111111111111111111111111111111111111111111",
            ),
            ("OWNCIRCLE_LISTEN", "[::1]:80"),
            ("OWNCIRCLE_PROGRAMME__TIME_ZONE", "Asia/Almaty"),
            ("OWNCIRCLE_LOG__FORMAT", "json"),
            ("OWNCIRCLE_DATA_DIR", ""),
            ("OWNCIRCLE_TEST_DATABASE_URL", "not a setting"),
            ("UNRELATED", "x"),
        ],
        None,
    )
    .unwrap();
    assert_eq!(config.programme.name, "2024");
    assert_eq!(config.sms.regions, ["RU", "KZ"]);
    assert_eq!(config.master_key.unwrap().reveal().len(), 64);
    assert_eq!(config.listen.to_string(), "[::1]:80");
    assert_eq!(config.data_dir, None);
}

#[test]
fn database_url_is_read_under_its_usual_name_and_ours_is_stronger() {
    let usual = ("DATABASE_URL", "postgres://a/b");
    let ours = ("OWNCIRCLE_DATABASE_URL", "postgres://c/d");
    assert_eq!(
        load_with(&[usual], None)
            .unwrap()
            .database_url
            .unwrap()
            .reveal(),
        usual.1
    );
    assert_eq!(
        load_with(&[usual, ours], None)
            .unwrap()
            .database_url
            .unwrap()
            .reveal(),
        ours.1
    );
    let wrong = refusal(&[("DATABASE_URL", "mysql://secret")], None);
    assert!(
        wrong.contains("(environment variable DATABASE_URL): must begin with postgres://"),
        "{wrong}"
    );
    assert!(!wrong.contains("secret"), "{wrong}");
}

#[test]
fn redis_url_is_read_under_its_usual_name_and_from_a_file_and_is_never_shown() {
    let config = load_with(&[("REDIS_URL", "rediss://:unseen@redis:6380/1")], None).unwrap();
    assert!(!format!("{config:?}").contains("unseen"));
    let url = config.redis_url.unwrap();
    assert_eq!(url.reveal(), "rediss://:unseen@redis:6380/1");
    let wrong = refusal(&[("REDIS_URL", "http://:unseen@redis")], None);
    assert!(
        wrong.contains("(environment variable REDIS_URL): must begin with redis://"),
        "{wrong}"
    );
    assert!(!wrong.contains("unseen"), "{wrong}");
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("redis");
    fs::write(&path, "redis://redis\n").unwrap();
    let file = path.to_str().unwrap();
    let config = load_with(&[("OWNCIRCLE_REDIS_URL_FILE", file)], None).unwrap();
    assert_eq!(config.redis_url.unwrap().reveal(), "redis://redis");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("key");
    fs::write(&path, format!("{SECRET}\n")).unwrap();
    let path_text = path.to_str().unwrap();
    let config = load_with(&[("OWNCIRCLE_MASTER_KEY_FILE", path_text)], None).unwrap();
    assert_eq!(config.master_key.as_ref().unwrap().reveal(), SECRET);
    assert!(!format!("{config:?}").contains(SECRET));
    assert!(!toml::to_string(&config).unwrap().contains(SECRET));

    let both = [
        ("OWNCIRCLE_MASTER_KEY_FILE", path_text),
        ("OWNCIRCLE_MASTER_KEY", "x"),
    ];
    assert!(refusal(&both, None).contains("both set"));
    fs::write(&path, "\n").unwrap();
    assert!(refusal(&both[..1], None).contains("is empty"));
    fs::write(&path, "short").unwrap();
    let short = refusal(&both[..1], None);
    assert!(
        short.contains("OWNCIRCLE_MASTER_KEY_FILE") && short.contains("hexadecimal"),
        "{short}"
    );
    let absent = refusal(&[("OWNCIRCLE_MASTER_KEY_FILE", "/no/such/file")], None);
    assert!(
        absent.contains("OWNCIRCLE_MASTER_KEY_FILE")
            && absent.contains("cannot read /no/such/file"),
        "{absent}"
    );
}

#[test]
fn unknown_keys_are_named_with_their_source_and_all_at_once() {
    let text = refusal(
        &[
            ("OWNCIRCLE_LISTENN", "1"),
            ("OWNCIRCLE_LIMITS__BURSTS", "1"),
        ],
        Some("[log]\nlevle = \"info\"\n[nonsense]\na = 1\n"),
    );
    assert!(
        text.contains(
            "`listenn` (environment variable OWNCIRCLE_LISTENN) is unknown; known here: audit, auth, data_dir, "
        ),
        "{text}"
    );
    assert!(
        text.contains("`limits.bursts` (environment variable OWNCIRCLE_LIMITS__BURSTS) is unknown"),
        "{text}"
    );
    assert!(
        text.contains(
            "`log.levle` (file DIR/owncircle.toml) is unknown; known here: format, level"
        ),
        "{text}"
    );
    assert!(
        text.contains("`nonsense` (file DIR/owncircle.toml) is unknown"),
        "{text}"
    );
}

/// Key, value given by the environment, and a part of what the refusal says is allowed.
const BAD_VALUES: &[[&str; 3]] = &[
    ["database_pool_size", "many", "u32"],
    ["database_pool_size", "0", "nonzero"],
    ["database_pool_size", "1001", "4 to 1000"],
    ["posting.workers", "33", "0 for one a core"],
    ["posting.queue", "3", "16 to 1000000"],
    ["posting.group", "4", "8 to 2000"],
    ["posting.bulk", "257", "1 to posting.group"],
    ["role", "both", "`all`, `api`, `worker`"],
    ["listen", "8080", "socket address"],
    ["programme.time_zone", "Mars/Base", "time"],
    ["programme.currency", "rub", "three capital letters"],
    ["programme.name", "  ", "1 to 100 characters"],
    ["public_url", "circle.example/", "http://"],
    ["log.level", "loud=very", "error, warn"],
    ["limits.in_flight", "0", "nonzero"],
    ["sms.regions", "Russia", "countries of ISO 3166"],
    ["master_key", "short", "32 bytes in hexadecimal"],
    ["data_keys", "2:short", "an identity from 2 to 255"],
    ["limits", "5", "group of settings"],
];

#[test]
fn bad_values_are_named_with_their_source_and_what_is_allowed() {
    for [key, value, allowed] in BAD_VALUES {
        let variable = format!("OWNCIRCLE_{}", key.to_uppercase().replace('.', "__"));
        let text = refusal(&[(&variable, value)], None);
        assert!(
            text.contains(&format!("`{key}` (environment variable {variable})")),
            "{text}"
        );
        assert!(text.contains(allowed), "{allowed}: {text}");
    }
    let file = refusal(&[], Some("database_pool_size = -1\n"));
    assert!(
        file.contains("`database_pool_size` (file DIR/owncircle.toml)"),
        "{file}"
    );
    let broken = refusal(&[], Some("listen = \n"));
    assert!(broken.contains("owncircle.toml"), "{broken}");
}

#[test]
fn production_holds_staff_to_a_second_factor() {
    let optional = ("OWNCIRCLE_AUTH__STAFF_SECOND_FACTOR", "optional");
    let text = refusal(&[optional, ("OWNCIRCLE_ENVIRONMENT", "production")], None);
    assert!(text.contains("must be required in production"), "{text}");
    assert!(load_with(&[optional], None).is_ok());
    let wrong = refusal(&[("OWNCIRCLE_AUTH__STAFF_SECOND_FACTOR", "maybe")], None);
    assert!(wrong.contains("`required` or `optional`"), "{wrong}");
}

#[test]
fn numbers_for_tests_have_a_near_end() {
    let numbers = ("OWNCIRCLE_SMS__TEST_NUMBERS", "+79161234567=123456");
    let production = ("OWNCIRCLE_ENVIRONMENT", "production");
    let until = |day: &'static str| ("OWNCIRCLE_SMS__TEST_NUMBERS_UNTIL", day);
    assert!(load_with(&[numbers], None).is_ok());
    let endless = refusal(&[numbers, production], None);
    assert!(
        endless.contains("must be a day at most 30 days ahead"),
        "{endless}"
    );
    for day in ["2199-01-01", "soon"] {
        let far = refusal(&[numbers, until(day)], None);
        assert!(far.contains("must be a day at most 30 days ahead"), "{far}");
    }
    // One that is over harms nobody.
    assert!(load_with(&[numbers, production, until("2026-01-01")], None).is_ok());
    let broken = ("OWNCIRCLE_SMS__TEST_NUMBERS", "+79161234567=12");
    let refused = refusal(&[broken], None);
    assert!(
        refused.contains("phones with their six digits"),
        "{refused}"
    );
    assert!(!refused.contains("4567"), "{refused}");
}

#[test]
fn codes_and_tokens_take_known_values() {
    for (key, value, allowed) in [
        (
            "OWNCIRCLE_SMS__ANDROID_APP_HASH",
            "short",
            "eleven characters",
        ),
        (
            "OWNCIRCLE_TOKENS__ALG",
            "HS256",
            "`RS256`, `PS256`, `ES256`",
        ),
        (
            "OWNCIRCLE_LIMITS__TRUSTED_PROXIES",
            "10.0.0.0/8,x",
            "addresses or networks",
        ),
    ] {
        let text = refusal(&[(key, value)], None);
        assert!(text.contains(allowed), "{text}");
    }
    for (key, value) in [
        ("OWNCIRCLE_SMS__ANDROID_APP_HASH", "FA+9qCX9VSu"),
        ("OWNCIRCLE_TOKENS__ALG", "ES256"),
        (
            "OWNCIRCLE_LIMITS__TRUSTED_PROXIES",
            "10.0.0.0/8, 2001:db8::1",
        ),
    ] {
        assert!(load_with(&[(key, value)], None).is_ok(), "{value}");
    }
}

#[test]
fn a_file_that_is_named_must_exist() {
    let text = refusal(&[("OWNCIRCLE_CONFIG", "/no/such.toml")], None);
    assert!(
        text.contains("the configuration file /no/such.toml does not exist"),
        "{text}"
    );
}

/// What a script sets goes on to the program that it becomes, which refuses settings that it does not know.
#[test]
fn scripts_that_become_the_program_set_none_of_its_settings() {
    let scripts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts");
    for name in ["demo", "run", "lib.sh"] {
        let text = std::fs::read_to_string(scripts.join(name)).unwrap();
        let set = text
            .split_whitespace()
            .find(|word| word.starts_with("OWNCIRCLE_") && word.contains('='));
        assert_eq!(set, None, "{name}");
    }
}
