//! A figure: the median of several rounds, with how far they lie apart.
//!
//! One round proves little: another process, a timer or the disk may have been in the way.
//! And the machine is now faster, now slower: so two figures are compared round by round.

use anyhow::Context;
use anyhow::ensure;
use indicatif::HumanCount;
use serde::Serialize;
use std::fmt;

/// What the rounds gave, in their order.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(into = "Printed")]
pub(crate) struct Figure {
    rounds: Vec<f64>,
}

/// As it is printed as JSON.
#[derive(Serialize)]
struct Printed {
    median: f64,
    /// How far the farthest round lies from it.
    farthest: f64,
    rounds: Vec<f64>,
}

impl Figure {
    /// The figure of these rounds.
    pub(crate) fn of(rounds: Vec<f64>) -> Self {
        Self { rounds }
    }

    /// Adds the next round's.
    pub(crate) fn add(&mut self, value: f64) -> anyhow::Result<()> {
        ensure!(value.is_finite(), "a round gave no number");
        self.rounds.push(value);
        Ok(())
    }

    /// Whether there was a round.
    pub(crate) fn is_measured(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// What the last round gave.
    pub(crate) fn last(&self) -> anyhow::Result<f64> {
        self.rounds.last().copied().context("there was no round")
    }

    /// The middle one of the rounds; no number, if there was none.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return f64::NAN;
        };
        f64::midpoint(sorted[last / 2], sorted[sorted.len() / 2])
    }

    /// How far the farthest round lies from the median.
    pub(crate) fn farthest(&self) -> f64 {
        let median = self.median();
        let distances = self.rounds.iter().map(|round| (round - median).abs());
        distances.fold(0.0, f64::max)
    }

    /// How many times the other it is, round by round.
    pub(crate) fn over(&self, other: &Self) -> Self {
        self.pair(other, |one, other| one / other)
    }

    /// By how much it is more than the other, round by round.
    pub(crate) fn less(&self, other: &Self) -> Self {
        self.pair(other, |one, other| one - other)
    }

    /// What lies between the two, round by round.
    pub(crate) fn between(&self, other: &Self) -> Self {
        self.pair(other, f64::midpoint)
    }

    /// How far the two lie apart, as a part of what lies between them, round by round.
    pub(crate) fn apart(&self, other: &Self) -> Self {
        self.pair(other, |one, other| {
            (one - other).abs() / f64::midpoint(one, other)
        })
    }

    fn pair(&self, other: &Self, with: fn(f64, f64) -> f64) -> Self {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Self::of(pairs.map(|(one, other)| with(*one, *other)).collect())
    }
}

impl From<Figure> for Printed {
    fn from(figure: Figure) -> Self {
        Self {
            median: figure.median(),
            farthest: figure.farthest(),
            rounds: figure.rounds,
        }
    }
}

/// The median, and the spread if there was more than one round: `1,234 ±5 %`.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let median = self.median();
        f.write_str(&number(median))?;
        if self.rounds.len() < 2 || median == 0.0 {
            return Ok(());
        }
        write!(f, " ±{} %", (self.farthest() / median * 100.0).ceil())
    }
}

/// A number as people read it: three digits, or all of a larger one in groups.
pub(crate) fn number(value: f64) -> String {
    if value < 9.995 {
        return format!("{value:.2}");
    }
    if value < 99.95 {
        return format!("{value:.1}");
    }
    HumanCount(value.round_ties_even() as u64).to_string()
}

#[cfg(test)]
mod tests {
    use super::Figure;
    use super::number;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two() {
        assert_eq!(Figure::of(vec![9.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Figure::of(vec![4.0, 1.0, 2.0, 9.0]).median(), 3.0);
        assert_eq!(Figure::of(vec![7.0]).median(), 7.0);
        assert!(Figure::default().median().is_nan());
    }

    #[test]
    fn the_spread_is_that_of_the_farthest_round() {
        assert_eq!(Figure::of(vec![90.0, 100.0, 130.0]).farthest(), 30.0);
        assert_eq!(Figure::of(vec![60.0, 100.0, 130.0]).farthest(), 40.0);
        assert_eq!(Figure::of(vec![7.0]).farthest(), 0.0);
    }

    #[test]
    fn figures_are_compared_round_by_round() {
        // The machine became slower and slower; both had the same of it.
        let (one, other) = (vec![8.0, 4.0, 2.0], vec![4.0, 2.0, 1.0]);
        let ratio = Figure::of(one.clone()).over(&Figure::of(other.clone()));
        assert_eq!((ratio.median(), ratio.farthest()), (2.0, 0.0));
        let difference = Figure::of(one).less(&Figure::of(other));
        assert_eq!((difference.median(), difference.farthest()), (2.0, 2.0));
        let (before, after) = (Figure::of(vec![8.0, 2.0]), Figure::of(vec![8.0, 6.0]));
        assert_eq!(before.between(&after).rounds, [8.0, 4.0]);
        assert_eq!(before.apart(&after).rounds, [0.0, 1.0]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(Figure::default().add(f64::NAN).is_err());
        assert!(Figure::default().add(f64::INFINITY).is_err());
        assert!(Figure::default().add(0.0).is_ok());
    }

    #[test]
    fn it_reads_well() {
        let figure = Figure::of(vec![1234.4, 1234.4, 1300.0]);
        assert_eq!(figure.to_string(), "1,234 ±6 %");
        assert_eq!(Figure::of(vec![7.0]).to_string(), "7.00");
        assert_eq!(Figure::of(vec![0.0, 0.0]).to_string(), "0.00");
        assert_eq!(number(0.123), "0.12");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(999.6), "1,000");
        assert_eq!(number(1_234_567.0), "1,234,567");
    }
}
