//! A metric for each combination of a few labels.
//!
//! Prometheus keeps each combination as a series of its own, for weeks, so no client may make
//! new ones: all values are listed, and whatever else comes counts as the last one. And as they
//! are all known, each series is looked up once; after that it costs neither a lock nor memory.

use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Metric;
use prometheus_client::registry::Registry;
use std::sync::OnceLock;

/// A label and its values, words with blanks between them.
pub(crate) type Label = (&'static str, &'static str);

/// The metrics of one name, with `N` labels.
pub(crate) struct Table<const N: usize, M> {
    labels: [(&'static str, Vec<&'static str>); N],
    family: Family<[Label; N], M, fn() -> M>,
    series: Vec<OnceLock<M>>,
}

impl<const N: usize, M: Metric + TypedMetric + Clone> Table<N, M> {
    /// Registers the metrics, each made by `metric`.
    pub(crate) fn new(
        registry: &mut Registry,
        (name, help): (&str, &str),
        labels: [Label; N],
        metric: fn() -> M,
    ) -> Self {
        let family = Family::new_with_constructor(metric);
        registry.register(name, help, family.clone());
        let labels = labels.map(|(name, values)| (name, values.split(' ').collect::<Vec<_>>()));
        let size = labels.iter().map(|(_, values)| values.len()).product();
        let series = (0..size).map(|_| OnceLock::new()).collect();
        let table = Self {
            labels,
            family,
            series,
        };
        // Few are there from the start, so that the first to be counted shows as an increase.
        let values = table.labels.first().map_or(vec![""], |it| it.1.clone());
        for value in values.iter().filter(|_| N < 2) {
            table.get([value; N]);
        }
        table
    }

    /// The series of these values.
    pub(crate) fn get(&self, values: [&str; N]) -> &M {
        let (mut index, mut named) = (0, [("", ""); N]);
        for (((name, known), value), named) in self.labels.iter().zip(values).zip(&mut named) {
            let place = known.iter().position(|known| *known == value);
            let place = place.unwrap_or(known.len() - 1);
            *named = (name, known[place]);
            index = index * known.len() + place;
        }
        self.series[index].get_or_init(|| self.family.get_or_create_owned(&named))
    }
}
