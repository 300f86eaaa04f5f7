//! Where settings come from: the machine's surroundings and the command line, as layers for figment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::model::Role;

/// What begins the name of each variable of ours.
const PREFIX: &str = "OWNCIRCLE_";

/// Variables of ours that are no settings: the path of the file itself, and what tests are told.
const NOT_SETTINGS: [&str; 3] = [
    "OWNCIRCLE_CONFIG",
    "OWNCIRCLE_TEST_DATABASE_URL",
    "OWNCIRCLE_TEST_REDIS_URL",
];

/// The names that other programs have for settings of ours, weaker than ours.
const FOREIGN_NAMES: [(&str, &str); 4] = [
    ("DATABASE_URL", "database_url"),
    ("DATABASE_URL_FILE", "database_url_file"),
    ("REDIS_URL", "redis_url"),
    ("REDIS_URL_FILE", "redis_url_file"),
];

/// Everything outside that decides: the environment, and the folder in which the program was started.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The variables.
    pub environment: BTreeMap<String, String>,
    /// The working folder; the file `owncircle.toml` is looked for here.
    pub folder: PathBuf,
    /// The file named on the command line.
    pub file: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process. Variables that are not UTF-8 are left out, unless they are ours: then they count as
    /// replaced text and are refused for what they are.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        Self {
            environment: std::env::vars_os()
                .map(|(name, value)| {
                    (
                        name.to_string_lossy().into_owned(),
                        value.to_string_lossy().into_owned(),
                    )
                })
                .collect(),
            folder: PathBuf::from("."),
            file,
        }
    }
}

/// Settings given on the command line; they win over all others.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Overrides {
    /// What this process does
    #[arg(long, value_enum)]
    pub role: Option<Role>,
    /// Where the API listens, as 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// The folder for our own PostgreSQL and the generated master key
    #[arg(long, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

/// One layer: texts by dotted key, and how each is called at its source.
#[derive(Debug)]
pub(super) struct Layer {
    name: &'static str,
    values: Vec<(String, String)>,
}

impl Layer {
    /// The variables with foreign names.
    pub(super) fn foreign(surroundings: &Surroundings) -> Self {
        let values = FOREIGN_NAMES.iter().filter_map(|(name, key)| {
            let value = surroundings.environment.get(*name)?;
            (!value.is_empty()).then(|| ((*key).to_owned(), value.clone()))
        });
        Self {
            name: "environment (foreign)",
            values: values.collect(),
        }
    }

    /// Our variables. An empty one counts as absent.
    pub(super) fn environment(surroundings: &Surroundings) -> Self {
        let values = surroundings.environment.iter().filter_map(|(name, value)| {
            let key = name.strip_prefix(PREFIX)?;
            let counts = !value.is_empty() && !NOT_SETTINGS.contains(&name.as_str());
            counts.then(|| (key.to_lowercase().replace("__", "."), value.clone()))
        });
        Self {
            name: "environment",
            values: values.collect(),
        }
    }

    /// The command line.
    pub(super) fn command_line(overrides: &Overrides) -> Self {
        let role = overrides.role.map(|role| match role {
            Role::All => "all".to_owned(),
            Role::Api => "api".to_owned(),
            Role::Worker => "worker".to_owned(),
        });
        let data_dir = overrides
            .data_dir
            .as_ref()
            .map(|dir| dir.to_string_lossy().into_owned());
        let all = [
            ("role", role),
            ("listen", overrides.listen.clone()),
            ("data_dir", data_dir),
        ];
        let values = all
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Self {
            name: "command line",
            values: values.collect(),
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let mut dict = Dict::new();
        for (key, value) in &self.values {
            let nested = figment::util::nest(key, Value::from(value.clone()));
            if let Value::Dict(_, nested) = nested {
                merge(&mut dict, nested);
            }
        }
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

fn merge(into: &mut Dict, from: Dict) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Dict(_, old)), Value::Dict(_, new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// How a key is called where it was set.
pub(super) fn place(key: &str, metadata: Option<&Metadata>) -> String {
    let Some(metadata) = metadata else {
        return format!("`{key}`");
    };
    match metadata.name.as_ref() {
        "environment" => {
            let variable = key.to_uppercase().replace('.', "__");
            format!("`{key}` (environment variable {PREFIX}{variable})")
        }
        "environment (foreign)" => {
            let name = FOREIGN_NAMES.iter().find(|(_, ours)| *ours == key);
            format!(
                "`{key}` (environment variable {})",
                name.map_or("DATABASE_URL", |(name, _)| name)
            )
        }
        "command line" => format!("`{key}` (command line, --{})", key.replace('_', "-")),
        _ => match metadata
            .source
            .as_ref()
            .and_then(figment::Source::file_path)
        {
            Some(path) => format!("`{key}` (file {})", path.display()),
            None => format!("`{key}` (default)"),
        },
    }
}
