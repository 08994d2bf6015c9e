//! The configuration files: `configs/http.yaml` holds what begins with `http-`, `goms.yaml`
//! what has no such prefix. The checks run while a file is read, when its line is known.

use super::try_flag;
use anyhow::Context;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::Visitor;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

/// Reads all `*.yaml` of the folder, as pairs of a flag's name and its value.
///
/// # Errors
///
/// What cannot be read or is not a setting, with the file and the line.
pub(super) fn read_all(
    dir: &Path,
    command: &clap::Command,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut settings = Vec::new();
    let unreadable = || format!("cannot read the folder {}", dir.display());
    let entries = std::fs::read_dir(dir).with_context(unreadable)?;
    let paths = entries.map(|entry| Ok(entry.with_context(unreadable)?.path()));
    let mut paths = paths.collect::<anyhow::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension() == Some(OsStr::new("yaml")));
    paths.sort();
    for path in paths {
        let shown = path.display();
        let text = std::fs::read_to_string(&path).with_context(|| shown.to_string())?;
        let section = match path.file_stem().and_then(OsStr::to_str) {
            Some("goms") | None => String::new(),
            Some(section) => format!("{section}-"),
        };
        let file = File { section, command };
        let document = serde_yaml::Deserializer::from_str(&text);
        settings.extend(file.deserialize(document).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default();
            anyhow::anyhow!("{shown}:{line}: {reason}")
        })?);
    }
    Ok(settings)
}

/// Reads a file of settings.
struct File<'a> {
    section: String,
    command: &'a clap::Command,
}

/// Reads a key, as the name of its flag.
struct Key<'a>(&'a File<'a>);

/// Reads the value of this flag, as text.
struct Value<'a>(&'a File<'a>, &'a str);

impl<'de> DeserializeSeed<'de> for File<'_> {
    type Value = Vec<(String, String)>;

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<Self::Value, D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for File<'_> {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lines of the form `key: value`")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new()) // an empty file
    }

    /// A missing space makes a text of `url:mysql://…`: serde's own error would quote it.
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom("expected lines of the form `key: value`"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut settings: Vec<(String, String)> = Vec::new();
        while let Some(flag) = map.next_key_seed(Key(&self))? {
            let value = map.next_value_seed(Value(&self, &flag))?;
            if settings.iter().any(|(known, _)| *known == flag) {
                return Err(A::Error::custom(format!("{flag} is set twice")));
            }
            settings.push((flag, value));
        }
        Ok(settings)
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<String, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a setting")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        let flag = format!("{}{}", self.0.section, key.replace('_', "-"));
        // What stands in goms.yaml has no prefix; where the files are is not said in one.
        let fits = self.0.section.is_empty() != flag.contains('-') && flag != "conf-dir";
        let mut known = self.0.command.get_arguments();
        if fits && known.any(|arg| arg.get_id() == flag.as_str()) {
            return Ok(flag);
        }
        // A value that slipped into a key may be a secret.
        let name = |c: char| c.is_ascii_lowercase() || c == '-';
        let shown = if flag.chars().all(name) {
            &flag
        } else {
            "of this name"
        };
        Err(E::custom(format!(
            "there is no setting {shown}, see --help"
        )))
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<String, D::Error> {
        value.deserialize_any(self)
    }
}

impl Visitor<'_> for Value<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one value for {}", self.1)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<String, E> {
        match try_flag(self.0.command, self.1, value.as_ref()) {
            Ok(()) => Ok(value.to_owned()),
            Err(reason) => Err(E::custom(reason)),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        self.visit_str(&value.to_string())
    }
}
