//! One setting and its value, tried as the flag that it stands for.

use anyhow::bail;
use clap::Command;
use clap::error::ContextKind;
use clap::error::ContextValue;
use std::error::Error;
use std::ffi::OsStr;
use std::ffi::OsString;

/// Whether the service runs without this setting.
pub(super) fn is_optional(command: &Command, flag: &str) -> bool {
    let mut args = command.get_arguments();
    args.any(|arg| arg.get_id() == flag && arg.get_default_values().is_empty())
}

/// Tries `value` as if it had been given as `--flag=value`.
///
/// # Errors
///
/// Why clap refuses it, without the value where that may be a secret.
pub(super) fn try_flag(command: &Command, flag: &str, value: &OsStr) -> anyhow::Result<()> {
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
