//! A lesson's program on other ports and stores than its defaults, whichever way the lesson
//! can be told: as a piece of bash, so that commands can be run as READMEs show them.

use crate::Ladder;
use crate::Lesson;
use crate::ports::Ports;
use std::fmt::Write;
use std::path::Path;

/// The lines of bash that run the program with `"$@"`. A variable or a flag that the command
/// itself sets is left alone.
pub fn shim(
    ladder: &Ladder,
    lesson: &Lesson,
    program: &Path,
    ports: &Ports,
    environment: &[(&str, String)],
) -> String {
    let mut script = String::new();
    // Writing to a string does not fail.
    for (name, value) in environment {
        let _ = writeln!(script, "export {name}=${{{name}-'{value}'}}");
    }
    for (flag, value) in ladder.addresses(lesson) {
        let value = ports.own(value);
        let variable = format!("GOMS__{}", flag.to_uppercase().replace('-', "__"));
        let _ = match lesson.has("e-conf") {
            true => writeln!(script, "export {variable}=${{{variable}-{value}}}"),
            false => writeln!(
                script,
                "[[ $* = *--{flag}* ]] || set -- --{flag} {value} \"$@\""
            ),
        };
    }
    let _ = writeln!(script, "exec '{}' \"$@\"", program.display());
    script
}
