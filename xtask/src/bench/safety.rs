//! What safety costs: a lesson whole, and without one of the things that keep it safe, which
//! a patch takes out. They are measured in turns, for what they save is less than what the
//! machine changes by in a minute.

use super::build;
use super::call::Call;
use super::figure::Figure;
use super::http;
use super::measure::Gauge;
use super::report::VARIED;
use super::report::VARIED_CONNECTIONS;
use super::report::Variant;
use super::service::Keeps;
use super::service::Setup;
use super::suite::own;
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

/// How often each has its turn in a round.
const TURNS: usize = 4;

/// The programs that are measured in turns; the first one is whole.
pub(super) struct Safety {
    setups: Vec<Setup>,
    pub(super) variants: Vec<Variant>,
}

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
        let mut setups = vec![setup(lesson, program, own(folder, "whole")?)];
        let mut variants = vec![variant("nothing".to_owned())];
        let sandbox = Sandbox::new("without")?;
        for patch in all()? {
            sandbox.renew()?;
            sandbox.apply(&patch)?;
            let built = build::build_in(&sandbox, lesson).await;
            let built = built.with_context(|| format!("without {}", patch.name))?;
            let folder = own(folder, &patch.name)?;
            // The next one is built in the same place.
            let program = folder.join(lesson.name);
            std::fs::copy(built, &program)?;
            setups.push(setup(lesson, program, folder));
            variants.push(variant(patch.about));
        }
        Ok(Self { setups, variants })
    }

    /// How many measurements a round has.
    pub(super) fn steps(&self) -> usize {
        self.setups.len() * VARIED.len() * TURNS
    }

    /// Starts them, and measures all for one round more.
    ///
    /// # Errors
    ///
    /// One does not start, or an answer was wrong.
    pub(super) async fn round(&mut self, gauge: &Gauge) -> anyhow::Result<()> {
        let mut services = Vec::new();
        for setup in &self.setups {
            let (service, _) = setup.start().await?;
            http::ask(service.address(Call::Create), Call::Create).await?; // the user to be read
            services.push(service);
        }
        for (position, call) in VARIED.into_iter().enumerate() {
            let mut turns = vec![Figure::default(); services.len()];
            for _ in 0..TURNS {
                for (service, turns) in services.iter().zip(&mut turns) {
                    let (process, address) = (&service.process, service.address(call));
                    let cpu = gauge.cpu(process, address, call, VARIED_CONNECTIONS).await;
                    turns.add(cpu.with_context(|| call.title())?)?;
                }
            }
            for (variant, turns) in self.variants.iter_mut().zip(turns) {
                variant.cpu[position].add(turns.median())?;
            }
        }
        for service in services {
            service.process.kill().await?;
        }
        Ok(())
    }
}

fn setup(lesson: &'static Lesson, program: PathBuf, folder: PathBuf) -> Setup {
    Setup {
        lesson,
        program,
        folder,
        keeps: Keeps::Memory,
    }
}

fn variant(without: String) -> Variant {
    let cpu = VARIED.map(|_| Figure::default());
    Variant { without, cpu }
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
