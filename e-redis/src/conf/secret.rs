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

/// A parser of URLs with one of these schemes and a host, for clap.
pub fn url_with(schemes: &'static [&'static str]) -> impl TypedValueParser<Value = SecretUrl> {
    UrlParser { schemes }
}

#[derive(Clone)]
struct UrlParser {
    schemes: &'static [&'static str],
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
        let fits = |url: &Url| self.schemes.contains(&url.scheme()) && url.has_host();
        url.filter(fits).map(SecretUrl).ok_or_else(|| {
            let flag = arg.map(ToString::to_string).unwrap_or_default();
            let scheme = self.schemes.join(":// or ");
            let text = format!("the value of {flag} must be a URL, {scheme}://…, with a host\n");
            clap::Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
    }
}
