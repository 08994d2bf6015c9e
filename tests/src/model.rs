//! A model of e-redis' cache, small enough for a program to try everything that can happen.
//!
//! A race needs one unlucky order of events, and tests try only the orders that somebody has
//! thought of. So the protocol is told a second time, for a *model checker*, here
//! [stateright](https://docs.rs/stateright). A **state** is what everybody has at one moment. A
//! **step** leads from one state to the next. A **promise** is what every state has to keep. The
//! checker starts with an empty cache and takes each possible step in each state that it has not
//! seen before, until there are no new ones. If a state breaks the promise, it shows the shortest
//! way there. This file lists which promises have to be kept, and which broken;
//! `cargo test -p tests cache_model` asks for all of them. `model/protocol.rs` has the model.
//!
//! Two processes share one Redis and one user. In each of them one reader and one writer are at
//! work at a time, again and again, for ever. The number of states is still limited, because a
//! state holds no more than matters:
//!
//! - A copy of the user has no name in it, only who has replaced that user since, and when.
//! - There is no clock. Whatever has to happen in time, or ends by itself, has so many ticks
//!   left, and no tick comes while somebody has none. Between two ticks everything may happen,
//!   in any order.
//! - There are no connections. A reader who cannot reach Redis leaves it as it is, so all that a
//!   loss of contact can do is to keep a tombstone away. Somebody who writes without tombstones
//!   is a process that has lost contact for ever. Commands may overtake each other, which they
//!   cannot do on one connection: a promise that is kept here is kept there as well.
//!
//! Within these limits the check is complete. It does not cover more processes, or more requests
//! in each of them; clocks that go at different speeds; users who do not exist; more than one
//! missing tombstone in a process, while `redis/link.rs` remembers 10,000; or a MySQL that
//! commits after the time limit. If a process stands still, the model takes its `SET` for late.
//! And the model is not the code: only tests can show that `src/redis.rs` does what is told here,
//! first of all `a_stale_user_is_never_cached`.
//!
//! stateright also offers actors, which send messages to each other. They have no clock in
//! common, and this protocol is all about time.

mod protocol;

use anyhow::Context;
use anyhow::ensure;
use ladder::Ladder;
use protocol::Cache;
use protocol::Fault;
use protocol::Fault::*;
use protocol::Promise;
use protocol::Promise::*;
use protocol::State;
use protocol::Step;
use protocol::Step::*;
use protocol::Ticks;
use protocol::Value;
use protocol::Variant;
use protocol::Variant::*;
use stateright::Checker;
use stateright::Model;
use std::fs::read_to_string;

/// As few ticks as there can be when each takes some.
const FEW: Ticks = Ticks {
    write: 1,
    read: 1,
    late: 0,
    tombstone: 3,
    ttl: 4,
};

/// A SET comes too late.
const LATE: Ticks = Ticks { late: 1, ..FEW };

/// A tombstone stands only as long as a write and a read take.
const SHORT: Ticks = Ticks {
    tombstone: 2,
    ..FEW
};

/// The lesson's own figures, with a tick of one second.
const SECONDS: Ticks = Ticks {
    write: 5 + 6,
    read: 6,
    late: 0,
    tombstone: 20,
    ttl: 60,
};

type Case = (Variant, &'static [Fault], Ticks, Promise);

const KEPT: &[Case] = &[
    (Lesson, &[HungUp], FEW, Fresh),
    (Lesson, &[], SECONDS, Fresh),
    (Lesson, &[LostContact, HungUp], FEW, ReadYourWrites),
    (
        Lesson,
        &[LostContact, Ended, LostTombstone, HungUp],
        LATE,
        Bounded,
    ),
    // This is as good as the lesson until a client hangs up.
    (TombstoneAfterWrite, &[], FEW, Fresh),
];

const BROKEN: &[Case] = &[
    (Lesson, &[], FEW, Unused),
    // The lesson's README: "What remains is bounded by the TTL".
    (Lesson, &[LostContact], FEW, Fresh),
    (Lesson, &[LostContact, Ended], FEW, ReadYourWrites),
    (Lesson, &[LostTombstone], FEW, ReadYourWrites),
    (Lesson, &[], LATE, ReadYourWrites),
    (Lesson, &[LostTombstone], LATE, BoundedSooner),
    // What one might have written instead.
    (Lesson, &[], SHORT, Fresh),
    (DeleteAfterWrite, &[], FEW, Fresh),
    (TombstoneAfterWrite, &[HungUp], FEW, Fresh),
    (SetWithoutNx, &[], FEW, Fresh),
    (MissingForgotten, &[LostContact], FEW, ReadYourWrites),
];

fn cache((variant, faults, ticks, promise): Case) -> Cache {
    Cache {
        variant,
        faults,
        ticks,
        promise,
    }
}

/// The shortest way to break the promise, if there is one.
///
/// The checker gets one promise at a time: with several, it goes on until all are broken, and
/// meanwhile replaces the shortest way by longer ones.
fn refute(case: Case) -> Option<Vec<Step>> {
    let checker = cache(case).checker().spawn_bfs().join();
    let found = checker.discoveries().into_values().next();
    found.map(|path| path.into_actions())
}

pub(crate) fn kept(_: &'static Ladder) -> anyhow::Result<()> {
    for case in KEPT {
        let steps = refute(*case);
        ensure!(steps.is_none(), "{case:?} is broken by {steps:?}");
    }
    Ok(())
}

pub(crate) fn broken(_: &'static Ladder) -> anyhow::Result<()> {
    for case in BROKEN {
        ensure!(refute(*case).is_some(), "{case:?} is not broken");
    }
    Ok(())
}

/// The race that the README tells is the one that the checker finds. What its picture shows can
/// happen in the model, too, and ends as it does there.
pub(crate) fn race(ladder: &'static Ladder) -> anyhow::Result<()> {
    let readme = read_to_string(ladder.root.join("e-redis/README.md"))?;
    let readme = Vec::from_iter(readme.split_whitespace()).join(" ");
    let tells = |words: [&str; 5]| {
        let mut words = words.into_iter();
        words.try_fold(&*readme, |rest, words| Some(rest.split_once(words)?.1))
    };
    tells([
        "a reader finds nothing in the cache",
        "reads the old user from MySQL",
        "a writer updates MySQL",
        "deletes the key",
        "the reader caches the *old* user",
    ])
    .context("the README tells of another race")?;
    let race = refute((DeleteAfterWrite, &[], FEW, Fresh)).context("no race")?;
    let is_told = matches!(race[..], [Get(_), Select(_), Update(_), Delete(_), Set(_)]);
    ensure!(is_told, "the race in the model is {race:?}");

    tells([
        "── GET ─",
        "── SELECT ─",
        "─ PSETEX 20000",
        "─ UPDATE ─",
        "─ SET old NX",
    ])
    .context("the README has another picture")?;
    let cache = cache((Lesson, &[], FEW, Fresh));
    let mut picture = [Get(0), Select(0), Bury(1), Update(1), Set(0)].into_iter();
    let end = picture.try_fold(State::default(), |last, step| cache.next_state(&last, step));
    let end = end.context("the picture cannot happen in the model")?.redis;
    let refused = matches!(end, Some((Value::Tombstone, _)));
    ensure!(refused, "the picture ends with {end:?}");
    Ok(())
}
