//! What is to be logged: a level that is misspelt would switch the log off.

use crate::stage::Stage;
use anyhow::ensure;

pub(crate) async fn a_misspelt_level_is_refused_with_the_nearest(
    stage: &Stage,
) -> anyhow::Result<()> {
    for (filter, nearest) in [
        ("inof", "info"),
        ("wran", "warn"),
        ("debgu", "debug"),
        ("eror", "error"),
        ("tarce", "trace"),
        ("warn,inof", "info"),
        ("hyper=warn,debugg", "debug"),
    ] {
        let output = stage.run(&["--log-filter", filter, "read", "1"]).await?;
        let (code, said) = (output.status.code(), &output.stderr);
        ensure!(
            code == Some(2),
            "--log-filter {filter} is not refused, {code:?}: {said}"
        );
        let names = said.contains("--log-filter") && said.contains(nearest);
        ensure!(names, "--log-filter {filter}: no word of {nearest}: {said}");
    }
    for filter in ["", "info,"] {
        let output = stage.run(&["--log-filter", filter, "read", "1"]).await?;
        let said = &output.stderr;
        ensure!(said.contains("a level is missing"), "{filter:?}: {said}");
    }
    for filter in ["INFO", "off", "warn,hyper=debug", "trace"] {
        let output = stage.run(&["--log-filter", filter, "read", "1"]).await?;
        let said = &output.stderr;
        let taken = said.contains("there is no user 1");
        ensure!(taken, "--log-filter {filter} is refused: {said}");
    }
    Ok(())
}
