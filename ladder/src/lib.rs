//! The ladder of lessons: a tree, in which each lesson names the one that it copies. It is
//! read from `ladder/lessons.toml`, and whoever asks which lesson has what asks here.
//!
//! Beside it stands what every tool needs to run a lesson: the services, free ports,
//! process groups, a copy of the workspace.

pub mod cargo;
pub mod exercise;
pub mod group;
mod lesson;
pub mod markdown;
pub mod mutants;
pub mod ports;
pub mod sandbox;
pub mod services;
pub mod shim;
pub mod signals;

use anyhow::Context;
use anyhow::anyhow;
use anyhow::ensure;
pub use lesson::Lesson;
pub use lesson::Needs;
use serde::Deserialize;
use std::path::Path;
use std::path::PathBuf;

/// The file, relative to the root.
pub const TABLE: &str = "ladder/lessons.toml";

/// A ladder: a folder, with one folder a lesson.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// The workspace's folder.
    pub root: PathBuf,
    /// Its lessons, in reading order: each stands behind the one that it follows.
    pub lessons: &'static [Lesson],
    /// The names of those to come.
    pub planned: Vec<String>,
    /// What lessons may still do against the rules.
    pub exceptions: Vec<Exception>,
    /// Promises that no lesson keeps now, and one to come will.
    pub waiting: Vec<Waiting>,
}

/// Promises that wait for a lesson.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The lesson's name.
    pub lesson: String,
    /// The promises' names.
    pub promises: Vec<String>,
}

/// A rule that some do not keep yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The rule: `size`, `purity` or `circle`.
    pub rule: String,
    /// The lessons, or the modules of the circle.
    pub of: Vec<String>,
    /// What has to be done before it can go.
    pub until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    planned: Vec<String>,
    #[serde(default)]
    exception: Vec<Exception>,
    #[serde(default)]
    waiting: Vec<Waiting>,
    lesson: Vec<Lesson>,
}

impl Ladder {
    /// The ladder around the current folder, or the one that cargo was called for.
    ///
    /// # Errors
    ///
    /// There is none, or its table is wrong.
    pub fn here() -> anyhow::Result<Self> {
        Self::read(&root()?)
    }

    /// The ladder in this folder.
    ///
    /// # Errors
    ///
    /// Its table cannot be read, or is no tree.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root.join(TABLE)).context(TABLE)?;
        let table: Table = toml::from_str(&text).context(TABLE)?;
        let mut lessons: Vec<Lesson> = Vec::new();
        for mut lesson in table.lesson {
            let name = lesson.name;
            let known = |name| lessons.iter().find(|known| known.name == name);
            ensure!(known(name).is_none(), "{TABLE}: {name} stands twice");
            lesson.lineage = match lesson.after {
                None => {
                    ensure!(
                        lessons.is_empty(),
                        "{TABLE}: {name} has to name the lesson that it follows"
                    );
                    vec![name]
                }
                Some(after) => {
                    let before = known(after).with_context(|| {
                        format!("{TABLE}: {name} follows {after}, which does not stand before it")
                    })?;
                    [&before.lineage[..], &[name]].concat()
                }
            };
            lessons.push(lesson);
        }
        Ok(Self {
            root: root.to_owned(),
            // It is read once, and wanted for as long as the program runs.
            lessons: lessons.leak(),
            planned: table.planned,
            exceptions: table.exception,
            waiting: table.waiting,
        })
    }

    /// A lesson's folder.
    pub fn folder(&self, lesson: &Lesson) -> PathBuf {
        self.root.join(lesson.name)
    }

    /// The lesson of exactly this name.
    pub fn get(&self, name: &str) -> Option<&'static Lesson> {
        self.lessons.iter().find(|lesson| lesson.name == name)
    }

    /// Finds a lesson by what a person types: `e-http`, `http`, or `e-http/` as a shell
    /// completes it.
    ///
    /// # Errors
    ///
    /// There is no such lesson; the error names those of similar names, or all.
    pub fn find(&self, typed: &str) -> anyhow::Result<&'static Lesson> {
        let asked = typed.trim_end_matches('/');
        let mut by_concern = self.lessons.iter().filter(|it| it.short() == asked);
        let only = by_concern.next().filter(|_| by_concern.next().is_none());
        self.get(asked).or(only).ok_or_else(|| self.unknown(asked))
    }

    fn unknown(&self, asked: &str) -> anyhow::Error {
        let likeness = |lesson: &Lesson| {
            let names = [lesson.name, lesson.short()].map(|it| strsim::jaro_winkler(it, asked));
            names.into_iter().fold(0.0, f64::max)
        };
        let near = self.lessons.iter().filter(|it| likeness(it) > 0.8);
        let near: Vec<&str> = near.map(|lesson| lesson.name).collect();
        if near.is_empty() {
            let all: Vec<&str> = self.lessons.iter().map(|lesson| lesson.name).collect();
            return anyhow!("there is no lesson {asked}; there are {}", all.join(", "));
        }
        anyhow!(
            "there is no lesson {asked}; did you mean {}?",
            near.join(" or ")
        )
    }

    /// The lesson that this one follows; the first follows none.
    pub fn before(&self, lesson: &Lesson) -> Option<&'static Lesson> {
        self.get(lesson.after?)
    }

    /// The lessons that follow this one directly.
    pub fn followers(&self, lesson: &Lesson) -> impl Iterator<Item = &'static Lesson> {
        let name = lesson.name;
        self.lessons.iter().filter(move |it| it.after == Some(name))
    }

    /// All lessons that have what this one has, on every branch, in reading order.
    pub fn later(&self, lesson: &Lesson) -> impl Iterator<Item = &'static Lesson> {
        let name = lesson.name;
        let later = move |it: &&Lesson| it.name != name && it.has(name);
        self.lessons.iter().filter(later)
    }

    /// Whether no lesson follows this one: it is the end of a branch.
    pub fn is_end(&self, lesson: &Lesson) -> bool {
        self.followers(lesson).next().is_none()
    }

    /// The end of the spine.
    ///
    /// # Errors
    ///
    /// There is no lesson.
    pub fn newest(&self) -> anyhow::Result<&'static Lesson> {
        let newest = self.lessons.iter().rfind(|lesson| !lesson.side);
        newest.context("there is no lesson")
    }

    /// The flags for addresses that a lesson has, with their defaults.
    pub fn addresses(&self, lesson: &Lesson) -> impl Iterator<Item = (&'static str, &'static str)> {
        let lineage = lesson.lineage.clone();
        let had = move |it: &&Lesson| lineage.contains(&it.name);
        let brought = self.lessons.iter().filter(had);
        brought.flat_map(|lesson| lesson.addresses.iter().map(|(flag, addr)| (*flag, *addr)))
    }
}

/// The workspace's folder: the one that cargo was called for, else the one around the
/// current folder. Not the one that this program was built in: copies of the ladder may
/// share a folder of build output.
///
/// # Errors
///
/// There is none.
pub fn root() -> anyhow::Result<PathBuf> {
    let is_root = |folder: &&Path| folder.join(TABLE).is_file();
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let parent = package.as_deref().and_then(Path::parent);
    if let Some(root) = parent.filter(is_root) {
        return Ok(root.to_owned());
    }
    let current = std::env::current_dir().context("the current folder")?;
    let root = current.ancestors().find(is_root);
    root.map(Path::to_owned)
        .context("this folder is not inside a copy of the ladder; change into one")
}

/// The folder of build output, as an absolute path: cargo may be run in another folder.
///
/// # Errors
///
/// There is no ladder around the current folder.
pub fn target() -> anyhow::Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(named) => Ok(std::path::absolute(named)?),
        None => Ok(root()?.join("target")),
    }
}

#[cfg(test)]
mod tests {
    use super::Ladder;
    use super::TABLE;
    use tempfile::TempDir;

    /// A ladder whose lessons follow each other like this.
    fn ladder(steps: &[(&str, Option<&str>)]) -> anyhow::Result<Ladder> {
        let folder = TempDir::new()?;
        let mut table = String::new();
        for (name, after) in steps {
            table.push_str(&format!("[[lesson]]\nname = \"{name}\"\nconcern = \"\"\n"));
            table.push_str("outcome = \"\"\ncommand = \"\"\n");
            if let Some(after) = after {
                table.push_str(&format!("after = \"{after}\"\n"));
            }
        }
        std::fs::create_dir(folder.path().join("ladder"))?;
        std::fs::write(folder.path().join(TABLE), table)?;
        Ladder::read(folder.path())
    }

    /// `e-a ─ e-b ─┬─ e-c ─ e-d`, and `e-x` beside `e-c`.
    fn forked() -> anyhow::Result<Ladder> {
        ladder(&[
            ("e-a", None),
            ("e-b", Some("e-a")),
            ("e-c", Some("e-b")),
            ("e-x", Some("e-b")),
            ("e-d", Some("e-c")),
        ])
    }

    fn names<'a>(lessons: impl Iterator<Item = &'a super::Lesson>) -> Vec<&'static str> {
        lessons.map(|lesson| lesson.name).collect()
    }

    #[test]
    fn what_a_lesson_has_goes_along_its_branch() -> anyhow::Result<()> {
        let ladder = forked()?;
        let [d, x] = [ladder.find("e-d")?, ladder.find("e-x")?];
        assert!(d.has("e-b") && d.has("e-c") && d.has("e-d") && !d.has("e-x"));
        assert!(x.has("e-a") && !x.has("e-c") && !x.has("e-nothing"));
        assert_eq!(
            names(ladder.later(ladder.find("b")?)),
            ["e-c", "e-x", "e-d"]
        );
        assert_eq!(names(ladder.later(ladder.find("c")?)), ["e-d"]);
        assert_eq!(names(ladder.before(x).into_iter()), ["e-b"]);
        assert_eq!(
            names(ladder.lessons.iter().filter(|it| ladder.is_end(it))),
            ["e-x", "e-d"]
        );
        Ok(())
    }

    #[test]
    fn a_table_that_is_no_tree_is_refused() {
        for (steps, told) in [
            (&[("e-a", None), ("e-b", None)][..], "e-b has to name"),
            (&[("e-a", None), ("e-a", Some("e-a"))], "e-a stands twice"),
            (
                &[("e-a", None), ("e-b", Some("e-c")), ("e-c", Some("e-b"))],
                "e-b follows e-c",
            ),
        ] {
            let error = ladder(steps).err().map(|error| error.to_string());
            assert!(
                error.as_ref().is_some_and(|it| it.contains(told)),
                "{error:?}"
            );
        }
    }

    #[test]
    fn the_real_table_is_a_tree() -> anyhow::Result<()> {
        let ladder = Ladder::here()?;
        assert_eq!(ladder.lessons.first().map(|it| it.name), Some("e-docker"));
        assert!(
            ladder
                .find("htp")
                .is_err_and(|it| it.to_string().contains("e-http"))
        );
        Ok(())
    }
}
