use crate::flag::Settings;
use clap::Parser;
use proptest::prelude::*;

proptest! {
    /// Not in an error either: clap would quote the value.
    #[test]
    fn no_password_is_ever_shown(
        password in "unspeakable[!-~]{0,8}",
        user in "[a-z]{0,8}",
        after in "[!-~]{0,20}",
    ) {
        let url = format!("mysql://{user}:{password}@localhost/goms{after}");
        let shown = match Settings::try_parse_from(["", "--mysql-url", &url]) {
            Ok(settings) => {
                let url = settings.mysql.url.as_ref().map(ToString::to_string);
                format!("{url:?} {settings:?}")
            }
            Err(error) => error.to_string(),
        };
        prop_assert!(!shown.contains("unspeakable"), "{}", shown);
    }
}

#[test]
fn what_is_not_secret_is_shown() -> anyhow::Result<()> {
    let url = "mysql://user:unspeakable@localhost:3307/goms?ssl-mode=required";
    let settings = Settings::try_parse_from(["", "--mysql-url", url])?;
    let shown = settings.mysql.url.map(|url| url.to_string());
    assert_eq!(shown.as_deref(), Some("mysql://localhost:3307/goms"));
    Ok(())
}
