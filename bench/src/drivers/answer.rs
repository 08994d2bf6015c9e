//! What makes a figure worth printing: proof that every answer was right.
//!
//! No load generator compares bodies. But one answer before the load is compared whole, an
//! error is of another length, and pings and created users are numbered: so the sum of the
//! bytes and the numbers before and after prove all answers between.

use crate::figures::call::Call;
use anyhow::Context;
use anyhow::ensure;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One answer, compared whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The ping's count or the new user's uid; 0 in an answer that is always the same.
    pub(crate) number: u64,
    /// How long it is.
    pub(crate) bytes: u64,
    /// How its length depends on the number.
    pub(crate) grows: Grows,
}

/// How the number is written in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grows {
    /// In decimal digits, so many times.
    Digits(u64),
    /// As a varint, zigzag.
    Varint,
}

/// What a load generator says that it has done.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Load {
    /// How many answers came.
    pub(crate) requests: u64,
    /// How many bytes they had.
    #[serde(default)]
    pub(crate) bytes: u64,
    /// How long it took.
    pub(crate) seconds: f64,
    /// How many errors there were, by their kind.
    #[serde(default)]
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Load {
    /// Fails if there were errors.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let errors = &self.errors;
        let none = errors.values().all(|count| *count == 0);
        ensure!(none, "there were errors: {errors:?}");
        Ok(())
    }

    /// Answers/s.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

impl Answer {
    /// An HTTP answer of so many bytes, its body compared with what it has to be.
    pub(crate) fn of(call: Call, body: &str, bytes: u64) -> anyhow::Result<Self> {
        let wrong = || format!("a wrong answer to {}: {body}", call.title());
        let (before, after, times) = match call {
            Call::Ping => (r#"{"message":"pong NONE!","count":"#, "}", 1),
            Call::Create => (r#"{"uid":"#, r#","name":"gopher","sex":0}"#, 2), // and in Location
            _ => (r#"{"uid":100,"name":"gopher","sex":0}"#, "", 0),
        };
        let (number, right) = match times {
            0 => (0, before.to_owned()),
            _ => {
                let number = body
                    .strip_prefix(before)
                    .and_then(|rest| rest.strip_suffix(after));
                let number: u64 = number.with_context(wrong)?.parse().with_context(wrong)?;
                (number, format!("{before}{number}{after}"))
            }
        };
        ensure!(body == right, wrong());
        let grows = Grows::Digits(times);
        Ok(Self {
            number,
            bytes,
            grows,
        })
    }

    /// How long the answer with this number has to be.
    fn length(&self, number: u64) -> u64 {
        let width = |number: u64| match self.grows {
            Grows::Digits(times) => times * u64::from(number.max(1).ilog10() + 1),
            Grows::Varint => u64::from((number.max(1) * 2).ilog2() / 7 + 1),
        };
        self.bytes - width(self.number) + width(number)
    }
}

/// Proves a load between two answers; fails if an answer was wrong, or a count is lost. When a
/// generator stops by the clock, up to `in_flight` requests may have been done whose answers it
/// has not read.
pub(crate) fn prove(
    load: &Load,
    before: &Answer,
    after: &Answer,
    in_flight: u64,
) -> anyhow::Result<()> {
    let (requests, bytes) = (load.requests, load.bytes);
    load.check()?;
    ensure!(requests > 0, "there was no answer");
    let numbered = before.number != 0;
    if numbered {
        let counted = after.number.saturating_sub(before.number + 1);
        ensure!(
            (requests..=requests + in_flight).contains(&counted),
            "{requests} answers came, but {counted} were counted"
        );
    }
    let sum = |first: u64| -> u64 {
        match numbered {
            true => (first..first + requests).map(|n| before.length(n)).sum(),
            false => requests * before.bytes,
        }
    };
    let least = sum(before.number + 1);
    let most = sum(after.number.saturating_sub(requests));
    ensure!(
        (least..=most).contains(&bytes),
        "{requests} answers of {bytes} bytes came, but right ones would have {least} to {most}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use super::Call;
    use super::Grows;
    use super::Load;
    use super::prove;

    fn load(requests: u64, bytes: u64) -> Load {
        Load {
            requests,
            bytes,
            seconds: 1.0,
            ..Load::default()
        }
    }

    fn ping(number: u64, bytes: u64) -> anyhow::Result<Answer> {
        let body = format!(r#"{{"message":"pong NONE!","count":{number}}}"#);
        Answer::of(Call::Ping, &body, bytes)
    }

    #[test]
    fn an_answer_is_compared_whole() {
        let user = r#"{"uid":100,"name":"gopher","sex":0}"#;
        assert!(Answer::of(Call::Read, user, 140).is_ok());
        assert!(Answer::of(Call::Read, &user.replace('0', "1"), 140).is_err());
        assert!(Answer::of(Call::Read, &format!("{user} "), 140).is_err());
        assert!(Answer::of(Call::Create, user, 160).is_ok());
        for count in ["", "-1", "+1", "01", "1.0", "one"] {
            let body = format!(r#"{{"message":"pong NONE!","count":{count}}}"#);
            assert!(Answer::of(Call::Ping, &body, 140).is_err(), "{body}");
        }
    }

    #[test]
    fn a_wrong_length_is_refused() -> anyhow::Result<()> {
        let user = Answer::of(Call::Read, r#"{"uid":100,"name":"gopher","sex":0}"#, 140)?;
        assert!(prove(&load(10, 1400), &user, &user, 0).is_ok());
        assert!(prove(&load(10, 1401), &user, &user, 0).is_err());
        assert!(prove(&load(10, 1399), &user, &user, 64).is_err());
        assert!(prove(&load(0, 0), &user, &user, 64).is_err());
        Ok(())
    }

    #[test]
    fn a_lost_count_is_refused() -> anyhow::Result<()> {
        let before = ping(1, 100)?;
        // Pings 2 to 9 have a digit, 10 to 21 two.
        let bytes = 8 * 100 + 12 * 101;
        assert!(prove(&load(20, bytes), &before, &ping(22, 101)?, 0).is_ok());
        assert!(prove(&load(20, bytes), &before, &ping(21, 101)?, 0).is_err());
        assert!(prove(&load(20, bytes), &before, &ping(23, 101)?, 0).is_err());
        assert!(prove(&load(20, bytes), &before, &ping(23, 101)?, 1).is_ok());
        assert!(prove(&load(20, bytes + 3), &before, &ping(23, 101)?, 1).is_err());
        assert!(prove(&load(20, bytes - 1), &before, &ping(23, 101)?, 1).is_err());
        Ok(())
    }

    #[test]
    fn a_varint_grows_by_seven_bits() {
        let answer = Answer {
            number: 1,
            bytes: 19,
            grows: Grows::Varint,
        };
        for (number, bytes) in [(63, 19), (64, 20), (8191, 20), (8192, 21)] {
            assert_eq!(answer.length(number), bytes, "{number}");
        }
    }
}
