//! What was done to a lesson's files.

use crate::folder::File;
use crate::name::Renaming;
use crate::step::Status;
use crate::step::changes;
use ladder::Lesson;
use std::collections::BTreeMap;
use tempfile::TempDir;

/// A lesson's files by their paths.
pub(super) type Files = BTreeMap<String, File>;

/// What was done to one file: changed, made, deleted or renamed.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// None for a new file.
    pub(super) before: Option<File>,
    /// None for a deleted file.
    pub(super) after: Option<File>,
}

impl Edit {
    /// The edit as another lesson has to make it.
    pub(super) fn renamed(&self, renaming: &Renaming) -> Self {
        let renamed = |file: &Option<File>| file.as_ref().map(|file| file.renamed(renaming));
        Self {
            before: renamed(&self.before),
            after: renamed(&self.after),
        }
    }

    /// Where it would be made in another lesson.
    pub(super) fn path_in(&self, from: &Lesson, to: &Lesson) -> String {
        let file = self.after.as_ref().or(self.before.as_ref());
        let renaming = Renaming::new(from.name, to.name);
        file.map_or_else(String::new, |file| renaming.path(&file.path))
    }
}

/// What was done between two states of a lesson, without what differs by design.
///
/// # Errors
///
/// git is missing, or a file cannot be copied.
pub(super) fn edits(before: &[File], after: &[File]) -> anyhow::Result<Vec<Edit>> {
    let scratch = TempDir::new()?;
    for (name, files) in [("before", before), ("after", after)] {
        let folder = scratch.path().join(name);
        std::fs::create_dir(&folder)?;
        let mut files = files.iter().filter(|file| !file.is_aside());
        files.try_for_each(|file| file.write(&folder))?;
    }
    let find = |files: &[File], path: &str| files.iter().find(|file| file.path == path).cloned();
    let changes = changes(scratch.path(), ["before", "after"])?;
    let edits = changes.iter().map(|change| {
        let old = match &change.status {
            Status::Renamed(old) => old,
            _ => &change.path,
        };
        Edit {
            before: find(before, old),
            after: find(after, &change.path),
        }
    });
    Ok(edits.collect())
}
