//! What the suite promises of itself, and what its model of the cache has to keep, tried as its
//! first tests.

use crate::model;
use crate::programs::program;
use crate::promises::ALL;
use crate::promises::Promise;
use crate::stage::Stage;
use crate::trial;
use crate::trial::Kept;
use crate::trial::Trial;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use ladder::Ladder;
use ladder::mutants::Mutants;
use ladder::mutants::Without;
use libtest_mimic::Completion;
use std::process::Command;

/// The lesson whose program is tried under another name.
const LESSON: &str = "e-flag";

type Check = fn(&'static Ladder) -> anyhow::Result<()>;

/// The tests, with the programs that they need.
pub(crate) fn trials(ladder: &'static Ladder) -> Vec<Trial> {
    let all: [(&str, &[&'static str], Check); 8] = [
        ("what_is_known_to_be_broken_has_to_be", &[], known),
        ("each_promise_is_tried_where_it_begins_and_ends", &[], usual),
        ("any_program_can_be_asked", &[LESSON], any_program),
        ("each_mutant_finds_its_texts_once", &[], mutants_fit),
        (
            "each_promise_has_a_mutant_or_a_reason",
            &[],
            mutants_suffice,
        ),
        ("the_cache_model_keeps_its_promises", &[], model::kept),
        ("the_cache_model_can_break_them", &[], model::broken),
        ("the_cache_model_has_the_readmes_race", &[], model::race),
    ];
    let trial = |(name, needs, check): (&str, &[&'static str], Check)| Trial {
        name: format!("suite::{name}"),
        needs: needs.to_vec(),
        tests: Vec::new(),
        run: Box::new(move || match check(ladder) {
            Ok(()) => Ok(Completion::Completed),
            Err(error) => Err(format!("{error:#}").into()),
        }),
    };
    all.into_iter().map(trial).collect()
}

/// A promise that is kept and one that is not, at a lesson where they are known to be broken and
/// at one where they are not.
fn known(ladder: &'static Ladder) -> anyhow::Result<()> {
    async fn good(_: &Stage) -> anyhow::Result<()> {
        Ok(())
    }
    async fn bad(_: &Stage) -> anyhow::Result<()> {
        bail!("it is bad")
    }
    const MARKS: &[(&str, &str)] = &[("e-flag", "nobody is perfect")];
    const fn promise(run: crate::promises::Run) -> Promise {
        let (name, since, blocks, broken) = ("made_up", "e-docker", None, MARKS);
        Promise {
            name,
            since,
            run,
            blocks,
            broken,
        }
    }
    static GOOD: Promise = promise(|stage| Box::pin(good(stage)));
    static BAD: Promise = promise(|stage| Box::pin(bad(stage)));
    for (promise, lesson, told) in [
        (&GOOD, "e-yaml", "ok"),
        (&BAD, "e-yaml", "failed: it is bad"),
        (&GOOD, "e-flag", "failed: it holds now; take the mark"),
        (
            &BAD,
            "e-flag",
            "ignored: broken, as is known: nobody is perfect",
        ),
    ] {
        let lesson = ladder.find(lesson)?;
        let kept = Kept {
            ladder,
            lesson,
            promise,
        };
        let ended = kept.completion(kept.keep(Some("/bin/true".into())));
        let ended = match ended {
            Ok(Completion::Completed) => "ok".to_owned(),
            Ok(Completion::Ignored { reason }) => {
                format!("ignored: {}", reason.unwrap_or_default())
            }
            Err(failed) => format!("failed: {}", failed.message().unwrap_or_default()),
        };
        ensure!(
            ended.starts_with(told),
            "at {}: {ended}, not {told}",
            lesson.name
        );
    }
    Ok(())
}

/// What is tried without being asked for, and what when a lesson is named.
fn usual(ladder: &'static Ladder) -> anyhow::Result<()> {
    for kept in trial::all(ladder) {
        let (lesson, usual) = (kept.lesson.name, kept.is_usual());
        let new = kept.promise.since == lesson || kept.promise.name.starts_with("its_readme");
        let expected = match lesson {
            LESSON => new,
            _ => new || ladder.is_end(kept.lesson),
        };
        ensure!(
            usual == expected,
            "{lesson}::{}: {usual}",
            kept.promise.name
        );
        for (filter, names_it) in [
            (lesson, true),
            (&format!("{lesson}::its"), true),
            ("e-", false),
            (kept.promise.name, false),
        ] {
            ensure!(kept.is_of(filter) == names_it, "{filter} at {lesson}");
        }
    }
    Ok(())
}

/// The program lies somewhere under another name, and nothing is built. What asks about more
/// than a program is told to have been left out.
fn any_program(_: &'static Ladder) -> anyhow::Result<()> {
    let folder = tempfile::TempDir::new()?;
    let copy = folder.path().join("somebody's own");
    std::fs::copy(program(LESSON)?, &copy)?;
    let mut suite = Command::new(std::env::current_exe()?);
    suite.arg("--program").arg(&copy).args(["--as", LESSON]);
    // It builds nothing, and so needs no cargo.
    let tried = suite
        .env("CARGO", "/bin/false")
        .output()
        .context("the suite")?;
    let said = String::from_utf8(tried.stdout)?;
    let lines = |end: &str| said.lines().filter(|line| line.ends_with(end)).count();
    ensure!(tried.status.success() && lines(" ok") > 10, "{said}");
    let left_out: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("ignored"))
        .collect();
    let readme = left_out.first().context("all is tried")?;
    ensure!(
        readme.contains("its_readme") && readme.contains("a program alone"),
        "{said}"
    );
    Ok(())
}

/// That they are noticed takes long to see, and is seen by `cargo lesson mutants`.
fn mutants_fit(ladder: &'static Ladder) -> anyhow::Result<()> {
    for mutant in Mutants::read(&ladder.root)?.mutant {
        let promise = ALL.iter().find(|promise| promise.name == mutant.breaks);
        let promise = promise
            .with_context(|| format!("{}: there is no promise {}", mutant.name, mutant.breaks))?;
        let lesson = mutant.lesson(ladder, |lesson| promise.is_kept_by(ladder, lesson))?;
        mutant.edited(&ladder.folder(lesson))?;
    }
    Ok(())
}

fn mutants_suffice(ladder: &'static Ladder) -> anyhow::Result<()> {
    let Mutants { mutant, without } = Mutants::read(&ladder.root)?;
    for Promise { name, .. } in ALL {
        let broken = mutant.iter().any(|mutant| mutant.breaks == *name);
        let excused = without.iter().any(|without| without.promise == *name);
        ensure!(
            broken || excused,
            "nothing breaks {name}, and no reason says why"
        );
        ensure!(
            !broken || !excused,
            "{name} has a mutant, take its reason away"
        );
    }
    for Without { promise, .. } in without {
        let there = ALL.iter().any(|it| it.name == promise);
        ensure!(there, "there is no promise {promise}");
    }
    Ok(())
}
