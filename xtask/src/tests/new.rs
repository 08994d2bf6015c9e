//! `cargo lesson new`.

use super::Copy;
use crate::new::Arguments;
use crate::new::new;
use clap::Parser;
use ladder::Ladder;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// The ladder with a new lesson.
pub(super) fn make(copy: &Copy, line: &[&str]) -> anyhow::Result<Ladder> {
    let line = Line::try_parse_from([&["new"], line].concat())?;
    new(&copy.ladder, &line.arguments, &mut Vec::new())?;
    Ladder::read(&copy.ladder.root)
}

#[test]
fn a_lesson_is_inserted_in_the_middle_and_at_the_ends() -> anyhow::Result<()> {
    let copy = Copy::forked()?;
    for name in ["e-one", "e-two", "e-three", "e-aside"] {
        copy.write(&format!("{name}/src/lib.rs"), format!("//! {name}\n"))?;
    }
    let after = |ladder: &Ladder, name| ladder.get(name).and_then(|it| it.after);
    let ladder = make(&copy, &["e-new", "--after", "two", "--before", "three"])?;
    assert_eq!(after(&ladder, "e-new"), Some("e-two"));
    assert_eq!(after(&ladder, "e-three"), Some("e-new"));
    assert_eq!(after(&ladder, "e-aside"), Some("e-two"));
    assert_eq!(copy.read("e-new/src/lib.rs")?, "//! e-new\n");

    let copy = Copy { ladder, ..copy };
    let ladder = make(&copy, &["e-last", "--after", "e-three"])?;
    assert_eq!(ladder.newest()?.name, "e-last");
    let copy = Copy { ladder, ..copy };
    let ladder = make(&copy, &["e-more", "--after", "e-new"])?;
    assert!(ladder.get("e-more").is_some_and(|it| it.side));
    assert_eq!(ladder.newest()?.name, "e-last");
    Ok(())
}

#[test]
fn a_planned_lesson_is_no_longer_planned() -> anyhow::Result<()> {
    for (planned, left) in [
        ("[\"e-new\"]", "[]"),
        ("[\"e-new\", \"e-x\"]", "[\"e-x\"]"),
        ("[\"e-x\", \"e-new\"]", "[\"e-x\"]"),
    ] {
        let copy = Copy::forked()?;
        let table = copy.read(ladder::TABLE)?;
        copy.write(ladder::TABLE, format!("planned = {planned}\n\n{table}"))?;
        let copy = Copy {
            ladder: Ladder::read(&copy.ladder.root)?,
            ..copy
        };
        make(&copy, &["e-new", "--after", "e-three"])?;
        let table = copy.read(ladder::TABLE)?;
        assert!(table.starts_with(&format!("planned = {left}\n")), "{table}");
    }
    Ok(())
}

#[test]
fn a_lesson_that_cannot_be_is_refused_in_a_line() -> anyhow::Result<()> {
    let copy = Copy::forked()?;
    for (line, told) in [
        (
            &["test", "--after", "e-two"][..],
            "test cannot be a lesson's name",
        ),
        (&["e-Test", "--after", "e-two"], "digits, such as e-test"),
        (&["e-two", "--after", "e-one"], "there is an e-two already"),
        (&["e-new", "--after", "e-tw"], "did you mean e-two or"),
        (
            &["e-new", "--after", "e-one", "--before", "e-three"],
            "e-three follows e-two, not e-one",
        ),
    ] {
        let error = make(&copy, line)
            .map(drop)
            .err()
            .map(|error| error.to_string());
        assert!(
            error.as_ref().is_some_and(|it| it.contains(told)),
            "{line:?}: {error:?}"
        );
    }
    assert!(!copy.path("e-new").exists());
    Ok(())
}
