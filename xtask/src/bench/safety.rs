//! What safety costs: a lesson whole, and without one of the things that keep it safe, which
//! a patch takes out. They are measured in turns, for what they save is less than what the
//! machine changes by in a minute.

use super::build;
use super::figure::Figure;
use super::measure::Gauge;
use super::report::VARIED;
use super::report::Variant;
use super::service::Keeps;
use super::service::Setup;
use crate::ladder;
use crate::ladder::Lesson;
use crate::sandbox::Patch;
use crate::sandbox::Sandbox;
use crate::sandbox::patches;
use anyhow::Context;
use std::path::Path;
use std::path::PathBuf;

/// The lesson that brings all of it.
pub(super) const LESSON: &str = "e-http";

/// By how many connections they are measured.
const CONNECTIONS: u64 = 64;

/// How often each has its turn in a round.
const TURNS: usize = 4;

/// The programs that are measured in turns; the first one is whole.
pub(super) struct Safety(Vec<(Setup, Variant)>);

impl Safety {
    /// Builds what is measured beside the lesson's own program. The processes run in the
    /// folder.
    ///
    /// # Errors
    ///
    /// A patch does not apply, or a program does not build.
    pub(super) async fn new(
        lesson: &'static Lesson,
        program: PathBuf,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let programs = folder.join("programs");
        std::fs::create_dir_all(&programs)?;
        let mut variants = vec![variant(lesson, program, folder.join("whole"), "nothing")?];
        let sandbox = Sandbox::new("without")?;
        for patch in all()? {
            let name = &patch.name;
            sandbox.renew()?;
            sandbox.apply(&patch)?;
            let built = build::build_in(&sandbox, lesson).await;
            let built = built.with_context(|| format!("without {name}"))?;
            let program = programs.join(name);
            std::fs::copy(built, &program)?; // the next one is built in the same place
            variants.push(variant(lesson, program, folder.join(name), &patch.about)?);
        }
        Ok(Self(variants))
    }

    /// How many measurements a round has.
    pub(super) fn steps(&self) -> usize {
        self.0.len() * VARIED.len() * TURNS
    }

    /// Starts them, and measures all for one round more.
    ///
    /// # Errors
    ///
    /// One does not start, or an answer was wrong.
    pub(super) async fn round(&mut self, gauge: &Gauge) -> anyhow::Result<()> {
        gauge.bar.set_message("safety");
        let mut services = Vec::new();
        for (setup, variant) in &self.0 {
            let started = setup.start().await;
            let (service, _) = started.with_context(|| variant.title())?;
            service.fill().await?;
            services.push(service);
        }
        for (position, call) in VARIED.into_iter().enumerate() {
            let mut turns = vec![Figure::default(); services.len()];
            for _ in 0..TURNS {
                let variants = self.0.iter().map(|(_, variant)| variant);
                for ((service, turns), variant) in services.iter().zip(&mut turns).zip(variants) {
                    let (process, address) = (&service.process, service.address(call));
                    let cpu = gauge.cpu(process, address, call, CONNECTIONS).await;
                    turns.add(cpu.with_context(|| variant.title())?)?;
                }
            }
            for ((_, variant), turns) in self.0.iter_mut().zip(turns) {
                variant.cpu[position].add(turns.median())?;
            }
        }
        for service in services {
            service.process.kill().await?;
        }
        Ok(())
    }

    /// What was measured.
    pub(super) fn variants(self) -> Vec<Variant> {
        self.0.into_iter().map(|(_, variant)| variant).collect()
    }
}

/// A variant that is not yet measured, and runs in the folder.
fn variant(
    lesson: &'static Lesson,
    program: PathBuf,
    folder: PathBuf,
    without: &str,
) -> anyhow::Result<(Setup, Variant)> {
    std::fs::create_dir_all(&folder)?;
    let keeps = Keeps::Memory;
    let setup = Setup {
        lesson,
        program,
        folder,
        keeps,
    };
    let without = without.to_owned();
    let cpu = VARIED.map(|_| Figure::default());
    Ok((setup, Variant { without, cpu }))
}

/// What can be taken out.
fn all() -> anyhow::Result<Vec<Patch>> {
    patches(
        &ladder::root()?.join("xtask/src/bench/without"),
        "without: ",
    )
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::sandbox::tests::all_apply;

    #[test]
    fn all_can_be_taken_out() -> anyhow::Result<()> {
        let patches = all()?;
        assert_eq!(patches.len(), 5);
        all_apply(&patches)
    }
}
