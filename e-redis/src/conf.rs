//! Configuration: each flag can also be set by a variable and in a file. A flag beats the
//! environment, the environment beats the files, the files beat the defaults.
//!
//! clap stays the only place that knows the settings: `--http-addr` is also the variable
//! `GOMS__HTTP__ADDR` and the key `addr` of `configs/http.yaml`. What a file or a variable
//! says is tried as if it were that flag, so that each error can name where it came from.

mod file;
mod secret;

pub use secret::SecretUrl;
pub use secret::url_like;

use crate::flag::Flags;
use anyhow::Context;
use anyhow::bail;
use clap::CommandFactory;
use clap::FromArgMatches;
use clap::error::ContextKind;
use clap::error::ContextValue;
use std::error::Error;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::PathBuf;

/// Reads the settings from files, environment and command line. On `--help`, `--version`
/// and bad flags it prints what clap says and ends the process.
///
/// # Errors
///
/// A bad setting in a file or in the environment, with the file's line or the variable.
pub fn load() -> anyhow::Result<Flags> {
    let command = Flags::command().mut_args(|arg| {
        let variable = variable_of(arg.get_id().as_str());
        arg.env(variable).hide_env_values(true)
    });
    if let Err(asked) = command.clone().try_get_matches()
        && !asked.use_stderr()
    {
        asked.exit(); // for --help or --version: these work whatever else is wrong
    }
    environment(&command)?;
    let named: Option<PathBuf> = command.clone().get_matches().remove_one("conf-dir");
    let Some(dir) = named.or_else(nearest) else {
        return Ok(Flags::from_arg_matches(&command.get_matches())?);
    };
    let settings = file::read_all(&dir, &command)?;
    let command = settings
        .into_iter()
        .fold(command, |command, (flag, value)| {
            command.mut_arg(flag, |arg| arg.default_value(value))
        });
    Ok(Flags::from_arg_matches(&command.get_matches())?)
}

/// `configs` here, as in the lesson's own folder, or else that of the lesson's folder, as
/// seen from the workspace.
fn nearest() -> Option<PathBuf> {
    let here = PathBuf::from("configs");
    let lesson = PathBuf::from(env!("CARGO_PKG_NAME")).join("configs");
    [here, lesson].into_iter().find(|dir| dir.is_dir())
}

/// Tries what the environment holds.
///
/// # Errors
///
/// A variable that is no setting, or that its setting does not take.
fn environment(command: &clap::Command) -> anyhow::Result<()> {
    for (variable, value) in std::env::vars_os() {
        let Some(variable) = variable.to_str().filter(|name| name.starts_with("GOMS__")) else {
            continue;
        };
        let mut flags = command.get_arguments().map(|arg| arg.get_id().as_str());
        let Some(flag) = flags.find(|flag| variable_of(flag) == variable) else {
            bail!("{variable}: there is no such setting, see --help");
        };
        try_flag(command, flag, &value).with_context(|| variable.to_owned())?;
    }
    Ok(())
}

/// `http-addr` is `GOMS__HTTP__ADDR`, `mysql-max-idle` would be `GOMS__MYSQL__MAX_IDLE`.
fn variable_of(flag: &str) -> String {
    let name = flag.replacen('-', "__", 1).replace('-', "_");
    format!("GOMS__{name}").to_uppercase()
}

/// Tries `value` as if it had been given as `--flag=value`.
///
/// # Errors
///
/// Why clap refuses it; without the value, which may be a secret.
fn try_flag(command: &clap::Command, flag: &str, value: &OsStr) -> anyhow::Result<()> {
    let mut argument = OsString::from(format!("--{flag}="));
    argument.push(value);
    let command = command.clone().mut_args(|arg| arg.env(None));
    let tried = command.try_get_matches_from([OsStr::new(""), &argument]);
    let Err(error) = tried else {
        return Ok(());
    };
    if let Some(reason) = error.source() {
        bail!("{reason}");
    }
    if let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue)
        && !values.is_empty()
    {
        bail!("must be one of: {}", values.join(", "));
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    bail!("{}", line.trim_start_matches("error: "))
}
