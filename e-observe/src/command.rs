//! The operator's way in: one command, run once against the store.

use crate::store::Store;
use crate::user::User;
use std::io::Write;

/// A command. Its arguments stay text until it runs, so that the domain refuses a bad one,
/// as it does for every other way in.
#[derive(Clone, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Create a user
    Create {
        /// 1 to 18 characters
        name: String,
        /// ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable
        sex: String,
    },
    /// Read a user
    Read {
        /// The user's number
        uid: String,
    },
    /// Replace a user
    Update {
        /// The user's number
        uid: String,
        /// 1 to 18 characters
        name: String,
        /// ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable
        sex: String,
    },
    /// Delete a user
    Delete {
        /// The user's number
        uid: String,
    },
    /// Bring the tables of MySQL up to date, as every start does
    Migrate,
}

impl Command {
    /// Runs it, and prints the user that it was about to standard output.
    ///
    /// # Errors
    ///
    /// A bad argument, with the rule that it broke, or the store's own error.
    pub async fn run(self, store: &dyn Store) -> anyhow::Result<()> {
        let user = match self {
            Self::Create { name, sex } => store.create(name.try_into()?, sex.parse()?).await?,
            Self::Read { uid } => store.read(uid.parse()?).await?,
            Self::Update { uid, name, sex } => {
                let (uid, name, sex) = (uid.parse()?, name.try_into()?, sex.parse()?);
                let user = User { uid, name, sex };
                store.update(user.clone()).await?;
                user
            }
            Self::Delete { uid } => {
                let user = store.read(uid.parse()?).await?;
                store.delete(user.uid).await?;
                user
            }
            Self::Migrate => return Ok(()),
        };
        writeln!(std::io::stdout(), "{user}")?;
        Ok(())
    }
}
