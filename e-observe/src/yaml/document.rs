//! How a table is written in the file.
//!
//! The mirrors below give serde the types of `store.rs`, which themselves know nothing of
//! YAML. Users stand in a list, as a person would write them, and each names its own uid.

use crate::store::Pings;
use crate::store::Table;
use crate::user::Uid;
use crate::user::User;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;
use std::collections::BTreeMap;

/// Reads a table.
///
/// # Errors
///
/// The text is not a table; the error names the line.
pub(super) fn from_str(text: &str) -> Result<Table, serde_yaml::Error> {
    Document::deserialize(serde_yaml::Deserializer::from_str(text))
}

/// Writes a table.
///
/// # Errors
///
/// None that is known: a table has nothing that YAML cannot express.
pub(super) fn to_string(table: &Table) -> Result<String, serde_yaml::Error> {
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Whole<'a>(#[serde(with = "Document")] &'a Table);

    serde_yaml::to_string(&Whole(table))
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Table", deny_unknown_fields)]
struct Document {
    #[serde(default)]
    last_uid: i64,
    #[serde(default, with = "Counts")]
    pings: Pings,
    #[serde(default, with = "list")]
    users: BTreeMap<Uid, User>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Pings", deny_unknown_fields)]
struct Counts {
    #[serde(default)]
    http: i64,
    #[serde(default)]
    grpc: i64,
}

mod list {
    use super::BTreeMap;
    use super::Deserialize;
    use super::Deserializer;
    use super::Error;
    use super::Serializer;
    use super::Uid;
    use super::User;

    pub(super) fn serialize<S: Serializer>(
        users: &BTreeMap<Uid, User>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(users.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Uid, User>, D::Error> {
        let mut users = BTreeMap::new();
        for user in Vec::<User>::deserialize(deserializer)? {
            let uid = user.uid;
            if users.insert(uid, user).is_some() {
                return Err(D::Error::custom(format!("two users have uid {uid}")));
            }
        }
        Ok(users)
    }
}

#[cfg(test)]
mod tests;
