//! `cargo lesson list`, and how lessons are found.

use super::Copy;
use super::printed;
use super::real;
use crate::list::list;
use crate::step::Status;
use crate::step::steps;

#[test]
fn the_real_ladder_is_listed_in_order() -> anyhow::Result<()> {
    let ladder = real()?;
    let ((), table) = printed(|out| list(&ladder, false, out))?;
    let names: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|it| it.split_whitespace().nth(1))
        .collect();
    let lessons: Vec<&str> = ladder.lessons.iter().map(|lesson| lesson.name).collect();
    assert_eq!(names, lessons);

    let ((), json) = printed(|out| list(&ladder, true, out))?;
    let rows: serde_json::Value = serde_json::from_str(&json)?;
    for (row, step) in rows.as_array().into_iter().flatten().zip(steps(&ladder)?) {
        assert_eq!(row["name"], step.lesson.name);
        assert_eq!(row["kept"], step.before - step.removed);
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
        .map(|it| (it.before, it.added, it.removed))
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
    assert_eq!((step.added, step.removed), (1, 0));
    assert_eq!(
        step.changes[0].status,
        Status::Renamed("src/a.rs".to_owned())
    );
    assert_eq!(step.adds().count(), 0);
    Ok(())
}

#[test]
fn a_lesson_is_found_by_its_concern_and_the_nearest_is_told() -> anyhow::Result<()> {
    let ladder = real()?;
    for name in ["e-http", "http", "e-http/"] {
        assert_eq!(ladder.find(name)?.name, "e-http");
    }
    let told = |name| ladder.find(name).err().map(|error| error.to_string());
    let near = "there is no lesson htpp; did you mean e-http?";
    assert_eq!(told("htpp").as_deref(), Some(near));
    assert!(told("zzz").is_some_and(|told| told.contains("there are e-docker, e-module")));
    Ok(())
}
