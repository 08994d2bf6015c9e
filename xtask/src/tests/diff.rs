//! `cargo lesson diff`, and the pages made of it.

use super::Copy;
use super::files;
use super::real;
use crate::diff::patch;
use crate::folder::read;
use crate::git::plain;
use crate::git::run;
use crate::page::page;
use ladder::Ladder;
use ladder::Lesson;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// Applies the step's patch to a copy of the one lesson; it has to be the other then.
fn proves(ladder: &Ladder, from: Option<&Lesson>, to: &Lesson) -> anyhow::Result<()> {
    let scratch = TempDir::new()?;
    let (made, wanted) = (scratch.path().join("made"), scratch.path().join("wanted"));
    for (folder, lesson) in [(&made, from), (&wanted, Some(to))] {
        std::fs::create_dir(folder)?;
        let files = lesson.map_or(Ok(Vec::new()), |lesson| read(ladder, lesson))?;
        files.iter().try_for_each(|file| file.write(folder))?;
    }
    apply(&made, &patch(ladder, from, to)?)?;
    assert_eq!(files(&made)?, files(&wanted)?, "{}", to.name);
    Ok(())
}

fn apply(folder: &Path, patch: &[u8]) -> anyhow::Result<()> {
    let mut git = plain(folder);
    git.arg("apply");
    run(git, patch, &[0]).map(drop)
}

#[test]
fn the_patch_of_every_real_step_makes_the_next_lesson() -> anyhow::Result<()> {
    let ladder = real()?;
    let mut steps = ladder.lessons.iter();
    steps.try_for_each(|to| proves(&ladder, ladder.before(to), to))
}

#[test]
fn a_patch_may_skip_lessons_and_go_back() -> anyhow::Result<()> {
    let ladder = real()?;
    let (first, last) = (ladder.find("e-yaml")?, ladder.newest()?);
    proves(&ladder, Some(first), last)?;
    proves(&ladder, Some(last), first)
}

/// e-one and e-two with all that a file can be.
fn odd() -> anyhow::Result<Copy> {
    let copy = Copy::small()?;
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n";
    copy.write("e-one/changed.rs", "e_one\na")?;
    copy.write("e-two/changed.rs", "e_two\nb")?;
    copy.write("e-one/crlf.txt", "a\r\nb\r\n")?;
    copy.write("e-two/crlf.txt", "a\r\nc\r\n")?;
    copy.write("e-one/image", [0, 1, 2, 255])?;
    copy.write("e-two/image", [0, 1, 3, 254, 10])?;
    copy.write("e-two/new image", [0, 10, 0])?;
    copy.write("e-one/old [name].rs", text)?;
    copy.write("e-two/a new\tname é.rs", format!("{text}9\n"))?;
    copy.write("e-one/gone/deep/file", "x\n")?;
    copy.write("e-two/empty", "")?;
    copy.write("e-two/end", "no line feed")?;
    copy.write("e-one/run", "#!\n")?;
    copy.write("e-two/run", "#!\n")?;
    copy.write("e-two/fence.md", "````\ndiff --git a/x b/x\n````\n")?;
    std::fs::set_permissions(copy.path("e-two/run"), PermissionsExt::from_mode(0o755))?;
    symlink("changed.rs", copy.path("e-one/link"))?;
    symlink("run", copy.path("e-two/link"))?;
    Ok(copy)
}

#[test]
fn a_patch_knows_all_that_a_file_can_be() -> anyhow::Result<()> {
    let copy = odd()?;
    let [one, two, _] = copy.ladder.lessons else {
        anyhow::bail!("there are three");
    };
    let text = patch(&copy.ladder, Some(one), two)?;
    assert!(String::from_utf8_lossy(&text).contains("\nrename from old [name].rs\n"));
    proves(&copy.ladder, None, one)?;
    proves(&copy.ladder, Some(one), two)?;
    proves(&copy.ladder, Some(two), one)
}

#[test]
fn wiring_comes_first_and_new_files_last() -> anyhow::Result<()> {
    let ladder = real()?;
    let (from, to) = (ladder.find("e-http")?, ladder.find("e-grpc")?);
    let patch = patch(&ladder, Some(from), to)?;
    let patch = String::from_utf8(patch)?;
    let heads = patch
        .lines()
        .filter_map(|line| line.strip_prefix("diff --git "));
    let paths: Vec<&str> = heads.filter_map(|head| head.rsplit(" b/").next()).collect();
    let at = |path: &str| paths.iter().position(|it| it.ends_with(path));
    assert_eq!(at("Cargo.toml"), Some(0));
    for pair in [
        "Dockerfile",
        "src/main.rs",
        "src/lib.rs",
        "src/flag.rs",
        "build.rs",
        "src/grpc.rs",
        "README.md",
    ]
    .windows(2)
    {
        assert!(at(pair[0]) < at(pair[1]), "{pair:?} in {paths:?}");
    }
    Ok(())
}

#[test]
fn a_page_is_whole_whatever_files_hold() -> anyhow::Result<()> {
    let copy = odd()?;
    let [one, two, _] = copy.ladder.lessons else {
        anyhow::bail!("there are three");
    };
    let (before, after) = (read(&copy.ladder, one)?, read(&copy.ladder, two)?);
    let page = page(Some(one), &before, two, &after)?;
    for line in [
        "| [a new\tname é.rs](#a-newname-é.rs) | was `old [name].rs` | 1 | 0 |",
        "`````diff",
        "+````",
        "Binary files e-one/image and e-two/image differ",
        "\\ No newline at end of file",
        " e_two",
        "old mode 100644",
        "| [gone/deep/file](#gonedeepfile) | gone | 0 | 1 |",
    ] {
        let line = line.replace("é.rs)", "érs)");
        assert!(page.lines().any(|it| it == line), "no {line} in {page}");
    }
    assert_eq!(page.matches("\n## ").count(), page.matches("](#").count());
    Ok(())
}
