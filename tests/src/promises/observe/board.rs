//! What is asked of the figures: by the dashboard, and by the rules that alert.

use crate::figures::Figures;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use reqwest::Client;
use std::collections::BTreeSet;

/// A name that changes on either side would leave an empty panel, or an alert that never comes.
pub(crate) async fn dashboard_and_rules_ask_for_what_is_there(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let user = service.create_gopher().await?;
    Client::new().get(user).send().await?;
    let figures = Figures::of(&service).await?;
    let folder = stage.ladder.folder(stage.lesson).join("observe");
    for file in ["dashboard.json", "rules.yaml"] {
        let text = std::fs::read_to_string(folder.join(file)).context(file)?;
        let names = names(&text);
        ensure!(names.len() > 5, "{file} asks for {names:?}");
        for name in names {
            ensure!(
                figures.has(name),
                "{file} asks for {name}, which is not there"
            );
        }
    }
    service.stop().await
}

/// The names of figures in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = |word: &&str| word.starts_with("goms_") || word.starts_with("process_");
    words.filter(ours).collect()
}
