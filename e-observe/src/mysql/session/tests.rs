use super::options;
use crate::flag::Settings;
use anyhow::Context;
use clap::Parser;

#[test]
fn a_parameter_that_would_change_the_session_is_refused_by_name() -> anyhow::Result<()> {
    for (query, refused) in [
        ("", None),
        ("ssl-mode=required&ssl-ca=/ca.pem", None),
        ("charset=latin1", Some("charset")),
        ("ssl-mode=required&timezone=%2B02:00", Some("timezone")),
        ("sslmode=disabled", Some("sslmode")),
    ] {
        let url = format!("mysql://localhost/goms?{query}");
        let settings = Settings::try_parse_from(["", "--mysql-url", &url])?;
        let told = options(&settings.mysql.url.context("given")?).err();
        let told = told.map(|error| error.to_string());
        let begins = |name| told.as_ref().is_some_and(|it| it.starts_with(name));
        assert!(refused.map_or(told.is_none(), begins), "{query}: {told:?}");
    }
    Ok(())
}

/// sqlx would look up a name that has brackets.
#[test]
fn an_address_of_ipv6_loses_its_brackets() -> anyhow::Result<()> {
    let settings = Settings::try_parse_from(["", "--mysql-url", "mysql://[::1]:3307/goms"])?;
    let options = options(&settings.mysql.url.context("given")?)?;
    assert_eq!((options.get_host(), options.get_port()), ("::1", 3307));
    Ok(())
}
