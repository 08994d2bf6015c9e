//! A figure: the median of several runs, with how far they lie apart.
//!
//! One run proves little: another process, a timer or the disk may have been in the way.

use serde::Serialize;
use std::fmt;

/// What the runs gave.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    runs: usize,
    median: f64,
    least: f64,
    most: f64,
}

impl Figure {
    /// The figure of these runs.
    ///
    /// # Errors
    ///
    /// There was no run, or one gave no number.
    pub(crate) fn of(mut runs: Vec<f64>) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !runs.is_empty() && runs.iter().all(|run| run.is_finite()),
            "a run gave no number"
        );
        runs.sort_by(f64::total_cmp);
        let last = runs.len() - 1;
        Ok(Self {
            runs: runs.len(),
            median: f64::midpoint(runs[last / 2], runs[runs.len() / 2]),
            least: runs[0],
            most: runs[last],
        })
    }

    /// The middle one of the runs.
    pub(crate) fn median(&self) -> f64 {
        self.median
    }

    /// How far the farthest run lies from the median, as a part of it.
    pub(crate) fn spread(&self) -> f64 {
        let farthest = (self.most - self.median).max(self.median - self.least);
        if self.median == 0.0 {
            0.0
        } else {
            farthest / self.median
        }
    }
}

/// The median, and the spread if there was more than one run: `1,234 ±5 %`.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&number(self.median))?;
        if self.runs < 2 {
            return Ok(());
        }
        let spread = (self.spread() * 100.0).ceil();
        write!(f, " ±{spread} %")
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
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::Figure;
    use super::number;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two() -> anyhow::Result<()> {
        assert_eq!(Figure::of(vec![9.0, 1.0, 2.0])?.median(), 2.0);
        assert_eq!(Figure::of(vec![4.0, 1.0, 2.0, 9.0])?.median(), 3.0);
        assert_eq!(Figure::of(vec![7.0])?.median(), 7.0);
        Ok(())
    }

    #[test]
    fn the_spread_is_that_of_the_farthest_run() -> anyhow::Result<()> {
        assert_eq!(Figure::of(vec![90.0, 100.0, 130.0])?.spread(), 0.3);
        assert_eq!(Figure::of(vec![7.0])?.spread(), 0.0);
        assert_eq!(Figure::of(vec![0.0])?.spread(), 0.0);
        Ok(())
    }

    #[test]
    fn no_run_is_no_figure() {
        assert!(Figure::of(vec![]).is_err());
        assert!(Figure::of(vec![1.0, f64::NAN]).is_err());
    }

    #[test]
    fn it_reads_well() -> anyhow::Result<()> {
        let figure = Figure::of(vec![1234.4, 1234.4, 1300.0])?;
        assert_eq!(figure.to_string(), "1,234 ±6 %");
        assert_eq!(Figure::of(vec![7.0])?.to_string(), "7.00");
        assert_eq!(number(0.123), "0.12");
        assert_eq!(number(12.34), "12.3");
        assert_eq!(number(999.6), "1,000");
        assert_eq!(number(1_234_567.0), "1,234,567");
        Ok(())
    }
}
