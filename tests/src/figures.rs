//! The figures of a service, as Prometheus would read them.

use crate::service::Service;
use anyhow::Context;
use anyhow::ensure;
use std::time::Duration;
use tokio::time::timeout;

/// How long a scrape may take: Prometheus gives up after ten seconds.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);

/// All series, each with its labels and its value.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) text: String,
    series: Vec<(String, f64)>,
}

impl Figures {
    /// Asks the service for them.
    pub(crate) async fn of(service: &Service) -> anyhow::Result<Self> {
        let url = format!("{}/metrics", service.observe()?);
        // Nobody keeps a connection to it, so that each scrape has to get one.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0);
        let asked = client.build()?.get(url).send();
        let answer = timeout(SCRAPE_TIMEOUT, asked)
            .await
            .context("no scrape")??;
        ensure!(answer.status() == 200, "a scrape: {}", answer.status());
        let media_type = answer.headers().get("content-type");
        let media_type = media_type.and_then(|it| it.to_str().ok());
        let media_type = media_type.unwrap_or_default().to_owned();
        ensure!(
            media_type.starts_with("text/plain; version="),
            "{media_type}"
        );
        let text = answer.text().await?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| {
            let (name, value) = line.rsplit_once(' ').context("no value")?;
            Ok((name.to_owned(), value.parse()?))
        });
        let series = series.collect::<anyhow::Result<_>>()?;
        Ok(Self { text, series })
    }

    /// The values of all series of this name that have these labels, added up.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of = |series: &str| {
            let (its, rest) = series.split_once('{').unwrap_or((series, ""));
            its == name && labels.iter().all(|label| rest.contains(label))
        };
        let fits = self.series.iter().filter(|(series, _)| of(series));
        fits.map(|(_, value)| value).sum()
    }

    /// How many series there are.
    pub(crate) fn number(&self) -> usize {
        self.series.len()
    }

    /// Whether there is a figure of this name, or a histogram.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.series.iter().any(|(series, _)| {
            let (its, _) = series.split_once('{').unwrap_or((series, ""));
            its == name || its.strip_suffix("_count") == Some(name)
        })
    }
}
