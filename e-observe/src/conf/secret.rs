//! A URL with a password is shown to nobody, not even in an error about the URL itself.

use clap::Arg;
use clap::Command;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use std::ffi::OsStr;
use std::fmt;
use url::Url;

/// A URL that may carry a password. `Display` and `Debug` show its scheme, host, port and
/// path, and nothing else.
#[derive(Clone)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// The whole URL, password included: for the driver, never for a log.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// The name of the database, which is the path.
    pub fn database(&self) -> &str {
        self.0.path().trim_start_matches('/')
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        let _ = shown.set_username(""); // it fails where there is no host, and then no user
        let _ = shown.set_password(None);
        shown.set_query(None);
        shown.fmt(f)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A parser for clap. It takes URLs like this one: with its scheme, a host, and a path of one
/// segment where this one has a path.
#[derive(Clone)]
pub struct UrlLike(pub &'static str);

impl UrlLike {
    /// A raw `/`, `?` or `#` in a password would move a part of it to where it is shown. The
    /// form leaves no room for that: such characters are written as `%2F`, `%3F`, `%23`.
    fn fits(&self, url: &Url) -> bool {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let path = url.path().trim_start_matches('/');
        url.scheme() == scheme
            && url.has_host()
            && url.fragment().is_none()
            && !path.contains(['/', '@', '%'])
            && !url.query().unwrap_or_default().contains('@')
            && !(rest.contains('/') && path.is_empty())
    }
}

impl TypedValueParser for UrlLike {
    type Value = SecretUrl;

    /// clap's own error would quote the value; this one does not.
    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<SecretUrl, clap::Error> {
        let url = value.to_str().and_then(|text| Url::parse(text).ok());
        let url = url.filter(|url| self.fits(url)).map(SecretUrl);
        url.ok_or_else(|| {
            let flag = arg.map(ToString::to_string).unwrap_or_default();
            let text = format!("the value of {flag} must be like {}\n", self.0);
            clap::Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests;
