//! Settings: which of them wins, which are refused, and what is never shown.

mod table;

use super::process::expect_failure;
use crate::stage::Output;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use table::Setting;

/// Runs a command that ends at once, on a store that needs nothing, with what it is to log
/// at debug; nothing but this is set.
async fn settings(
    stage: &Stage,
    variable: Option<(&str, &str)>,
    flags: &[&str],
) -> anyhow::Result<Output> {
    let debug = [("GOMS__LOG__FILTER", "debug"), ("GOMS__STORE", "memory")];
    let mut variables = debug.to_vec();
    variables.extend(variable);
    let unset = ["GOMS__MYSQL__URL", "GOMS__REDIS__URL"];
    let arguments = [flags, &["read", "1"]].concat();
    stage.run_without(&unset, &variables, &arguments).await
}

pub(crate) async fn flags_beat_the_environment_and_that_beats_the_files(
    stage: &Stage,
) -> anyhow::Result<()> {
    std::fs::create_dir(stage.folder().join("configs"))?;
    for setting in Setting::of(stage) {
        let (path, name, key) = setting.place(stage);
        let [
            (in_file, of_file),
            (in_variable, of_variable),
            (in_flag, of_flag),
        ] = setting.values;
        let variable = setting.variable();
        let variable = Some((variable.as_str(), in_variable));
        let flag = format!("--{}={in_flag}", setting.flag);
        let flag = &[flag.as_str()][..];

        let nothing = settings(stage, None, &[]).await?;
        std::fs::write(&path, format!("{key}: {in_file}\n"))?;
        // What the other runs set by a variable would hide what is in the file.
        let own = ["store", "log-filter"].contains(&setting.flag);
        let file = match own {
            true => from_file_alone(stage, setting.flag).await?,
            false => settings(stage, None, &[]).await?,
        };
        let both = settings(stage, variable, &[]).await?;
        let all = settings(stage, variable, flag).await?;
        std::fs::remove_file(&path)?;
        for (output, shown, source) in [
            (nothing, setting.default, "a default"),
            (file, of_file, name.as_str()),
            (both, of_variable, "a variable"),
            (all, of_flag, "a flag"),
        ] {
            let said = &output.stdout;
            ensure!(
                said.contains(shown),
                "{source} of --{}: {said}",
                setting.flag
            );
        }
    }
    Ok(())
}

/// As [`settings`], without the variable of this flag.
async fn from_file_alone(stage: &Stage, flag: &str) -> anyhow::Result<Output> {
    let variable = match flag {
        "store" => ("GOMS__LOG__FILTER", "debug"),
        _ => ("GOMS__STORE", "memory"),
    };
    let unset = ["GOMS__MYSQL__URL", "GOMS__REDIS__URL"];
    stage.run_without(&unset, &[variable], &["read", "1"]).await
}

pub(crate) async fn a_bad_setting_is_refused_with_its_source(stage: &Stage) -> anyhow::Result<()> {
    std::fs::create_dir(stage.folder().join("configs"))?;
    for setting in Setting::of(stage) {
        let (path, name, key) = setting.place(stage);
        let (bad, unknown) = (setting.bad, format!("{key}x"));
        for (text, line) in [
            (format!("# why\n{key}: '{bad}'\n"), Some(2)),
            (format!("\n\n{unknown}: {bad}\n"), Some(3)),
            (format!("{key}: [1]\n"), Some(1)),
            // No setting at all: where the reader of YAML stops is its own affair.
            (format!("{key}: {{a: 1}}\n"), None),
            (format!("{key}: a: b\n"), None),
            (format!("{key}: 'x\n"), None),
        ] {
            std::fs::write(&path, &text)?;
            let output = settings(stage, None, &[]).await?;
            let place = match line {
                Some(line) => format!("{name}:{line}: "),
                None => format!("{name}:"),
            };
            let told = expect_failure(&output, &[&place]);
            told.with_context(|| format!("{text:?}"))?;
        }
        std::fs::remove_file(path)?;
        let (variable, unknown) = (setting.variable(), format!("{}X", setting.variable()));
        for (variable, value) in [(&variable, bad), (&unknown, "1")] {
            let output = settings(stage, Some((variable, value)), &[]).await?;
            expect_failure(&output, &[&format!("{variable}: ")])?;
        }
        for flag in [setting.flag.to_owned(), format!("{}x", setting.flag)] {
            let output = settings(stage, None, &[&format!("--{flag}={bad}")]).await?;
            let (code, said) = (output.status.code(), output.stderr);
            ensure!(code == Some(2), "--{flag}={bad}: {code:?}, {said}");
            ensure!(
                said.contains(&format!("--{flag}")),
                "--{flag}={bad}: {said}"
            );
        }
    }
    Ok(())
}

pub(crate) async fn a_password_is_never_shown(stage: &Stage) -> anyhow::Result<()> {
    std::fs::create_dir(stage.folder().join("configs"))?;
    for (scheme, since) in [("mysql", "e-mysql"), ("redis", "e-redis")] {
        if stage.lesson.has(since) {
            expect_no_password(stage, scheme).await.context(scheme)?;
        }
    }
    Ok(())
}

/// Sets the URL of this scheme in each place, well and badly, where nobody answers.
async fn expect_no_password(stage: &Stage, scheme: &str) -> anyhow::Result<()> {
    let file = stage.folder().join(format!("configs/{scheme}.yaml"));
    let variable = format!("GOMS__{}__URL", scheme.to_uppercase());
    let flag = format!("--{scheme}-url");
    let url = |password: &str| format!("{scheme}://goms:{password}@127.0.0.1:9/0");
    let good = url("verysecret");
    let run = async |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = stage
            .run_without(&[variable.as_str()], variables, arguments)
            .await?;
        let said = format!("{}{}", output.stdout, output.stderr);
        let shown = said.contains("verysecret");
        ensure!(!shown, "{variables:?} {arguments:?}: {said}");
        let helps = arguments == ["--help"];
        ensure!(helps || !output.status.success(), "it works: {said}");
        anyhow::Ok(())
    };
    let read = ["--log-filter", "trace", "read", "1"];
    for text in [
        format!("url: {good}\n"),
        format!("url:{good}\n"),
        format!("{good}: x\n"),
        format!("url: [{good}]\n"),
    ] {
        std::fs::write(&file, &text)?;
        run(&[], &read).await.with_context(|| text.clone())?;
        run(&[], &["--help"]).await.context(text)?;
    }
    std::fs::remove_file(&file)?;
    for value in [
        good.clone(),
        good.replace(scheme, "http"),
        url("very/verysecret"),
        url("1/verysecret"),
        url("1?verysecret"),
        url("1#verysecret"),
        "goms:verysecret".to_owned(),
    ] {
        let set = [(variable.as_str(), value.as_str())];
        run(&set, &read).await?;
        run(&set, &["--help"]).await?;
        let flags = [&[flag.as_str(), value.as_str()], &read[..]].concat();
        run(&[], &flags).await?;
    }
    Ok(())
}
