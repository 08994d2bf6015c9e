use super::Invalid;
use super::Name;
use super::Sex;
use super::Uid;
use super::User;
use super::pong;
use proptest::prelude::*;

#[test]
fn a_uid_is_a_whole_number_from_1_to_2_to_the_53() {
    let good = [
        ("1", 1),
        ("007", 7),
        ("9007199254740991", 9_007_199_254_740_991),
    ];
    for (text, number) in good {
        assert_eq!(text.parse::<Uid>().map(i64::from), Ok(number), "{text}");
    }
    let bad = [
        "",
        "0",
        "-1",
        "9007199254740992",
        "9223372036854775808",
        "1.0",
        "1e0",
        " 1",
        "one",
        "٣",
    ];
    for text in bad {
        assert_eq!(text.parse::<Uid>(), Err(Invalid::Uid), "{text}");
    }
}

#[test]
fn a_sex_is_a_code_of_iso_5218() {
    for code in -1..=10 {
        let sex = Sex::try_from(code).map(i64::from);
        match [0, 1, 2, 9].contains(&code) {
            true => assert_eq!(sex, Ok(code)),
            false => assert_eq!(sex, Err(Invalid::Sex), "{code}"),
        }
    }
}

#[test]
fn a_name_is_counted_in_characters() {
    let length = |text: &str| Name::try_from(text.to_owned()).map(|name| name.as_str().len());
    for (text, bytes) in [("x", 1), ("ж", 2), ("🦀", 4)] {
        let (fits, exceeds) = (text.repeat(18), text.repeat(19));
        assert_eq!(length(&fits), Ok(18 * bytes), "{fits}");
        assert_eq!(length(&exceeds), Err(Invalid::Name), "{exceeds}");
    }
    for text in ["", "\0", "a\nb", "\u{7f}", "\u{85}"] {
        assert_eq!(length(text), Err(Invalid::Name), "{text:?}");
    }
}

#[test]
fn an_error_states_its_rule_and_not_the_value() {
    for (error, rule) in [
        (
            Invalid::Uid,
            "uid must be a whole number from 1 to 9007199254740991",
        ),
        (
            Invalid::Name,
            "name must be 1 to 18 characters, none of them a control character",
        ),
        (Invalid::Sex, "sex must be 0, 1, 2 or 9, as in ISO/IEC 5218"),
    ] {
        assert_eq!(error.to_string(), rule);
    }
}

#[test]
fn an_empty_message_is_none() {
    assert_eq!(pong("hello"), "pong hello");
    assert_eq!(pong(""), "pong NONE!");
}

proptest! {
    #[test]
    fn any_text_is_a_name_or_breaks_its_rule(text in ".{0,40}|\\PC{0,20}") {
        let length = text.chars().count();
        let fits = (1..=18).contains(&length) && !text.chars().any(char::is_control);
        let name = Name::try_from(text.clone()).map(|name| name.to_string());
        prop_assert_eq!(name, if fits { Ok(text) } else { Err(Invalid::Name) });
    }

    #[test]
    fn any_number_is_a_uid_or_breaks_its_rule(number: i64) {
        let fits = (1..=Uid::MAX).contains(&number);
        let uid = Uid::try_from(number).map(i64::from);
        prop_assert_eq!(uid, if fits { Ok(number) } else { Err(Invalid::Uid) });
    }

    #[test]
    fn any_user_is_shown_and_survives_json(user in user()) {
        let json = serde_json::to_string(&user)?;
        let shown = format!("uid={} name={} sex={}", user.uid, user.name, user.sex);
        prop_assert_eq!(user.to_string(), shown);
        prop_assert_eq!(serde_json::from_str::<User>(&json)?, user);
    }
}

/// Any uid.
pub(crate) fn uid() -> impl Strategy<Value = Uid> {
    (1..=Uid::MAX).prop_filter_map("a uid", |number| number.try_into().ok())
}

/// Any name.
pub(crate) fn name() -> impl Strategy<Value = Name> {
    "\\PC{1,18}".prop_filter_map("a name", |text| text.try_into().ok())
}

/// Any sex.
pub(crate) fn sex() -> impl Strategy<Value = Sex> {
    use Sex::*;
    prop::sample::select(vec![NotKnown, Male, Female, NotApplicable])
}

/// Any user.
pub(crate) fn user() -> impl Strategy<Value = User> {
    (uid(), name(), sex()).prop_map(|(uid, name, sex)| User { uid, name, sex })
}
