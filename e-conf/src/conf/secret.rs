//! A setting that holds a password is told to nobody, not even in an error about itself.

use clap::Arg;
use clap::Command;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use std::ffi::OsStr;
use std::fmt;
use url::Url;

/// A URL that may carry a password. Shown, by `Display` and `Debug` alike, it is only
/// scheme, host, port and path.
#[derive(Clone)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// The whole URL, password included: for the driver, never for a log.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(
            f,
            "{}://{}",
            url.scheme(),
            url.host_str().unwrap_or_default()
        )?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A parser for clap of URLs that are like this one: with its scheme, a host, and a path of
/// one segment, if it has one.
pub fn url_like(form: &'static str) -> impl TypedValueParser<Value = SecretUrl> {
    UrlParser { form }
}

#[derive(Clone)]
struct UrlParser {
    form: &'static str,
}

impl UrlParser {
    /// A password with a raw `/`, `?` or `#` would end up in what is shown, so there the
    /// form is narrow: who needs such characters writes them as `%2F`, `%3F`, `%23`.
    fn fits(&self, url: &Url) -> bool {
        let (scheme, rest) = self.form.split_once("://").unwrap_or_default();
        let path = url.path().trim_start_matches('/');
        url.scheme() == scheme
            && url.has_host()
            && url.fragment().is_none()
            && !path.contains(['/', '@'])
            && !url.query().unwrap_or_default().contains('@')
            && !(rest.contains('/') && path.is_empty())
    }
}

impl TypedValueParser for UrlParser {
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
            let text = format!("the value of {flag} must be like {}\n", self.form);
            clap::Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
    }
}
