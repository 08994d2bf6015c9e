//! `cargo lesson carry`.

use super::Copy;
use super::printed;
use crate::carry::Arguments;
use crate::carry::carry;
use clap::Parser;
use std::process::ExitCode;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn run(copy: &Copy, line: &[&str]) -> anyhow::Result<(bool, String)> {
    let line = Line::try_parse_from([&["carry"], line].concat())?;
    let (code, said) = printed(|out| carry(&copy.ladder, &line.arguments, out))?;
    Ok((code == ExitCode::SUCCESS, said))
}

const TEXT: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

/// Three equal lessons, but for their names.
fn equal() -> anyhow::Result<Copy> {
    let copy = Copy::small()?;
    for (name, krate) in [
        ("e-one", "e_one"),
        ("e-two", "e_two"),
        ("e-three", "e_three"),
    ] {
        copy.write(
            &format!("{name}/src/lib.rs"),
            format!("use {krate}::x;\n{TEXT}"),
        )?;
        copy.write(&format!("{name}/{name}.sh"), "#!\n")?;
        copy.write(&format!("{name}/README.md"), format!("# {name}\n"))?;
    }
    copy.commit()?;
    Ok(copy)
}

/// A real fix, made in the lesson that begins with the file, reaches the last one.
#[test]
fn a_fix_in_e_http_reaches_the_end_of_the_real_ladder() -> anyhow::Result<()> {
    let copy = Copy::real()?;
    let constant = "const MORE: usize";
    let problem = copy.read("e-http/src/http/problem.rs")?;
    let (line, _) = problem.split_once("use ").unwrap_or_default();
    copy.edit(
        "e-http/src/http/problem.rs",
        line,
        &format!("{line}// {constant}\n"),
    )?;
    copy.edit(
        "e-http/Dockerfile",
        "FROM scratch",
        "# e-http alone.\nFROM scratch",
    )?;
    copy.write("e-http/src/http/e_http.rs", "//! e_http\n")?;
    copy.edit("e-http/README.md", "#", "##")?;
    let (done, said) = run(&copy, &["http"])?;
    assert!(done, "{said}");
    for name in ["e-grpc", "e-conf", "e-mysql", "e-redis", "e-pool"] {
        let krate = name.replace('-', "_");
        let problem = copy.read(&format!("{name}/src/http/problem.rs"))?;
        assert!(problem.contains(&format!("// {constant}\n")), "{name}");
        let image = copy.read(&format!("{name}/Dockerfile"))?;
        assert!(
            image.contains(&format!("# {name} alone.\nFROM scratch")),
            "{name}"
        );
        let new = copy.read(&format!("{name}/src/http/{krate}.rs"))?;
        assert_eq!(new, format!("//! {krate}\n"));
        assert!(
            said.contains(&format!("{name}/src/http/problem.rs: changed")),
            "{said}"
        );
        assert!(
            !copy.read(&format!("{name}/README.md"))?.starts_with("##"),
            "{name}"
        );
    }
    // Once more, there is nothing left to do.
    let (done, said) = run(&copy, &["http"])?;
    assert!(
        done && !said.contains("changed") && said.contains("is so already"),
        "{said}"
    );
    Ok(())
}

#[test]
fn new_deleted_renamed_binary_files_and_modes_are_carried() -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let copy = equal()?;
    copy.write("e-one/image", [0, 1])?;
    copy.write("e-one/crlf", "e-one\r\nlast")?;
    std::fs::rename(
        copy.path("e-one/src/lib.rs"),
        copy.path("e-one/src/e_one.rs"),
    )?;
    std::fs::set_permissions(
        copy.path("e-one/e-one.sh"),
        PermissionsExt::from_mode(0o755),
    )?;
    let (done, said) = run(&copy, &["e-one"])?;
    assert!(done, "{said}");
    assert_eq!(std::fs::read(copy.path("e-three/image"))?, [0, 1]);
    assert_eq!(copy.read("e-three/crlf")?, "e-three\r\nlast");
    assert!(!copy.path("e-two/src/lib.rs").exists());
    assert_eq!(
        copy.read("e-three/src/e_three.rs")?,
        format!("use e_three::x;\n{TEXT}")
    );
    let mode = copy
        .path("e-three/e-three.sh")
        .metadata()?
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    copy.commit()?;

    std::fs::remove_file(copy.path("e-one/image"))?;
    let (done, said) = run(&copy, &["e-one"])?;
    assert!(done && said.contains("e-three/image: deleted"), "{said}");
    assert!(!copy.path("e-three/image").exists());
    Ok(())
}

#[test]
fn a_conflict_is_marked_told_and_resolved_once() -> anyhow::Result<()> {
    let copy = equal()?;
    for name in ["e-two", "e-three"] {
        copy.edit(&format!("{name}/src/lib.rs"), "four", "4")?;
    }
    copy.commit()?;
    copy.edit("e-one/src/lib.rs", "four", "FOUR")?;
    let (done, said) = run(&copy, &["e-one", "--check"])?;
    assert!(
        !done && said.contains("e-two/src/lib.rs:5: conflict"),
        "{said}"
    );
    assert!(copy.read("e-two/src/lib.rs")?.contains("three\n4\nfive"));

    let (done, said) = run(&copy, &["e-one"])?;
    assert!(
        !done && said.contains("e-two/src/lib.rs:5: conflict"),
        "{said}"
    );
    assert!(
        said.contains("e-three/src/lib.rs: waits for e-two"),
        "{said}"
    );
    let marked = "three\n<<<<<<< e-two\n4\n=======\nFOUR\n>>>>>>> e-one\nfive";
    assert!(copy.read("e-two/src/lib.rs")?.contains(marked));

    let unresolved = run(&copy, &["e-two"]).err().map(|error| error.to_string());
    assert!(unresolved.is_some_and(|told| told.starts_with("e-two/src/lib.rs:5: there are marks")));

    copy.edit("e-two/src/lib.rs", marked, "three\nFOUR and 4\nfive")?;
    let (done, said) = run(&copy, &["e-two"])?;
    assert!(done, "{said}");
    assert!(
        copy.read("e-three/src/lib.rs")?
            .contains("three\nFOUR and 4\nfive")
    );
    Ok(())
}

#[test]
fn binary_files_that_differ_are_left_to_a_person() -> anyhow::Result<()> {
    let copy = equal()?;
    for (name, byte) in [("e-one", 1), ("e-two", 2), ("e-three", 1)] {
        copy.write(&format!("{name}/image"), [0, byte])?;
    }
    copy.commit()?;
    copy.write("e-one/image", [0, 3])?;
    let (done, said) = run(&copy, &["e-one"])?;
    assert!(
        !done && said.contains("e-two/image:1: conflict, it differs"),
        "{said}"
    );
    assert_eq!(std::fs::read(copy.path("e-two/image"))?, [0, 2]);
    assert_eq!(std::fs::read(copy.path("e-three/image"))?, [0, 3]);
    Ok(())
}

#[test]
fn uncommitted_work_is_not_touched_unless_told() -> anyhow::Result<()> {
    let copy = equal()?;
    copy.edit("e-one/src/lib.rs", "two", "TWO")?;
    copy.edit("e-two/src/lib.rs", "six", "SIX")?;
    let (done, said) = run(&copy, &["e-one"])?;
    let told = "e-two/src/lib.rs: e-two has uncommitted work of its own; commit it, or add --force";
    assert!(!done && said.contains(told), "{said}");
    assert!(!copy.read("e-two/src/lib.rs")?.contains("TWO"));
    assert!(copy.read("e-three/src/lib.rs")?.contains("TWO"));
    let (done, said) = run(&copy, &["e-one", "--force"])?;
    let text = copy.read("e-two/src/lib.rs")?;
    assert!(
        done && text.contains("TWO") && text.contains("SIX"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_committed_change_is_carried_from_its_base() -> anyhow::Result<()> {
    let copy = equal()?;
    copy.edit("e-one/src/lib.rs", "two", "TWO")?;
    copy.commit()?;
    let (done, said) = run(&copy, &["e-one"])?;
    assert!(done && said.contains("nothing to carry"), "{said}");
    let (done, said) = run(&copy, &["e-one", "--base", "HEAD~1"])?;
    assert!(done, "{said}");
    assert!(copy.read("e-three/src/lib.rs")?.contains("TWO"));
    assert!(run(&copy, &["e-one", "--base", "nowhere"]).is_err());
    Ok(())
}

/// Down every branch; what one branch has made of it is no matter of the other's.
#[test]
fn a_change_goes_down_every_branch() -> anyhow::Result<()> {
    let copy = Copy::forked()?;
    for name in ["e-one", "e-two", "e-three", "e-aside"] {
        copy.write(&format!("{name}/src/lib.rs"), TEXT)?;
    }
    copy.edit("e-three/src/lib.rs", "four", "4")?;
    copy.commit()?;
    copy.edit("e-one/src/lib.rs", "four", "FOUR")?;
    let (done, said) = run(&copy, &["e-one"])?;
    let told = "e-three/src/lib.rs:4: conflict; resolve it, then type: cargo lesson carry e-three";
    assert!(!done && said.contains(told), "{said}");
    for name in ["e-two", "e-aside"] {
        assert!(
            copy.read(&format!("{name}/src/lib.rs"))?.contains("FOUR"),
            "{said}"
        );
    }
    Ok(())
}

/// A lesson inserted in the middle and not committed yet: its change is what it has beyond
/// the lesson that it was copied from.
#[test]
fn an_inserted_lesson_brings_its_files_to_all_that_follow() -> anyhow::Result<()> {
    let copy = Copy::forked()?;
    for name in ["e-one", "e-two", "e-three", "e-aside"] {
        let krate = name.replace('-', "_");
        copy.write(
            &format!("{name}/src/lib.rs"),
            format!("use {krate}::x;\n{TEXT}"),
        )?;
    }
    copy.edit("e-aside/src/lib.rs", "seven", "7")?;
    copy.commit()?;
    let made = super::new::make(&copy, &["e-new", "--after", "e-one", "--before", "e-two"])?;
    let copy = Copy {
        ladder: made,
        ..copy
    };
    copy.write("e-new/src/new.rs", "use e_new::y;\n")?;
    copy.edit("e-new/src/lib.rs", "seven", "seven\nmod new;")?;
    let (done, said) = run(&copy, &["new"])?;
    for name in ["e-two", "e-three", "e-aside"] {
        let krate = name.replace('-', "_");
        assert_eq!(
            copy.read(&format!("{name}/src/new.rs"))?,
            format!("use {krate}::y;\n")
        );
    }
    assert!(
        copy.read("e-three/src/lib.rs")?
            .contains("seven\nmod new;\n"),
        "{said}"
    );
    let told = "; resolve it, then type: cargo lesson carry e-aside";
    assert!(
        !done && said.contains("e-aside/src/lib.rs:8: conflict") && said.contains(told),
        "{said}"
    );
    Ok(())
}
