//! The program itself: where it finds the ladder, and how it ends.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

/// The tool in a folder, as if it had not been started by cargo.
fn tool(folder: &Path, arguments: &[&str]) -> Command {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_xtask"));
    tool.current_dir(folder).args(arguments);
    tool.env_remove("CARGO_MANIFEST_DIR").stdin(Stdio::null());
    tool
}

fn run(folder: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    tool(folder, arguments).output()
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn it_finds_the_ladder_from_any_folder_below() -> std::io::Result<()> {
    let listed = run(&package().join("src"), &[])?;
    assert!(listed.status.success());
    assert_eq!(listed.stdout, run(package(), &["list"])?.stdout);

    // Of two copies that share this program, the one around the current folder counts.
    let other = tempfile::TempDir::new()?;
    let inside = other.path().join("ladder/src");
    std::fs::create_dir_all(&inside)?;
    let table = "[[lesson]]\nname = \"e-one\"\nconcern = \"\"\noutcome = \"\"\ncommand = \"\"\n";
    std::fs::write(other.path().join("ladder/lessons.toml"), table)?;
    let listed = run(&inside, &["list", "--json"])?;
    let rows: serde_json::Value = serde_json::from_slice(&listed.stdout)?;
    assert_eq!(
        (&rows[0]["name"], &rows[0]["added"]),
        (&"e-one".into(), &0.into())
    );
    Ok(())
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() -> std::io::Result<()> {
    for arguments in [
        &["diff", "e-http"][..],
        &["list", "--json"],
        &["diff", "e-http", "--stat"],
    ] {
        let mut tool = tool(package(), arguments);
        let mut child = tool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::with_capacity(1, stdout).read_line(&mut line)?;
        }
        let ended = child.wait_with_output()?;
        assert!(
            !line.is_empty() && ended.status.success(),
            "{arguments:?} {ended:?}"
        );
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    }
    Ok(())
}

#[test]
fn an_error_is_one_line_that_says_what_to_do() -> std::io::Result<()> {
    let nowhere = tempfile::TempDir::new()?;
    let outside = run(nowhere.path(), &["list"])?;
    let unknown = run(package(), &["diff", "htp"])?;
    let without_git = tool(package(), &["list"])
        .env("PATH", nowhere.path())
        .output()?;
    for (output, told) in [
        (
            outside,
            "this folder is not inside a copy of the ladder; change into one",
        ),
        (unknown, "there is no lesson htp; did you mean e-http?"),
        (
            without_git,
            "git is missing; install it with your package manager",
        ),
    ] {
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            format!("error: {told}\n")
        );
    }
    Ok(())
}
