use super::from_str;
use super::to_string;
use crate::store::Pings;
use crate::store::Table;
use crate::user::tests::user;
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_table_survives_yaml(
        users in prop::collection::vec(user(), 0..8),
        (last_uid, http, grpc) in any::<(i64, i64, i64)>(),
    ) {
        let users = users.into_iter().map(|user| (user.uid, user)).collect();
        let table = Table { last_uid, pings: Pings { http, grpc }, users };
        let read = from_str(&to_string(&table)?)?;
        prop_assert_eq!(format!("{read:?}"), format!("{table:?}"));
    }

    #[test]
    fn no_text_makes_it_panic(text in "(users|uid|name|pings|[-:{}\\[\\] \n&*!|>'\"0-9a-z]){0,40}") {
        let _ = from_str(&text);
    }
}

#[test]
fn an_error_says_what_and_where() {
    for (text, error) in [
        (
            "last_uid: 1\nusers:\n- {uid: 0, name: a, sex: 0}\n",
            "line 3",
        ),
        (
            "users:\n- {uid: 1, name: a, sex: 0}\n- {uid: 1, name: b, sex: 0}\n",
            "uid 1",
        ),
        ("nobody: 1\n", "nobody"),
    ] {
        let told = from_str(text)
            .err()
            .map(|it| it.to_string())
            .unwrap_or_default();
        assert!(told.contains(error), "{text}: {told}");
    }
}
