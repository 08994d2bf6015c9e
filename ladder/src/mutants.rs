//! Proof that the proofs can fail: `tests/mutants.toml` has edits that break a lesson, each
//! with the promise that has to notice. The file explains itself at its head.

use crate::Ladder;
use crate::Lesson;
use anyhow::Context;
use anyhow::ensure;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

/// The file, relative to the root.
pub const MUTANTS: &str = "tests/mutants.toml";

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutants {
    /// The mutants.
    pub mutant: Vec<Mutant>,
    /// The promises that none of them breaks.
    #[serde(default)]
    pub without: Vec<Without>,
}

/// A way to break a lesson.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Mutant {
    pub name: String,
    pub about: String,
    /// The promise that has to notice.
    pub breaks: String,
    pub edit: Vec<Edit>,
}

/// A text, and what to put in its place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Edit {
    /// Relative to the lesson.
    pub file: PathBuf,
    pub find: String,
    pub put: String,
}

/// Why no mutant breaks a promise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Without {
    pub promise: String,
    pub reason: String,
}

impl Mutants {
    /// Those of this workspace.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root.join(MUTANTS)).context(MUTANTS)?;
        toml::from_str(&text).context(MUTANTS)
    }
}

impl Mutant {
    /// The lesson at which it is tried: the first in reading order that has all its texts and
    /// keeps the promise.
    ///
    /// # Errors
    ///
    /// There is none: the texts have changed, or the promise is no longer given.
    pub fn lesson(
        &self,
        ladder: &Ladder,
        keeps: impl Fn(&Lesson) -> bool,
    ) -> anyhow::Result<&'static Lesson> {
        let has = |folder: PathBuf, edit: &Edit| {
            let text = std::fs::read_to_string(folder.join(&edit.file));
            text.is_ok_and(|text| text.contains(&edit.find))
        };
        let has_all = |it: &Lesson| self.edit.iter().all(|edit| has(ladder.folder(it), edit));
        let mut fitting = ladder.lessons.iter().filter(|it| keeps(it) && has_all(it));
        fitting.next().with_context(|| {
            format!(
                "{MUTANTS}: {}: no lesson that keeps {} has its texts; adapt them",
                self.name, self.breaks
            )
        })
    }

    /// The files that it changes in the lesson's folder, with their new text.
    ///
    /// # Errors
    ///
    /// A text does not stand there exactly once.
    pub fn edited(&self, folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
        let mut files = BTreeMap::new();
        for Edit { file, find, put } in &self.edit {
            let path = folder.join(file);
            let text = match files.remove(&path) {
                Some(text) => text,
                None => {
                    std::fs::read_to_string(&path).with_context(|| path.display().to_string())?
                }
            };
            let (times, file) = (text.matches(find).count(), path.display());
            ensure!(
                times == 1,
                "{}: {find:?} stands {times} times in {file}, not once",
                self.name
            );
            files.insert(path, text.replace(find, put));
        }
        Ok(files)
    }

    /// Breaks the lesson in this folder.
    ///
    /// # Errors
    ///
    /// As [`Mutant::edited`], or a file cannot be written.
    pub fn apply(&self, folder: &Path) -> anyhow::Result<()> {
        for (path, text) in self.edited(folder)? {
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Edit;
    use super::Mutant;

    #[test]
    fn a_text_is_replaced_that_stands_once() -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new()?;
        std::fs::write(folder.path().join("a.rs"), "one two two")?;
        let edit = |find: &str, put: &str| Edit {
            file: "a.rs".into(),
            find: find.into(),
            put: put.into(),
        };
        let mutant = |edit| Mutant {
            name: "m".into(),
            about: String::new(),
            breaks: "p".into(),
            edit,
        };
        let told = |edit| {
            mutant(vec![edit])
                .apply(folder.path())
                .err()
                .map(|it| it.to_string())
        };
        for (find, times) in [("two", 2), ("three", 0)] {
            let told = told(edit(find, "")).unwrap_or_default();
            assert!(told.contains(&format!("stands {times} times")), "{told}");
        }
        mutant(vec![edit("one", "1"), edit("two two", "2")]).apply(folder.path())?;
        assert_eq!(std::fs::read_to_string(folder.path().join("a.rs"))?, "1 2");
        Ok(())
    }
}
