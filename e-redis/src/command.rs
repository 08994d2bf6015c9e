//! The operator's way in: one command, run once against the store.

use crate::store::Store;
use crate::user::User;
use std::io::Write;

/// A command. Its arguments are text until it runs, so that a bad one is refused by the
/// domain, as in every other way in.
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
    /// Does it, and prints the user it was about to standard output.
    ///
    /// # Errors
    ///
    /// A bad argument, by the rule that it broke; else what the store answers.
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
