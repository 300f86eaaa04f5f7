//! Reads the layers, refuses unknown keys and bad values by name, and fetches secrets from their files.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};

use super::checks;
use super::error::ConfigError;
use super::model::{Config, Secret};
use super::sources::{Layer, Overrides, Surroundings, place};

/// The documented default file, which is also the defaults.
const DEFAULTS: &str = include_str!("../../../../owncircle.example.toml");

/// Keys that the default file shows only as comments.
const WITHOUT_DEFAULT: [&str; 10] = [
    "data_dir",
    "database_url",
    "database_url_file",
    "redis_url",
    "redis_url_file",
    "postgres_bin",
    "postgres_account",
    "master_key",
    "master_key_file",
    "audit.anchor_dir",
];

/// A configuration and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings, secrets fetched from their files.
    pub config: Config,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
}

/// Reads defaults, file, environment and command line; the later win.
///
/// # Errors
/// Names every fault that can be told apart, each with its key, its source and what is allowed.
pub fn load(surroundings: &Surroundings, overrides: &Overrides) -> Result<Loaded, ConfigError> {
    let file = find_file(surroundings)?;
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(path) = &file {
        figment = figment.merge(Toml::file_exact(path));
    }
    let figment = figment
        .merge(Layer::foreign(surroundings))
        .merge(Layer::environment(surroundings))
        .merge(Layer::command_line(overrides));
    refuse_unknown_keys(&figment)?;
    let mut config: Config = figment
        .extract_lossy()
        .map_err(|errors| describe_all(errors, &figment))?;
    let mut faults = Vec::new();
    for (secret, value, file) in [
        (&mut config.master_key, "master_key", "master_key_file"),
        (
            &mut config.database_url,
            "database_url",
            "database_url_file",
        ),
        (&mut config.redis_url, "redis_url", "redis_url_file"),
    ] {
        match fetch(&figment, value, file) {
            Ok(Some(fetched)) => *secret = Some(fetched),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    for (key, allowed) in checks::faults(&config) {
        // A secret from a file is wrong at the key that named the file.
        let file = format!("{key}_file");
        let key = if figment.contains(&file) {
            file.as_str()
        } else {
            key
        };
        faults.push(format!("{}: {allowed}", named(&figment, key)));
    }
    if faults.is_empty() {
        Ok(Loaded { config, file })
    } else {
        Err(ConfigError { faults })
    }
}

/// The file named on the command line or in OWNCIRCLE_CONFIG must exist; `owncircle.toml` may.
fn find_file(surroundings: &Surroundings) -> Result<Option<PathBuf>, ConfigError> {
    let variable = surroundings
        .environment
        .get("OWNCIRCLE_CONFIG")
        .filter(|path| !path.is_empty());
    let named = surroundings
        .file
        .clone()
        .or_else(|| variable.map(PathBuf::from));
    let path = match named {
        Some(path) if !path.is_file() => {
            let fault = format!("the configuration file {} does not exist", path.display());
            return Err(ConfigError::one(fault));
        }
        Some(path) => path,
        None => {
            let usual = surroundings.folder.join("owncircle.toml");
            if !usual.is_file() {
                return Ok(None);
            }
            usual
        }
    };
    Ok(Some(path))
}

fn refuse_unknown_keys(figment: &Figment) -> Result<(), ConfigError> {
    let known: Value = Figment::from(Toml::string(DEFAULTS))
        .extract()
        .map_err(|problem| ConfigError::one(format!("the built-in defaults: {problem}")))?;
    let given: Value = figment
        .extract()
        .map_err(|problem| describe_all(problem, figment))?;
    let mut faults = Vec::new();
    if let (Some(known), Some(given)) = (known.as_dict(), given.as_dict()) {
        compare_keys(known, given, "", figment, &mut faults);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ConfigError { faults })
    }
}

fn compare_keys(
    known: &Dict,
    given: &Dict,
    above: &str,
    figment: &Figment,
    faults: &mut Vec<String>,
) {
    for (key, value) in given {
        let path = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}.{key}")
        };
        match (known.get(key), value) {
            (Some(Value::Dict(_, known)), Value::Dict(_, given)) => {
                compare_keys(known, given, &path, figment, faults);
            }
            (Some(Value::Dict(..)), _) => {
                faults.push(format!(
                    "{} is a group of settings, not a value",
                    named(figment, &path)
                ));
            }
            (Some(_), _) => {}
            (None, _) if WITHOUT_DEFAULT.contains(&path.as_str()) => {}
            (None, _) => {
                let optional = WITHOUT_DEFAULT.iter().filter_map(|path| {
                    let (group, key) = path.rsplit_once('.').unwrap_or(("", path));
                    (group == above).then_some(key)
                });
                let mut allowed: Vec<&str> =
                    known.keys().map(String::as_str).chain(optional).collect();
                allowed.sort_unstable();
                faults.push(format!(
                    "{} is unknown; known here: {}",
                    named(figment, &path),
                    allowed.join(", ")
                ));
            }
        }
    }
}

/// The key as it is called where its value in force was set.
fn named(figment: &Figment, key: &str) -> String {
    let metadata = figment
        .find_value(key)
        .ok()
        .and_then(|value| figment.get_metadata(first_tag(&value)));
    place(key, metadata)
}

/// A group has no source of its own; its first value has.
fn first_tag(value: &Value) -> figment::value::Tag {
    match value {
        Value::Dict(tag, dict) => dict.values().next().map_or(*tag, first_tag),
        other => other.tag(),
    }
}

fn describe_all(errors: figment::Error, figment: &Figment) -> ConfigError {
    let faults = errors.into_iter().map(|error| {
        let key = error.path.join(".");
        // A secret must not appear in the message about it.
        let secret = ["master_key", "database_url"].contains(&key.as_str());
        let reason = if secret {
            "is no text".to_owned()
        } else {
            error.kind.to_string()
        };
        if key.is_empty() {
            return match error
                .metadata
                .as_ref()
                .and_then(|data| data.source.as_ref())
            {
                Some(source) => format!("{source}: {reason}"),
                None => reason,
            };
        }
        format!("{}: {reason}", named(figment, &key))
    });
    ConfigError {
        faults: faults.collect(),
    }
}

/// The secret in the file that `file` names, if it does; only one of the two keys may be set.
fn fetch(figment: &Figment, value: &str, file: &str) -> Result<Option<Secret>, String> {
    let Ok(path) = figment.extract_inner::<PathBuf>(file) else {
        return Ok(None);
    };
    if figment.contains(value) {
        let (value, file) = (named(figment, value), named(figment, file));
        return Err(format!("{value} and {file} are both set; keep one"));
    }
    let secret =
        read_secret(&path).map_err(|problem| format!("{}: {problem}", named(figment, file)))?;
    Ok(Some(secret))
}

fn read_secret(path: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|problem| format!("cannot read {}: {problem}", path.display()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(Secret::new(text))
}
