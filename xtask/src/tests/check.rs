//! `cargo lesson check`: each of its complaints on a copy of the real ladder, with one thing
//! broken.

use super::Copy;
use super::printed;
use crate::check::check;
use ladder::Exception;
use std::process::ExitCode;

fn said(copy: &Copy, fix: bool) -> anyhow::Result<(bool, String)> {
    let (code, said) = printed(|out| check(&copy.ladder, fix, out))?;
    Ok((code == ExitCode::SUCCESS, said))
}

#[test]
fn each_thing_that_is_wrong_is_told_with_its_place() -> anyhow::Result<()> {
    let copy = Copy::real()?;
    let (right, complaints) = said(&copy, false)?;
    assert!(right, "{complaints}");
    let wrongs = [
        ("e-http/src/http.rs", "//!", "//! e-http", "e-http/DIFF.md:"),
        (
            "e-flag/DIFF.md",
            "+clap",
            "+clap2",
            "e-flag/DIFF.md:…: it is generated",
        ),
        (
            "e-http/README.md",
            " lines added",
            "9 lines added",
            "e-http/README.md:…: it is generated",
        ),
        (
            "README.md",
            "| HTTP and JSON | ",
            "| HTTP and JSON | 9",
            "README.md:…: it is generated",
        ),
        (
            "README.md",
            "](e-http/README.md)",
            "](e-htp/README.md)",
            ": there is no e-htp/README.md",
        ),
        (
            "CONTRIBUTING.md",
            "# Contributing",
            "# [x](no.md)",
            "CONTRIBUTING.md:1: there is no no.md",
        ),
        (
            "CONTRIBUTING.md",
            "## Tests",
            "## [x](README.md#no)",
            "README.md has no heading #no",
        ),
        (
            "e-http/README.md",
            "## The cure",
            "## Cure",
            "e-http/README.md:…: section 4 is The cure",
        ),
        (
            "e-http/README.md",
            "`git apply tests/exercises/e-http.patch`",
            "`git apply`",
            "Build it does not name the command git apply tests/exercises/e-http.patch",
        ),
        (
            "tests/exercises/e-http.patch",
            "+++ b/e-http/tests/exercise.rs",
            "+++ b/e-http/tests/other.rs",
            "tests/exercises/e-http.patch:1: it does not bring e-http/tests/exercise.rs",
        ),
        (
            "tests/exercises/e-http.patch",
            "+++ b/e-http/src/http.rs",
            "+++ b/README.md",
            "tests/exercises/e-http.patch:1: it touches README.md",
        ),
        (
            "e-http/src/http.rs",
            "async fn update(",
            "async fn updates(",
            "tests/exercises/e-http.patch:1: it does not fit the lesson",
        ),
        (
            "e-http/README.md",
            "  client ─▶",
            "  client                    ─▶",
            "e-http/README.md:…: a picture is wider than 66 columns",
        ),
        (
            "README.md",
            "| `stop_on_signal` |",
            "| `stop_at_signal` |",
            "README.md:…: e-docker/src/main.rs has no stop_at_signal",
        ),
        (
            "e-http/README.md",
            "`src/http/fields.rs`, `Fields`",
            "`src/fields.rs`",
            "e-http/README.md:…: e-http has no src/fields.rs",
        ),
        (
            "e-http/README.md",
            "`routes`:",
            "`router`:",
            "src/http.rs has no router",
        ),
        (
            "e-http/README.md",
            "| a `JoinSet`",
            "| a `JoinSets`",
            "e-http has no JoinSets",
        ),
        (
            "e-http/README.md",
            "| e-grpc, which adds a second",
            "| e-grcp",
            "e-grcp is no later lesson",
        ),
        (
            "e-http/README.md",
            "curl -sSi -d name=gopher -d sex=0 http://127.0.0.1:8080/users\n",
            "curl\n",
            "The pain does not show the one command",
        ),
        (
            "e-yaml/README.md",
            "\"0.10.7\"",
            "\"0.10.6\"",
            "e-yaml has no such lines",
        ),
        (
            "e-module/README.md",
            "let name = e_module::user::Name(String::new());",
            "let it;",
            "e-module has no such lines",
        ),
        (
            "e-http/README.md",
            "## How it works",
            "axum 0.7\n\n## How it works",
            "axum is 0.8",
        ),
        ("README.md", "Rust (1.95", "Rust (1.90", "Rust is 1.95"),
        (
            "e-http/Dockerfile",
            "rust:1.95",
            "rust:1.94",
            "e-http/Dockerfile:…: Rust is 1.95",
        ),
        (
            ".github/workflows/ci.yml",
            "MySQL 8.4",
            "MySQL 8.3",
            "MySQL is 8.4 here",
        ),
        (
            "README.md",
            "why e-pool/src/main.rs:",
            "why e-pool/src/main.rs:9999",
            "and no line to ask about",
        ),
        (
            "e-flag/README.md",
            "`a_missing_folder_is_named`",
            "`a_missing_folder_is_told`",
            "there is no test a_missing_folder_is_told",
        ),
        (
            "e-redis/src/user.rs",
            "\nuse ",
            "\nuse crate::store;\nuse ",
            "e-redis/src/…: modules point in a circle",
        ),
        (
            "compose.yaml",
            "127.0.0.1:16379",
            "127.0.0.1:16378",
            "the service listens on 127.0.0.1:16379",
        ),
        (
            "e-mysql/configs/mysql.yaml",
            "13306",
            "13307",
            "e-mysql/configs/mysql.yaml:2:",
        ),
        (
            "e-redis/Dockerfile",
            "EXPOSE 50051\n",
            "",
            "does not expose the port of configs/grpc.yaml",
        ),
    ];
    for (file, old, new, _) in wrongs {
        copy.edit(file, old, new)?;
    }
    let (right, complaints) = said(&copy, false)?;
    assert!(!right);
    for (_, _, new, told) in wrongs {
        let (place, what) = told.split_once('…').unwrap_or(("", told));
        let is_told = |line: &str| line.starts_with(place) && line.contains(what);
        assert!(
            complaints.lines().any(is_told),
            "{new}: no {told} in {complaints}"
        );
    }
    Ok(())
}

#[test]
fn what_is_generated_is_written_by_fix_and_nothing_else_is() -> anyhow::Result<()> {
    let copy = Copy::real()?;
    std::fs::remove_file(copy.path("e-docker/DIFF.md"))?;
    copy.edit("e-mysql/README.md", " lines added", "9 lines added")?;
    copy.edit("README.md", "containers", "boxes")?;
    let (right, fixed) = said(&copy, true)?;
    assert!(right, "{fixed}");
    for file in ["e-docker/DIFF.md", "e-mysql/README.md", "README.md"] {
        assert!(fixed.contains(&format!("{file}: written")), "{fixed}");
    }
    assert_eq!(fixed.matches(": written").count(), 3);
    copy.git(&["diff", "--exit-code", "--quiet"])
}

#[test]
fn an_impure_step_is_told() -> anyhow::Result<()> {
    let copy = Copy::real()?;
    for path in ["http.rs", "grpc.rs", "yaml.rs", "http/fields.rs"] {
        let path = format!("e-redis/src/{path}");
        let narrow = copy.read(&path)?.replace("    ", "  ");
        copy.write(&path, narrow)?;
    }
    std::fs::remove_file(copy.path("e-redis/src/redis/link.rs"))?;
    let (right, complaints) = said(&copy, false)?;
    assert!(
        !right && complaints.contains(":1: keeps 0."),
        "{complaints}"
    );
    assert!(
        complaints.contains("e-redis/src/redis:1: e-redis promises to add it"),
        "{complaints}"
    );
    Ok(())
}

#[test]
fn a_red_test_is_cured_where_it_says_and_never_lost() -> anyhow::Result<()> {
    let copy = Copy::real()?;
    let test = |ignored: &str, name: &str| format!("#[test]\n{ignored}\nfn {name}() {{}}\n");
    let until = |lesson: &str| format!("#[ignore = \"{lesson}: all is well\"]");
    for (lesson, a, b, c, last) in [
        (
            "e-limit",
            until("e-drain"),
            until("e-nowhere"),
            "#[ignore]",
            "c",
        ),
        ("e-drain", until("e-drain"), until("e-k8s"), "", "c"),
        ("e-pool", until("e-drain"), String::new(), "", "d"),
    ] {
        let text = test(&a, "a") + &test(&b, "b") + &test(c, last);
        copy.write(&format!("{lesson}/tests/x.rs"), text)?;
    }
    let (right, complaints) = said(&copy, false)?;
    assert!(!right);
    for told in [
        "e-limit/tests/x.rs:6: the test b is ignored until e-nowhere, and there is no such lesson",
        "e-limit/tests/x.rs:9: the test c is ignored without a reason",
        "e-drain/tests/x.rs:3: the test a is ignored until e-drain, which has come",
        "e-pool/tests/x.rs:3: the test a is ignored until e-drain, which has come",
        "e-pool/tests/x.rs:1: the test c of e-drain is gone",
    ] {
        assert!(complaints.contains(told), "no {told} in {complaints}");
    }
    let all = [
        "e-limit/tests/x.rs",
        "e-drain/tests/x.rs",
        "e-pool/tests/x.rs",
    ];
    let all = all.map(|file| complaints.matches(&format!("{file}:")).count());
    assert_eq!(all, [2, 1, 2], "{complaints}");
    Ok(())
}

/// What an exception allows is no problem, and an exception that nothing needs is one.
#[test]
fn exceptions_are_needed_or_go() -> anyhow::Result<()> {
    let mut copy = Copy::real()?;
    let exception = |rule: &str, of: &str| Exception {
        rule: rule.to_owned(),
        of: vec![of.to_owned()],
        until: "it is done".to_owned(),
    };
    copy.write("e-flag/src/long.rs", "// long\n".repeat(500))?;
    copy.ladder.exceptions.push(exception("purity", "e-yaml"));
    let (_, complaints) = said(&copy, false)?;
    for told in [
        "e-flag/src:1: e-flag adds ",
        " lines under src/, and may add 450",
        "the exception of e-yaml from the rule purity is no longer needed",
    ] {
        assert!(complaints.contains(told), "no {told} in {complaints}");
    }
    copy.ladder.exceptions.push(exception("size", "e-flag"));
    let (_, complaints) = said(&copy, false)?;
    assert!(!complaints.contains("may add 450"), "{complaints}");
    Ok(())
}
