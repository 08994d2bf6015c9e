//! A lesson, as the table tells of it.

use serde::Deserialize;
use serde::Deserializer;
use std::collections::BTreeMap;

/// Under a name of its own, because serde takes a plain `&str` for one to borrow.
type Text = &'static str;

/// A lesson. Its fields are explained at the head of `ladder/lessons.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Lesson {
    #[serde(deserialize_with = "text")]
    pub name: Text,
    #[serde(default, deserialize_with = "some")]
    pub after: Option<Text>,
    #[serde(default)]
    pub side: bool,
    #[serde(deserialize_with = "text")]
    pub concern: Text,
    #[serde(default)]
    pub adds: Vec<String>,
    #[serde(default)]
    pub needs: Needs,
    #[serde(default, deserialize_with = "pairs")]
    pub addresses: Vec<(&'static str, &'static str)>,
    #[serde(default)]
    pub big: bool,
    pub outcome: String,
    #[serde(default)]
    pub first: Vec<String>,
    pub command: String,
    /// The names of the lessons from the first one to this one.
    #[serde(skip)]
    pub(crate) lineage: Vec<&'static str>,
}

/// Backing services, each level with those before it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Needs {
    /// None.
    #[default]
    Nothing,
    /// MySQL.
    Mysql,
    /// MySQL and Redis.
    Redis,
}

impl Lesson {
    /// Whether it is the named lesson or has grown out of it, and so has what that one brought.
    pub fn has(&self, name: &str) -> bool {
        self.lineage.contains(&name)
    }

    /// Its name without the `e-`.
    pub fn short(&self) -> &'static str {
        self.name
            .split_once('-')
            .map_or(self.name, |(_, short)| short)
    }
}

impl Needs {
    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Mysql => "MySQL",
            Self::Redis => "MySQL, Redis",
        }
    }
}

/// A text that is wanted for as long as the program runs.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<&'static str, D::Error> {
    Ok(String::deserialize(from)?.leak())
}

fn some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'static str>, D::Error> {
    text(from).map(Some)
}

fn pairs<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<(&'static str, &'static str)>, D::Error> {
    let pairs: BTreeMap<String, String> = Deserialize::deserialize(from)?;
    let leak = |(key, value): (String, String)| (&*key.leak(), &*value.leak());
    Ok(pairs.into_iter().map(leak).collect())
}
