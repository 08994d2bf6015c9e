//! Which trials there are, and what each of them does: a promise, asked of a lesson.

use crate::programs::program;
use crate::promises::ALL;
use crate::promises::Promise;
use crate::promises::red;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::anyhow;
use ladder::Ladder;
use ladder::Lesson;
use libtest_mimic::Completion;
use libtest_mimic::Failed;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Far more than any promise takes.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(Runtime::new);

/// What has failed so far, or has not ended.
type Failures = Mutex<BTreeSet<String>>;

/// A trial, and the programs that have to be built for it.
pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) needs: Vec<&'static str>,
    /// The lessons' own tests, too, as arguments of `cargo test` select them.
    pub(crate) tests: Vec<String>,
    pub(crate) run: Box<dyn FnOnce() -> Result<Completion, Failed> + Send>,
}

impl Trial {
    /// The same for the harness. What fails is noted, and so is what panics.
    pub(crate) fn noted_in(self, failures: &'static Failures) -> libtest_mimic::Trial {
        let Self { name, run, .. } = self;
        libtest_mimic::Trial::ignorable_test(name.clone(), move || {
            let note = || failures.lock().unwrap_or_else(PoisonError::into_inner);
            note().insert(name.clone());
            let ended = run()?;
            note().remove(&name);
            Ok(ended)
        })
    }
}

/// A promise at a lesson that keeps it.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) ladder: &'static Ladder,
    pub(crate) lesson: &'static Lesson,
    pub(crate) promise: &'static Promise,
}

impl Kept {
    /// Whether it is tried without being asked for: here the promise is new, or here a branch
    /// ends, or it is about something that each lesson has of its own.
    pub(crate) fn is_usual(&self) -> bool {
        let Self {
            ladder,
            lesson,
            promise,
        } = self;
        lesson.name == promise.since || ladder.is_end(lesson) || promise.blocks.is_some()
    }

    /// Whether the filter names its lesson.
    pub(crate) fn is_of(&self, filter: &str) -> bool {
        filter.split("::").next() == Some(self.lesson.name)
    }

    /// The trial on a program, or on what cargo builds.
    fn trial(self, path: Option<PathBuf>) -> Trial {
        let Self {
            lesson,
            promise,
            ladder,
        } = self;
        let reason = match (&path, promise.blocks) {
            (Some(_), Some(_)) => Some("a program alone has no README".to_owned()),
            (None, Some(blocks)) => blocks.missing(),
            (Some(_), None) if promise.name == red::NAME => {
                Some("a program alone has no tests".to_owned())
            }
            (_, None) => None,
        };
        let needs = match promise.blocks {
            _ if reason.is_some() || path.is_some() => Vec::new(),
            Some(_) => crate::readme::programs(ladder, lesson),
            None => vec![lesson.name],
        };
        let tests = match promise.blocks {
            Some(_) if !needs.is_empty() => crate::readme::tests(ladder, lesson),
            None if promise.name == red::NAME && path.is_none() => red::programs(ladder, lesson),
            _ => Vec::new(),
        };
        let run = move || match reason {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => self.completion(self.keep(path)),
        };
        Trial {
            name: format!("{}::{}", lesson.name, promise.name),
            needs,
            tests,
            run: Box::new(run),
        }
    }

    /// What is told of a promise that was kept or not, as it is known to be broken or not.
    pub(crate) fn completion(&self, kept: Result<(), Failed>) -> Result<Completion, Failed> {
        match (kept, self.promise.broken_on(self.lesson)) {
            (kept, None) => kept.map(|()| Completion::Completed),
            (Err(_), Some(reason)) => Ok(Completion::ignored_with(format!(
                "broken, as is known: {reason}"
            ))),
            (Ok(()), Some(_)) => Err(format!(
                "it holds now; take the mark `broken on {:?}` away from it in \
                 tests/src/promises.rs",
                self.lesson.name
            )
            .into()),
        }
    }

    /// Asks for the promise; if it is broken, tells what the lesson's processes said. Besides,
    /// what they said has to keep what is promised of each.
    pub(crate) fn keep(self, path: Option<PathBuf>) -> Result<(), Failed> {
        let runtime = RUNTIME.as_ref().map_err(ToString::to_string)?;
        runtime.block_on(async {
            let path = path.map_or_else(|| program(self.lesson.name).map(Path::to_owned), Ok);
            let stage = path.and_then(|path| Stage::new(self.ladder, self.lesson, path));
            let stage = stage.map_err(|error| format!("{error:#}"))?;
            let kept = timeout(PATIENCE, (self.promise.run)(&stage)).await;
            let kept = kept.unwrap_or_else(|_| Err(anyhow!("it hangs")));
            stage.transcript.complete().await;
            let kept = kept.and(stage.clear().await);
            let kept = kept.and_then(|()| stage.transcript.check());
            kept.map_err(|error| format!("{error:#}\n\n{}", stage.transcript.text()).into())
        })
    }
}

/// Every promise at every lesson that keeps it.
pub(crate) fn all(ladder: &'static Ladder) -> impl Iterator<Item = Kept> {
    ladder.lessons.iter().flat_map(move |lesson| {
        let kept = ALL.iter().filter(|it| it.is_kept_by(ladder, lesson));
        kept.map(move |promise| Kept {
            ladder,
            lesson,
            promise,
        })
    })
}

/// The trials that are wanted of the lessons' own programs.
pub(crate) fn of_lessons(ladder: &'static Ladder, wanted: impl Fn(&Kept) -> bool) -> Vec<Trial> {
    all(ladder)
        .filter(wanted)
        .map(|kept| kept.trial(None))
        .collect()
}

/// The trials of any program, held to what a lesson promises.
///
/// # Errors
///
/// There is no such lesson or no such program.
pub(crate) fn of_program(
    ladder: &'static Ladder,
    program: &Path,
    lesson: &str,
) -> anyhow::Result<Vec<Trial>> {
    let lesson = ladder.find(lesson)?;
    // It is run in other folders than this one.
    let path = program.canonicalize();
    let path = path.with_context(|| format!("there is no program {}", program.display()))?;
    let of_lesson = all(ladder).filter(|kept| kept.lesson.name == lesson.name);
    Ok(of_lesson
        .map(|kept| kept.trial(Some(path.clone())))
        .collect())
}
