//! `cargo lesson why`.

use super::Copy;
use super::printed;
use super::real;
use crate::why::why;
use anyhow::Context;
use ladder::Ladder;

/// What is told of the first line of a file that has a text.
fn told(ladder: &Ladder, file: &str, text: &str) -> anyhow::Result<String> {
    let lines = std::fs::read_to_string(ladder.root.join(file))?;
    let line = lines.lines().position(|line| line.contains(text));
    let line = line.with_context(|| format!("{file} has no {text}"))? + 1;
    let ((), told) = printed(|out| why(ladder, &format!("{file}:{line}"), out))?;
    Ok(told)
}

#[test]
fn the_lines_of_the_last_main_come_from_all_over_the_ladder() -> anyhow::Result<()> {
    let ladder = real()?;
    for (text, lesson) in [
        ("fn main()", "e-docker"),
        ("let store: Arc<dyn Store>", "e-flag"),
        ("StoreKind::Grpc =>", "e-grpc"),
        ("StoreKind::Mysql =>", "e-mysql"),
        ("redis::over", "e-redis"),
        ("conf::load::<Settings>()?", "e-conf"),
        ("use e_redis::http;", "e-http"),
        ("use e_redis::store::Store;", "e-module"),
    ] {
        let told = told(&ladder, "e-redis/src/main.rs", text)?;
        assert!(
            told.contains(&format!("\n{lesson} brought it")),
            "{text}: {told}"
        );
    }
    Ok(())
}

#[test]
fn the_note_on_trust_and_what_was_there_before_are_told() -> anyhow::Result<()> {
    let ladder = real()?;
    let main = "e-redis/src/main.rs";
    let servers = told(&ladder, main, "JoinSet::new()")?;
    assert!(
        servers.contains("on trust: a JoinSet for a single server; paid for by e-grpc"),
        "{servers}"
    );
    let conf = told(&ladder, main, "conf::load::<Settings>()?")?;
    assert!(
        conf.contains("in place of: let settings = Settings::parse();"),
        "{conf}"
    );
    Ok(())
}

#[test]
fn a_line_is_followed_through_a_renamed_file() -> anyhow::Result<()> {
    let copy = Copy::small()?;
    copy.write("e-one/src/e_one.rs", "1\n2\n3\n4\n5\n")?;
    copy.write("e-two/src/e_two.rs", "0\n1\n2\n3\n4\n5\n")?;
    copy.write("e-three/src/other.rs", "0\n1\n2\n3\n4\n5\n6")?;
    let told = told(&copy.ladder, "e-three/src/other.rs", "3")?;
    assert!(
        told.contains("e-one brought it") && told.contains("as e-one/src/e_one.rs:3"),
        "{told}"
    );
    Ok(())
}

#[test]
fn what_has_no_origin_is_told_in_a_line() -> anyhow::Result<()> {
    let ladder = real()?;
    for (place, told) in [
        ("e-http/src/http.rs", "names no line"),
        ("e-http/src/http.rs:99999", "e-http/src/http.rs has "),
        ("e-http/README.md:3", "e-http's own"),
        ("Makefile:1", "no file of a lesson"),
        ("e-http/src/no.rs:1", "no file of a lesson"),
    ] {
        let error = printed(|out| why(&ladder, place, out)).map(drop);
        let error = error.err().context(place)?.to_string();
        assert!(error.contains(told) && !error.contains('\n'), "{error}");
    }
    Ok(())
}
