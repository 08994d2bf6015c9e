//! Configuration: each flag can also be set by a variable and in a file. A flag beats the
//! environment, the environment beats the files, the files beat the defaults.
//!
//! clap stays the only place that knows the settings: `--http-addr` is also the variable
//! `GOMS__HTTP__ADDR` and the key `addr` of `configs/http.yaml`. Whatever a file or a
//! variable says is tried as if it were that flag, so that an error can name its source.

mod file;
pub mod secret;
mod value;

use anyhow::Context;
use anyhow::bail;
use clap::Parser;
use std::path::PathBuf;
use value::is_optional;
use value::try_flag;

/// Reads the settings from files, environment and command line. On `--help`, `--version`
/// and bad flags it prints what clap says and ends the process.
///
/// # Errors
///
/// A bad setting in a file or in the environment, with the file's line or the variable.
pub fn load<S: Parser>() -> anyhow::Result<S> {
    let command = S::command().mut_args(|arg| {
        let variable = variable_of(arg.get_id().as_str());
        arg.env(variable).hide_env_values(true)
    });
    if let Err(asked) = command.clone().try_get_matches()
        && !asked.use_stderr()
    {
        asked.exit(); // --help and --version work whatever else is wrong
    }
    let unset = environment(&command)?;
    let without =
        |command: clap::Command, flag: &String| command.mut_arg(flag, |arg| arg.env(None));
    let mut command = unset.iter().fold(command, without);
    let named: Option<PathBuf> = command.clone().get_matches().remove_one("conf-dir");
    if let Some(dir) = named.or_else(nearest) {
        let mut settings = file::read_all(&dir, &command)?;
        settings.retain(|(flag, _)| !unset.contains(flag));
        for (flag, value) in settings {
            command = command.mut_arg(flag, |arg| arg.default_value(value));
        }
    }
    Ok(S::from_arg_matches(&command.get_matches())?)
}

/// `configs` in the current folder, which may be the lesson's own, or else in the lesson's
/// folder as seen from the workspace.
fn nearest() -> Option<PathBuf> {
    let here = PathBuf::from("configs");
    let lesson = PathBuf::from(env!("CARGO_PKG_NAME")).join("configs");
    [here, lesson].into_iter().find(|dir| dir.is_dir())
}

/// Tries what the environment holds, and returns the optional settings that an empty
/// variable unsets.
///
/// # Errors
///
/// A variable is not a setting, or its setting does not take its value.
fn environment(command: &clap::Command) -> anyhow::Result<Vec<String>> {
    let mut unset = Vec::new();
    for (variable, value) in std::env::vars_os() {
        let Some(variable) = variable.to_str().filter(|name| name.starts_with("GOMS__")) else {
            continue;
        };
        let mut args = command.get_arguments();
        let Some(arg) = args.find(|arg| variable_of(arg.get_id().as_str()) == variable) else {
            bail!("{variable}: there is no such setting, see --help");
        };
        let flag = arg.get_id().as_str();
        match value.is_empty() && is_optional(command, flag) {
            true => unset.push(flag.to_owned()),
            false => try_flag(command, flag, &value).with_context(|| variable.to_owned())?,
        }
    }
    Ok(unset)
}

/// `http-addr` becomes `GOMS__HTTP__ADDR`, and `mysql-max-idle` would be
/// `GOMS__MYSQL__MAX_IDLE`.
fn variable_of(flag: &str) -> String {
    let name = flag.replacen('-', "__", 1).replace('-', "_");
    format!("GOMS__{name}").to_uppercase()
}
