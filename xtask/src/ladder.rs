//! The ladder: where it stands, which lessons it has, and how they are found by name.
//!
//! It is a value that functions take, so that tests can make ladders of their own.

mod lessons;

use anyhow::Context;
use anyhow::anyhow;
pub(crate) use lessons::LESSONS;
pub(crate) use lessons::PLANNED;
use std::path::Path;
use std::path::PathBuf;

/// A ladder: a folder, with one folder a lesson.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    /// The workspace's folder.
    pub(crate) root: PathBuf,
    /// Its lessons, in reading order.
    pub(crate) lessons: &'static [Lesson],
}

/// A lesson.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// The crate's name, and its folder's.
    pub(crate) name: &'static str,
    /// The one concern that it adds.
    pub(crate) concern: &'static str,
    /// What its own defaults need started.
    pub(crate) needs: Needs,
    /// The files and folders that its name promises.
    pub(crate) adds: &'static [&'static str],
    /// The one command, and its outcome before and after, in Markdown.
    pub(crate) outcome: &'static str,
    /// The one command, to be run.
    pub(crate) pain: Pain,
    /// What must stand unchanged of the lesson before.
    pub(crate) floor: Floor,
    /// Whether its README may be longer than the others'.
    pub(crate) big: bool,
}

/// Backing services, each level with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Needs {
    /// None.
    Nothing,
    /// MySQL.
    Mysql,
    /// MySQL and Redis.
    Redis,
}

/// One command with two outcomes, in bash. `$lesson` stands for the lesson's program, and
/// for that of the lesson before.
#[derive(Debug)]
pub(crate) struct Pain {
    /// What has to be there first, a command a line; `&` leaves it running.
    pub(crate) first: &'static [&'static str],
    /// The one command.
    pub(crate) command: &'static str,
}

/// The smallest purity that a step may have, from 0 to 1.
#[derive(Debug)]
pub(crate) struct Floor {
    pub(crate) purity: f64,
    /// Why it is not the usual one.
    pub(crate) reason: Option<&'static str>,
}

/// What all steps are held to.
pub(crate) const PURE: Floor = Floor {
    purity: 0.95,
    reason: None,
};

impl Ladder {
    /// The real ladder, as it stands around the current folder.
    ///
    /// # Errors
    ///
    /// The current folder is in no copy of it.
    pub(crate) fn here() -> anyhow::Result<Self> {
        let (root, lessons) = (root()?, LESSONS);
        Ok(Self { root, lessons })
    }

    /// A lesson's folder.
    pub(crate) fn folder(&self, lesson: &Lesson) -> PathBuf {
        self.root.join(lesson.name)
    }

    /// The lesson that holds all concerns so far.
    ///
    /// # Errors
    ///
    /// There is no lesson.
    pub(crate) fn newest(&self) -> anyhow::Result<&'static Lesson> {
        self.lessons.last().context("there is no lesson")
    }

    /// Finds a lesson by its name: `e-http`, `http`, or `e-http/` as a shell completes it.
    ///
    /// # Errors
    ///
    /// There is none of this name; the error tells the nearest, or all.
    pub(crate) fn find(&self, name: &str) -> anyhow::Result<&'static Lesson> {
        let asked = name.trim_end_matches('/');
        let short = |lesson: &Lesson| lesson.name.split_once('-').map(|(_, short)| short);
        let exact = self.lessons.iter().find(|lesson| lesson.name == asked);
        let mut by_concern = self.lessons.iter().filter(|it| short(it) == Some(asked));
        let found = exact.or_else(|| by_concern.next().filter(|_| by_concern.next().is_none()));
        found.ok_or_else(|| self.unknown(asked))
    }

    fn unknown(&self, asked: &str) -> anyhow::Error {
        let names: Vec<&str> = self.lessons.iter().map(|lesson| lesson.name).collect();
        let likeness = |name: &str| {
            let short = name.split_once('-').map_or(name, |(_, short)| short);
            strsim::jaro_winkler(name, asked).max(strsim::jaro_winkler(short, asked))
        };
        let near: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| likeness(name) > 0.8)
            .collect();
        match near.as_slice() {
            [] => anyhow!("there is no lesson {asked}; there are {}", names.join(", ")),
            near => anyhow!(
                "there is no lesson {asked}; did you mean {}?",
                near.join(" or ")
            ),
        }
    }

    /// The lesson before, if it is not the first.
    pub(crate) fn before(&self, lesson: &Lesson) -> Option<&'static Lesson> {
        let index = self.position(lesson.name)?.checked_sub(1)?;
        self.lessons.get(index)
    }

    /// The lessons after it.
    pub(crate) fn after(&self, lesson: &Lesson) -> &'static [Lesson] {
        let next = self.position(lesson.name).map_or(0, |index| index + 1);
        self.lessons.get(next..).unwrap_or_default()
    }

    /// A lesson's index.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.lessons.iter().position(|lesson| lesson.name == name)
    }
}

impl Lesson {
    /// Whether it is the named lesson or a later one, and so has what that one brought.
    pub(crate) fn has(&self, name: &str) -> bool {
        let position = |name: &str| LESSONS.iter().position(|lesson| lesson.name == name);
        position(self.name) >= position(name)
    }
}

impl Needs {
    /// What it is called in a table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Mysql => "MySQL",
            Self::Redis => "MySQL, Redis",
        }
    }
}

/// The workspace's folder: the one that `cargo lesson` was called for, else the one around
/// the current folder. Not the one that this program was built in: copies of the ladder
/// may share a folder of build output.
///
/// # Errors
///
/// There is none.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let is_root = |folder: &&Path| folder.join("xtask/src/ladder.rs").is_file();
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let parent = package.as_deref().and_then(Path::parent);
    if let Some(root) = parent.filter(is_root) {
        return Ok(root.to_owned());
    }
    let current = std::env::current_dir().context("the current folder")?;
    let root = current.ancestors().find(is_root);
    root.map(Path::to_owned)
        .context("this folder is in no copy of the ladder; change into one")
}

/// The folder of build output, from the root of the file system: cargo may be run in
/// another folder than this.
///
/// # Errors
///
/// There is no ladder around the current folder.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(named) => Ok(std::path::absolute(named)?),
        None => Ok(root()?.join("target")),
    }
}
