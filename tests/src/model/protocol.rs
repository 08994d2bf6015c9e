//! The protocol as states and steps, its variants, and what may go wrong.

use Fault::*;
use Promise::*;
use Step::*;
use Variant::*;
use stateright::Model;
use stateright::Property;
use std::mem::take;

const PROCESSES: usize = 2;

/// The protocol in some variant, what may happen to it, and what it is asked to keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cache {
    pub(super) variant: Variant,
    pub(super) faults: &'static [Fault],
    pub(super) ticks: Ticks,
    pub(super) promise: Promise,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Variant {
    /// As e-redis does it.
    Lesson,
    /// As most caches do it: the writer deletes the key after its write.
    DeleteAfterWrite,
    /// The writer leaves its tombstone after its write.
    TombstoneAfterWrite,
    /// A reader installs over what is there.
    SetWithoutNx,
    /// A process goes on to read from Redis while a tombstone of its own is missing.
    MissingForgotten,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Redis does not take a tombstone, or takes it and its answer is lost.
    LostContact,
    /// A process ends, and another takes its place.
    Ended,
    /// Redis evicts a tombstone. It may always evict a copy.
    LostTombstone,
    /// A client hangs up, and its writer stops where it is.
    HungUp,
}

/// How long things take, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    /// From the tombstone to the commit, at most.
    pub(super) write: u8,
    /// From the moment that a SELECT shows to its answer, at most.
    pub(super) read: u8,
    /// From there until the reader's SET gets to Redis, at most; 0 if it takes less than a tick.
    pub(super) late: u8,
    /// How long a tombstone stands.
    pub(super) tombstone: u8,
    /// How long Redis keeps a copy.
    pub(super) ttl: u8,
}

/// What every state has to keep.
#[derive(Clone, Copy, Debug)]
pub(super) enum Promise {
    /// When no write is under way, nobody reads from Redis what a write has replaced.
    Fresh,
    /// When a process has no write under way, nobody in it reads what its own have replaced.
    ReadYourWrites,
    /// Nobody reads what was replaced `Cache::bound` ticks ago.
    Bounded,
    /// Nobody reads what was replaced a tick less ago. If that held, the bound would not be exact.
    BoundedSooner,
    /// Nobody reads from Redis. If that held, the other promises would be worth nothing.
    Unused,
}

#[derive(Clone, Debug, Default, Hash, PartialEq)]
pub(super) struct State {
    /// What Redis has, and for how many ticks more.
    pub(super) redis: Option<(Value, u8)>,
    processes: [Process; PROCESSES],
}

#[derive(Clone, Debug, Hash, PartialEq)]
pub(super) enum Value {
    Tombstone,
    User(Copy),
}

/// The user as MySQL had it at some moment.
#[derive(Clone, Debug, Default, Hash, PartialEq)]
pub(super) struct Copy {
    /// Which processes have written since.
    replaced_by: [bool; PROCESSES],
    /// How many ticks ago the first of them did.
    replaced_for: u8,
}

#[derive(Clone, Debug, Default, Hash, PartialEq)]
struct Process {
    reader: Reader,
    writer: Writer,
    /// Redis has missed a tombstone, and until it has it, nobody in this process reads there.
    missing: bool,
}

#[derive(Clone, Debug, Default, Hash, PartialEq)]
enum Reader {
    #[default]
    Idle,
    /// Redis had nothing.
    FoundNothing,
    /// MySQL has shown the user; its SET gets to Redis in so many ticks at most.
    Selected(Copy, u8),
}

#[derive(Clone, Debug, Default, Hash, PartialEq)]
enum Writer {
    #[default]
    Idle,
    /// Its tombstone is set, or missing. MySQL commits its UPDATE in so many ticks at most.
    Buried(u8),
    /// MySQL has committed, and Redis does not know it yet.
    Updated,
}

/// Who does what next. The number is the process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// A reader asks Redis.
    Get(usize),
    /// A reader asks MySQL.
    Select(usize),
    /// A reader's copy gets to Redis.
    Set(usize),
    /// A writer sets its tombstone.
    Bury(usize),
    /// A writer fails to set its tombstone, and writes all the same.
    FailToBury(usize),
    /// MySQL commits.
    Update(usize),
    /// A writer deletes the key.
    Delete(usize),
    /// A writer's client hangs up.
    HangUp(usize),
    /// A process sets the tombstone that is missing.
    CatchUp(usize),
    /// A process ends, and the next one does not know what is missing.
    End(usize),
    /// A tombstone that was thought to be lost gets to Redis.
    Stray,
    /// Redis forgets what it has.
    Evict,
    /// Time passes.
    Tick,
}

impl Model for Cache {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    /// The steps that may be taken; `next_state` says whether they are possible just now.
    fn actions(&self, _: &State, steps: &mut Vec<Step>) {
        let may = |fault| self.faults.contains(&fault);
        for p in 0..PROCESSES {
            steps.extend([Get(p), Select(p), Set(p), Bury(p), Update(p), Delete(p)]);
            if may(LostContact) {
                steps.extend([FailToBury(p), CatchUp(p), Stray]);
            }
            steps.extend(may(Ended).then_some(End(p)));
            steps.extend(may(HungUp).then_some(HangUp(p)));
        }
        steps.extend([Evict, Tick]);
    }

    /// Where a step leads; `None` if it is not possible.
    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut next = last.clone();
        let State { redis, processes } = &mut next;
        let tombstone = Some((Value::Tombstone, self.ticks.tombstone));
        let buried = Writer::Buried(self.ticks.write);
        match step {
            Get(p) => {
                // If it finds a user or a tombstone, it installs nothing, and nothing changes.
                only_if(redis.is_none() && !processes[p].missing)?;
                advance(&mut processes[p].reader, Reader::Idle, Reader::FoundNothing)?;
            }
            Select(p) => {
                let selected = Reader::Selected(Copy::default(), self.ticks.read + self.ticks.late);
                advance(&mut processes[p].reader, Reader::FoundNothing, selected)?;
            }
            Set(p) => {
                let Reader::Selected(copy, _) = take(&mut processes[p].reader) else {
                    return None;
                };
                if redis.is_none() || self.variant == SetWithoutNx {
                    *redis = Some((Value::User(copy), self.ticks.ttl));
                }
            }
            Bury(p) => {
                let (from, to) = match self.variant {
                    DeleteAfterWrite => return None,
                    TombstoneAfterWrite => (Writer::Updated, Writer::Idle),
                    _ => (Writer::Idle, buried),
                };
                advance(&mut processes[p].writer, from, to)?;
                *redis = tombstone;
            }
            FailToBury(p) => {
                advance(&mut processes[p].writer, Writer::Idle, buried)?;
                processes[p].missing = self.variant != MissingForgotten;
            }
            Update(p) => {
                processes[p].writer = match (self.variant, take(&mut processes[p].writer)) {
                    (DeleteAfterWrite | TombstoneAfterWrite, Writer::Idle) => Writer::Updated,
                    (_, Writer::Buried(_)) => Writer::Idle,
                    _ => return None,
                };
                next.copies().for_each(|copy| copy.replaced_by[p] = true);
            }
            Delete(p) => {
                only_if(self.variant == DeleteAfterWrite)?;
                advance(&mut processes[p].writer, Writer::Updated, Writer::Idle)?;
                *redis = None;
            }
            HangUp(p) => only_if(take(&mut processes[p].writer) != Writer::Idle)?,
            CatchUp(p) => {
                only_if(take(&mut processes[p].missing))?;
                *redis = tombstone;
            }
            End(p) => only_if(take(&mut processes[p].missing))?,
            Stray => *redis = tombstone,
            Evict => {
                let (value, _) = redis.take()?;
                only_if(value != Value::Tombstone || self.faults.contains(&LostTombstone))?;
            }
            Tick => next.tick(self.bound())?,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let kept = |cache: &Self, state: &State| cache.promise.is_kept(cache, state);
        vec![Property::always("the promise", kept)]
    }
}

impl Cache {
    /// How many ticks after a write the last copy of what was there before is gone, whatever
    /// happens: a SELECT just before the write, the latest possible SET, and the time to live.
    fn bound(&self) -> u8 {
        self.ticks.read + self.ticks.late + self.ticks.ttl
    }
}

impl Promise {
    fn is_kept(self, cache: &Cache, state: &State) -> bool {
        let Some((Value::User(copy), _)) = &state.redis else {
            return true;
        };
        let idle = |process: usize| state.processes[process].writer == Writer::Idle;
        let breaks = |reader: usize| match self {
            Fresh => copy.is_replaced() && (0..PROCESSES).all(idle),
            ReadYourWrites => copy.replaced_by[reader] && idle(reader),
            Bounded => copy.replaced_for >= cache.bound(),
            BoundedSooner => copy.replaced_for >= cache.bound() - 1,
            Unused => true,
        };
        let mut readers = (0..PROCESSES).filter(|process| !state.processes[*process].missing);
        !readers.any(breaks)
    }
}

impl State {
    /// `None` while somebody has no tick left.
    fn tick(&mut self, bound: u8) -> Option<()> {
        for Process { reader, writer, .. } in &mut self.processes {
            if let Reader::Selected(_, left) = reader {
                *left = left.checked_sub(1)?;
            }
            if let Writer::Buried(left) = writer {
                *left = left.checked_sub(1)?;
            }
        }
        if let Some((_, left)) = &mut self.redis {
            *left -= 1;
        }
        self.redis.take_if(|(_, left)| *left == 0);
        for copy in self.copies().filter(|copy| copy.is_replaced()) {
            copy.replaced_for = bound.min(copy.replaced_for + 1); // beyond it no promise looks
        }
        Some(())
    }

    fn copies(&mut self) -> impl Iterator<Item = &mut Copy> {
        let kept = self.redis.iter_mut().filter_map(|(value, _)| match value {
            Value::User(copy) => Some(copy),
            Value::Tombstone => None,
        });
        let held = self.processes.iter_mut();
        let held = held.filter_map(|process| match &mut process.reader {
            Reader::Selected(copy, _) => Some(copy),
            _ => None,
        });
        kept.chain(held)
    }
}

impl Copy {
    fn is_replaced(&self) -> bool {
        self.replaced_by.contains(&true)
    }
}

fn only_if(possible: bool) -> Option<()> {
    possible.then_some(())
}

fn advance<T: PartialEq>(who: &mut T, from: T, to: T) -> Option<()> {
    only_if(*who == from)?;
    *who = to;
    Some(())
}
