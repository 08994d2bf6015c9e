//! The configuration files: `configs/http.yaml` holds the settings that begin with `http-`,
//! and `goms.yaml` those without such a prefix.
//!
//! A file is a list of lines `key: value`, and nothing deeper. serde_yaml reads it, and the
//! line of a key is looked up in the text, so that an error can name it.

use super::value::is_optional;
use super::value::try_flag;
use anyhow::Context;
use anyhow::anyhow;
use anyhow::bail;
use serde_yaml::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;

/// Reads all `*.yaml` of the folder, as pairs of a flag's name and its value.
///
/// # Errors
///
/// Something cannot be read or is no setting; the error names the file and the line.
pub(super) fn read_all(
    dir: &Path,
    command: &clap::Command,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut settings = Vec::new();
    for path in files(dir).with_context(|| format!("cannot read the folder {}", dir.display()))? {
        let shown = path.display();
        if path.extension() == Some(OsStr::new("yml")) {
            bail!("{shown}: rename it to *.yaml, other names are not read");
        }
        let text = std::fs::read_to_string(&path).with_context(|| shown.to_string())?;
        let section = match path.file_stem().and_then(OsStr::to_str) {
            Some("goms") => String::new(),
            Some(section) => format!("{section}-"),
            None => bail!("{shown}: rename it, its name is not UTF-8"),
        };
        let keys = match serde_yaml::from_str(&text) {
            Ok(Value::Mapping(keys)) => keys,
            Ok(Value::Null) => continue, // empty, or nothing but comments
            Ok(_) => bail!("{shown}:1: expected lines of the form `key: value`"),
            Err(error) => {
                let line = error.location().map_or(1, |location| location.line());
                bail!("{shown}:{line}: {}", reason(&error))
            }
        };
        for (key, value) in keys {
            let key = key.as_str().unwrap_or_default();
            let Some(line) = line_of(key, &text) else {
                bail!("{shown}:1: write each setting as `key: value`, on a line of its own");
            };
            let flag = format!("{section}{}", key.replace('_', "-"));
            let misplaced = section.is_empty() == flag.contains('-') || flag == "conf-dir";
            let setting = match command
                .get_arguments()
                .any(|arg| arg.get_id() == flag.as_str())
            {
                true if !misplaced => setting(command, flag, value),
                _ => Err(unknown(&flag)),
            };
            let setting = setting.with_context(|| format!("{shown}:{line}"));
            settings.extend(setting?);
        }
    }
    Ok(settings)
}

/// The files that are meant to be read. Hidden ones are an editor's or the system's.
fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    let hidden = |path: &Path| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    let yaml = |path: &Path| {
        path.extension()
            .is_some_and(|it| it == "yaml" || it == "yml")
    };
    paths.retain(|path| yaml(path) && !hidden(path));
    paths.sort();
    Ok(paths)
}

/// What serde_yaml has to say, without the key that it may quote: a secret may have slipped
/// into it.
fn reason(error: &serde_yaml::Error) -> String {
    let text = error.to_string();
    match text.contains("duplicate entry") {
        true => "a setting is written twice".to_owned(),
        false => text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// The number of the first line that starts with this key and a colon.
fn line_of(key: &str, text: &str) -> Option<usize> {
    let starts = |line: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(':'))
    };
    let index = text
        .lines()
        .position(|line| !key.is_empty() && starts(line))?;
    Some(index + 1)
}

/// The error about a name that is no setting of this file. A secret may have slipped into
/// the name, so only what looks like a name is shown.
fn unknown(flag: &str) -> anyhow::Error {
    let name = |c: char| c.is_ascii_lowercase() || c == '-';
    let shown = if flag.chars().all(name) {
        flag
    } else {
        "of this name"
    };
    anyhow!("there is no setting {shown} here, see --help")
}

/// The setting of a line, or none if an optional one is left empty.
fn setting(
    command: &clap::Command,
    flag: String,
    value: Value,
) -> anyhow::Result<Option<(String, String)>> {
    let value = match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => value,
        _ => bail!("{flag} takes one value"),
    };
    if value.is_empty() && is_optional(command, &flag) {
        return Ok(None);
    }
    try_flag(command, &flag, value.as_ref())?;
    Ok(Some((flag, value)))
}
