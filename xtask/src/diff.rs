//! The step to a lesson, as its reader wants it: wiring first, new files last, without the
//! noise of the lesson's own name, by the user's own git. Piped, it is the same, so that what
//! is read with `less` or counted is what was shown; `--patch` is what `git apply` takes.

use crate::folder::File;
use crate::folder::read;
use crate::git;
use crate::name::Renaming;
use crate::step::changes;
use ladder::Ladder;
use ladder::Lesson;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use tempfile::TempDir;

/// How it is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The lesson; another one before it is where to start, instead of the one that it follows
    #[arg(required = true, num_args = 1..=2, value_name = "LESSON")]
    lessons: Vec<String>,
    /// Show only which files differ, and by how many lines
    #[arg(long)]
    stat: bool,
    /// Include READMEs, DIFF.md and answers
    #[arg(long)]
    all: bool,
    /// Print a patch for `git apply`, with all files and under the lessons' own names
    #[arg(long, conflicts_with_all = ["stat", "tool"])]
    patch: bool,
    /// Show it in git's difftool, or in the one named
    #[arg(long, value_name = "TOOL", num_args = 0..=1, require_equals = true)]
    tool: Option<Option<String>>,
}

/// Shows the step.
///
/// # Errors
///
/// There is no such lesson, git is missing, or nobody reads what is printed.
pub(crate) fn show(
    ladder: &Ladder,
    arguments: &Arguments,
    terminal: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let (from, to) = pair(ladder, &arguments.lessons)?;
    if arguments.patch {
        out.write_all(&patch(ladder, from, to)?)?;
        return Ok(());
    }
    let both = Both::copies(ladder, from, to, arguments.all)?;
    let mut git = match terminal || arguments.tool.is_some() {
        true => users(both.folder(), &ladder.root)?,
        false => git::plain(both.folder()),
    };
    match &arguments.tool {
        None => git.arg("diff").args(["--no-prefix", "-M", "-l0"]),
        Some(None) => git.arg("difftool"),
        Some(Some(tool)) => git.arg("difftool").arg(format!("--tool={tool}")),
    };
    git.arg("--no-index").arg(both.order()?);
    if arguments.stat {
        git.arg("--stat");
    }
    git.arg("--").args(both.names);
    out.flush()?;
    git::show(git)
}

/// The lessons that are compared; no first one for the empty ladder.
fn pair(
    ladder: &Ladder,
    names: &[String],
) -> anyhow::Result<(Option<&'static Lesson>, &'static Lesson)> {
    match names {
        [from, to] => Ok((Some(ladder.find(from)?), ladder.find(to)?)),
        names => {
            let name = names.first().map(String::as_str).unwrap_or_default();
            let to = ladder.find(name)?;
            Ok((ladder.before(to), to))
        }
    }
}

/// git as its user has it, with what the repository configures, in a scratch folder.
fn users(folder: &Path, root: &Path) -> anyhow::Result<std::process::Command> {
    let mut ask = git::git(root);
    ask.args(["rev-parse", "--absolute-git-dir"]);
    let mut git = git::git(folder);
    if let Ok(path) = git::run(ask, b"", &[0]) {
        git.env("GIT_DIR", String::from_utf8(path)?.trim_end());
    }
    Ok(git)
}

/// A patch that makes the one lesson's folder the other's: every file, names as they are.
///
/// # Errors
///
/// git is missing, or a lesson cannot be read.
pub(crate) fn patch(
    ladder: &Ladder,
    from: Option<&Lesson>,
    to: &Lesson,
) -> anyhow::Result<Vec<u8>> {
    let before = from.map_or(Ok(Vec::new()), |from| read(ladder, from))?;
    // The names that `git apply` takes away.
    let both = Both::write(["a", "b"], &before, &read(ladder, to)?)?;
    let order = both.order()?;
    let order = order.to_string_lossy();
    let patch = git::diff(both.folder(), &["--binary", &order], both.names)?;
    Ok(renames(&patch))
}

/// Where a file is renamed, git names the paths with their folders, and takes them without.
fn renames(patch: &[u8]) -> Vec<u8> {
    let lines = patch.split_inclusive(|byte| *byte == b'\n');
    let lines = lines.flat_map(|line| {
        let renamed = [("rename from ", "a/"), ("rename to ", "b/")]
            .into_iter()
            .find_map(|(what, folder)| {
                let path = line.strip_prefix(what.as_bytes())?;
                let (quote, path) = match path.strip_prefix(b"\"") {
                    Some(path) => ("\"", path),
                    None => ("", path),
                };
                let path = path.strip_prefix(folder.as_bytes())?;
                Some([what.as_bytes(), quote.as_bytes(), path].concat())
            });
        renamed.unwrap_or_else(|| line.to_owned())
    });
    lines.collect()
}

/// Copies of two lessons, side by side in a scratch folder.
#[derive(Debug)]
pub(crate) struct Both {
    scratch: TempDir,
    /// Their folders' names.
    pub(crate) names: [&'static str; 2],
}

impl Both {
    /// Copies that differ in what matters: the first has the second one's name inside.
    ///
    /// # Errors
    ///
    /// git is missing, or a lesson cannot be read.
    pub(crate) fn copies(
        ladder: &Ladder,
        from: Option<&'static Lesson>,
        to: &'static Lesson,
        all: bool,
    ) -> anyhow::Result<Self> {
        let before = from.map_or(Ok(Vec::new()), |from| read(ladder, from))?;
        Self::of(from, &before, to, &read(ladder, to)?, all)
    }

    /// The same, of files that are already read.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub(crate) fn of(
        from: Option<&'static Lesson>,
        before: &[File],
        to: &'static Lesson,
        after: &[File],
        all: bool,
    ) -> anyhow::Result<Self> {
        let name = from.map_or("nothing", |from| from.name);
        let renaming = Renaming::new(name, to.name);
        let name = if name == to.name { "before" } else { name };
        let counts = |file: &&File| all || !file.is_aside();
        let before: Vec<File> = before
            .iter()
            .filter(counts)
            .map(|file| file.renamed(&renaming))
            .collect();
        let after: Vec<File> = after.iter().filter(counts).cloned().collect();
        Self::write([name, to.name], &before, &after)
    }

    fn write(names: [&'static str; 2], before: &[File], after: &[File]) -> anyhow::Result<Self> {
        let scratch = TempDir::new()?;
        for (name, files) in names.into_iter().zip([before, after]) {
            let folder = scratch.path().join(name);
            std::fs::create_dir(&folder)?;
            files.iter().try_for_each(|file| file.write(&folder))?;
        }
        Ok(Self { scratch, names })
    }

    /// The scratch folder.
    pub(crate) fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// git's argument that puts the files in reading order.
    ///
    /// # Errors
    ///
    /// git is missing.
    pub(crate) fn order(&self) -> anyhow::Result<OsString> {
        let [_, to] = self.names;
        let mut order = String::new();
        for change in changes(self.folder(), self.names)? {
            // A deleted file is ordered by the name /dev/null: with the changed ones.
            if change.status == crate::step::Status::New && !order.contains("/dev/null") {
                order.push_str("/dev/null\n");
            }
            order.push_str(&literal(&format!("{to}/{}", change.path)));
            order.push('\n');
        }
        let file: PathBuf = self.folder().join("order");
        std::fs::write(&file, order)?;
        let mut argument = OsString::from("-O");
        argument.push(file);
        Ok(argument)
    }
}

/// A pattern that means this path and no other.
fn literal(path: &str) -> String {
    let mut pattern = String::new();
    for letter in path.chars() {
        if "*?[]\\".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}
