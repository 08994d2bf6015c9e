//! `cargo lesson list`, and how lessons are found.

use super::Copy;
use super::printed;
use super::real;
use crate::list::list;
use crate::list::tree;
use crate::step::Status;
use crate::step::steps;
use anyhow::Context;

#[test]
fn the_real_ladder_is_listed() -> anyhow::Result<()> {
    let ladder = real()?;
    let ((), table) = printed(|out| list(&ladder, false, out))?;
    let names: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|it| it.split_whitespace().find(|word| word.starts_with("e-")))
        .collect();
    let lessons: Vec<&str> = tree(&ladder)
        .iter()
        .map(|(_, lesson)| lesson.name)
        .collect();
    assert_eq!(names, lessons);

    let ((), json) = printed(|out| list(&ladder, true, out))?;
    let rows: serde_json::Value = serde_json::from_str(&json)?;
    for (row, step) in rows.as_array().into_iter().flatten().zip(steps(&ladder)?) {
        assert_eq!(row["name"], step.lesson.name);
        assert_eq!(row["removed"], step.removed());
        let purity = row["purity"].as_f64().unwrap_or_default();
        assert!((purity - step.purity()).abs() < 1e-9);
    }
    Ok(())
}

/// The lesson's own name, prose, locks, links and binary files count for nothing.
#[test]
fn only_what_counts_is_counted() -> anyhow::Result<()> {
    let copy = Copy::small()?;
    copy.write(
        "e-one/src/lib.rs",
        "use e_one::a;\nuse b;\nuse c;\nuse d;\n",
    )?;
    copy.write(
        "e-two/src/lib.rs",
        "use e_two::a;\nuse b;\nuse x;\nuse d;\nuse e;",
    )?;
    copy.write("e-one/e-one.txt", "the same\n")?;
    copy.write("e-two/e-two.txt", "the same\n")?;
    for (path, content) in [
        ("README.md", "a\n"),
        ("DIFF.md", "b\n"),
        ("x.lock", "c\n"),
        ("z", "\0\n"),
    ] {
        copy.write(&format!("e-two/{path}"), content)?;
    }
    copy.write(".gitignore", "*.yaml\n")?;
    copy.write("e-two/users.yaml", "mine\n")?;
    let steps = steps(&copy.ladder)?;
    let counts: Vec<_> = steps
        .iter()
        .map(|it| (it.before.all, it.added(), it.removed()))
        .collect();
    // e-three has nothing of what e-two had.
    assert_eq!(counts, [(0, 5, 0), (5, 2, 1), (6, 0, 6)]);
    Ok(())
}

#[test]
fn a_renamed_file_is_no_new_one() -> anyhow::Result<()> {
    let copy = Copy::small()?;
    copy.write("e-one/src/a.rs", "1\n2\n3\n4\n")?;
    copy.write("e-two/src/b.rs", "1\n2\n3\n4\n5\n")?;
    let steps = steps(&copy.ladder)?;
    let step = &steps[1];
    assert_eq!((step.added(), step.removed()), (1, 0));
    assert_eq!(
        step.changes[0].status,
        Status::Renamed("src/a.rs".to_owned())
    );
    assert_eq!(step.adds().count(), 0);
    Ok(())
}

/// A side lesson is drawn below the one that it follows, and measured against it.
#[test]
fn a_fork_is_drawn_and_measured_as_a_tree() -> anyhow::Result<()> {
    let copy = Copy::forked()?;
    for (name, text) in [
        ("one", "1\n"),
        ("two", "1\n2\n"),
        ("aside", "1\n2\nx\n"),
        ("three", "1\n2\n3\n4\n"),
    ] {
        copy.write(&format!("e-{name}/src/lib.rs"), text)?;
    }
    copy.write("e-three/tests/it.rs", "t\n")?;
    let drawn = tree(&copy.ladder);
    let drawn: Vec<String> = drawn
        .iter()
        .map(|(lead, it)| format!("{lead}{}", it.name))
        .collect();
    assert_eq!(drawn, ["e-one", "e-two", "├─ e-aside", "e-three"]);
    let steps = steps(&copy.ladder)?;
    let counts = steps
        .iter()
        .map(|it| (it.lesson.name, it.before.all, it.added(), it.source()));
    let counts: Vec<_> = counts.collect();
    assert_eq!(
        counts,
        [
            ("e-one", 0, 1, 1),
            ("e-two", 1, 1, 1),
            ("e-three", 2, 3, 2),
            ("e-aside", 2, 1, 1)
        ]
    );
    Ok(())
}

/// The bulk of tests would hide that the program was rewritten.
#[test]
fn purity_is_that_of_the_program() -> anyhow::Result<()> {
    let copy = Copy::small()?;
    copy.write("e-one/src/lib.rs", "1\n2\n")?;
    copy.write("e-one/tests/it.rs", "a\n".repeat(8))?;
    copy.write("e-two/src/lib.rs", "1\n3\n")?;
    copy.write("e-two/tests/it.rs", "a\n".repeat(8))?;
    let steps = steps(&copy.ladder)?;
    let step = steps.get(1).context("there are three")?;
    assert_eq!((step.purity(), step.purity_of_all()), (0.5, 0.9));
    Ok(())
}
