//! What the checks look at, and what they say.

use crate::folder::File;
use crate::folder::read_all;
use crate::step::Step;
use crate::step::steps_of;
use anyhow::Context;
use ladder::Ladder;
use ladder::Lesson;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fmt::Formatter;

/// The ladder as it stands, read once for all checks.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    pub(super) ladder: &'a Ladder,
    /// The files of each lesson.
    pub(super) folders: Vec<Vec<File>>,
    pub(super) steps: Vec<Step>,
    /// The exceptions that something has needed: the rule, and of whom.
    pub(super) used: RefCell<BTreeSet<(String, String)>>,
}

/// What is wrong, where, and the command that puts it right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Complaint {
    /// Relative to the root.
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) fix: String,
}

/// The command that renews what is generated.
pub(super) const FIX: &str = "cargo lesson check --fix";

impl Complaint {
    /// What only a person can put right.
    pub(super) fn by_hand(file: &str, line: usize, what: String) -> Self {
        let fix = format!("$EDITOR +{line} {file}");
        Self {
            file: file.to_owned(),
            line,
            what,
            fix,
        }
    }
}

impl Display for Complaint {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        let Self {
            file,
            line,
            what,
            fix,
        } = self;
        write!(out, "{file}:{line}: {what}; type: {fix}")
    }
}

impl<'a> Whole<'a> {
    pub(super) fn read(ladder: &'a Ladder) -> anyhow::Result<Self> {
        let folders = read_all(ladder)?;
        let steps = steps_of(ladder, &folders)?;
        Ok(Self {
            ladder,
            folders,
            steps,
            used: RefCell::default(),
        })
    }

    /// The lessons with their files and steps.
    pub(super) fn lessons(&self) -> impl Iterator<Item = (&'static Lesson, &[File], &Step)> {
        let files = self.folders.iter().map(Vec::as_slice);
        let lessons = self.ladder.lessons.iter().zip(files).zip(&self.steps);
        lessons.map(|((lesson, files), step)| (lesson, files, step))
    }

    /// The files of a lesson.
    pub(super) fn files(&self, lesson: &Lesson) -> &[File] {
        let mut lessons = self.lessons();
        let found = lessons.find(|(it, _, _)| it.name == lesson.name);
        found.map_or(&[], |(_, files, _)| files)
    }

    /// Whether an exception allows all of these to break a rule.
    pub(super) fn excused(&self, rule: &str, names: &[&str]) -> bool {
        let of_rule = self.ladder.exceptions.iter().filter(|it| it.rule == rule);
        let excused = |name: &&str| of_rule.clone().any(|it| it.of.iter().any(|it| it == name));
        let all = names.iter().all(excused);
        if all {
            let used = names
                .iter()
                .map(|name| (rule.to_owned(), (*name).to_owned()));
            self.used.borrow_mut().extend(used);
        }
        all
    }

    /// A file of the root folder, as text.
    pub(super) fn text(&self, path: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(self.ladder.root.join(path)).with_context(|| path.to_owned())
    }
}
