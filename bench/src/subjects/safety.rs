//! What safety costs: a lesson whole, and without each of the things that keep it safe, which
//! `bench/without.toml` takes out. They are measured in turns, because what they save is less
//! than what the machine changes by in a minute.

use crate::drivers::http;
use crate::figures::call::Call;
use crate::figures::call::USERS;
use crate::figures::figure::Figure;
use crate::figures::report::VARIED;
use crate::figures::report::Variant;
use crate::gauges::gauge::Gauge;
use crate::servers::build;
use crate::servers::program::Keeps;
use crate::servers::program::Program;
use anyhow::Context;
use ladder::Ladder;
use ladder::Lesson;
use ladder::mutants::Edit;
use ladder::mutants::Mutant;
use ladder::sandbox::Sandbox;
use serde::Deserialize;
use std::path::Path;
use std::path::PathBuf;

/// The first lesson that has all of it.
pub(crate) const LESSON: &str = "e-limit";

/// What is taken out, relative to the root.
const WITHOUT: &str = "bench/without.toml";

/// By how many connections they are measured.
const CONNECTIONS: u64 = 64;

/// How often each has its turn in a round.
const TURNS: usize = 4;

/// The programs that are measured in turns, the whole one first.
pub(crate) struct Safety(Vec<(Program, Variant)>);

impl Safety {
    /// Builds what is measured beside the lesson's own program. The processes run in the
    /// folder.
    pub(crate) async fn new(
        ladder: &Ladder,
        lesson: &'static Lesson,
        whole: PathBuf,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let whole = variant(lesson, whole, folder.join("whole"), "nothing")?;
        let mut variants = vec![whole];
        let sandbox = Sandbox::new("without")?;
        for edits in read(&ladder.root)? {
            sandbox.renew()?;
            edits
                .apply(&sandbox.folder.join(lesson.name))
                .context(WITHOUT)?;
            let built = build::build(lesson, &sandbox.folder, &sandbox.build).await;
            let built = built.with_context(|| format!("without {}", edits.name))?;
            let own = folder.join(variants.len().to_string());
            let program = own.join("program");
            let variant = variant(lesson, program.clone(), own, &edits.name)?;
            std::fs::copy(built, program)?; // the next one is built in the same place
            variants.push(variant);
        }
        Ok(Self(variants))
    }

    /// Starts them, and measures all of them for one round more.
    pub(crate) async fn round(&mut self, ladder: &Ladder, gauge: &Gauge) -> anyhow::Result<()> {
        let mut servers = Vec::new();
        for (program, variant) in &self.0 {
            let started = program.start(ladder).await;
            let (server, _) = started.with_context(|| variant.title())?;
            http::create(server.target(Call::Create, 1).address, *USERS.end()).await?;
            servers.push(server);
        }
        for (position, call) in VARIED.into_iter().enumerate() {
            let mut turns = vec![Figure::default(); servers.len()];
            for _ in 0..TURNS {
                let all = self.0.iter().zip(&servers).zip(&mut turns);
                for (((_, variant), server), turns) in all {
                    let cpu = gauge.cpu(server, call, CONNECTIONS).await;
                    turns.add(cpu.with_context(|| variant.title())?)?;
                }
            }
            for ((_, variant), turns) in self.0.iter_mut().zip(turns) {
                variant.cpu[position].add(turns.median())?;
            }
        }
        for server in servers {
            server.kill().await?;
        }
        Ok(())
    }

    /// What was measured.
    pub(crate) fn variants(self) -> Vec<Variant> {
        self.0.into_iter().map(|(_, variant)| variant).collect()
    }
}

/// The content of [`WITHOUT`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removals {
    without: Vec<Removal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    what: String,
    edit: Vec<Edit>,
}

/// The edits, each named by what it takes out: mutants that break no promise on purpose.
fn read(root: &Path) -> anyhow::Result<Vec<Mutant>> {
    let text = std::fs::read_to_string(root.join(WITHOUT)).context(WITHOUT)?;
    let Removals { without } = toml::from_str(&text).context(WITHOUT)?;
    let mutant = |Removal { what, edit }| Mutant {
        name: what,
        about: String::new(),
        breaks: String::new(),
        edit,
    };
    Ok(without.into_iter().map(mutant).collect())
}

/// A variant that is not yet measured, and runs in the folder.
fn variant(
    lesson: &'static Lesson,
    path: PathBuf,
    folder: PathBuf,
    without: &str,
) -> anyhow::Result<(Program, Variant)> {
    std::fs::create_dir_all(&folder)?;
    let program = Program {
        lesson,
        path,
        folder,
        keeps: Keeps::Memory,
    };
    let variant = Variant {
        without: without.to_owned(),
        cpu: VARIED.map(|_| Figure::default()),
    };
    Ok((program, variant))
}

#[cfg(test)]
mod tests {
    use super::LESSON;
    use super::WITHOUT;
    use super::read;
    use anyhow::Context;

    #[test]
    fn each_edit_finds_its_text_once() -> anyhow::Result<()> {
        let root = ladder::root()?;
        for edits in read(&root)? {
            edits.edited(&root.join(LESSON)).context(WITHOUT)?;
        }
        Ok(())
    }
}
