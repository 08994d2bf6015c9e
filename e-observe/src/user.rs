//! The domain: what a user is.
//!
//! Parse, don't validate: the only way to a value of these types leads through its parser,
//! so every value keeps its rule and no later line has to check it again.
//!
//! The fields of these types are private, so this does not compile:
//!
//! ```compile_fail
//! let name = e_observe::user::Name(String::new());
//! ```

use serde::Deserialize;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Which field broke its rule. The message states the rule and never the value, so it can
/// be shown to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not a uid.
    #[error("uid must be a whole number from 1 to {}", Uid::MAX)]
    Uid,
    /// Not a name.
    #[error(
        "name must be 1 to {} characters, none of them a control character",
        Name::MAX
    )]
    Name,
    /// Not a sex.
    #[error("sex must be 0, 1, 2 or 9, as in ISO/IEC 5218")]
    Sex,
}

/// A user's number, given by the store: 1 to [`Uid::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Uid(i64);

impl Uid {
    /// 2^53 − 1, the largest whole number that a JavaScript client keeps.
    pub const MAX: i64 = (1 << 53) - 1;
}

impl TryFrom<i64> for Uid {
    type Error = Invalid;

    fn try_from(number: i64) -> Result<Self, Invalid> {
        match number {
            1..=Self::MAX => Ok(Self(number)),
            _ => Err(Invalid::Uid),
        }
    }
}

impl FromStr for Uid {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse::<i64>().map_err(|_| Invalid::Uid)?.try_into()
    }
}

impl From<Uid> for i64 {
    fn from(uid: Uid) -> Self {
        uid.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user's name: 1 to [`Name::MAX`] characters (Unicode scalar values), none of them a
/// control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl Name {
    /// The longest name, in characters.
    pub const MAX: usize = 18;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let length = text.chars().take(Self::MAX + 1).count();
        if length == 0 || length > Self::MAX || text.chars().any(char::is_control) {
            return Err(Invalid::Name);
        }
        Ok(Self(text))
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user's sex, by its ISO/IEC 5218 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub enum Sex {
    /// Not known.
    NotKnown = 0,
    /// Male.
    Male = 1,
    /// Female.
    Female = 2,
    /// Not applicable, a legal person for one.
    NotApplicable = 9,
}

impl TryFrom<i64> for Sex {
    type Error = Invalid;

    fn try_from(code: i64) -> Result<Self, Invalid> {
        match code {
            0 => Ok(Self::NotKnown),
            1 => Ok(Self::Male),
            2 => Ok(Self::Female),
            9 => Ok(Self::NotApplicable),
            _ => Err(Invalid::Sex),
        }
    }
}

impl FromStr for Sex {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse::<i64>().map_err(|_| Invalid::Sex)?.try_into()
    }
}

impl From<Sex> for i64 {
    fn from(sex: Sex) -> Self {
        sex as Self
    }
}

impl fmt::Display for Sex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        i64::from(*self).fmt(f)
    }
}

/// A user, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The number that the store gave.
    pub uid: Uid,
    /// The name.
    pub name: Name,
    /// The sex.
    pub sex: Sex,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, name, sex } = self;
        write!(f, "uid={uid} name={name} sex={sex}")
    }
}

/// The answer to a ping. An empty `message` counts as none.
pub fn pong(message: &str) -> String {
    let message = if message.is_empty() { "NONE!" } else { message };
    format!("pong {message}")
}

#[cfg(test)]
pub(crate) mod tests;
