//! Statements that callers share.
//!
//! Most of what a short statement costs is the way to the server and back. So only a few of
//! a kind are under way at a time; who comes meanwhile waits, and the next statement asks
//! for all who wait. The more there are, the less each costs. One alone waits for nobody.

use super::pool::ACQUIRE_TIMEOUT;
use super::pool::Lent;
use super::pool::Pool;
use crate::store::Cause;
use crate::store::Error;
use crate::store::Result;
use sqlx::mysql::MySqlConnection;
use std::mem::take;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::RecvError;
use tokio::time::timeout;

/// How many statements of a kind are under way at a time. The fewer, the more callers share
/// each; but with one, two callers would have to wait for each other.
const TURNS: usize = 2;

/// How long a statement may take: longer than any request waits for it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

/// A statement, or a message of several, that can do for many callers what it does for one.
pub(super) trait Statement: Send + Sync + 'static {
    /// What a caller asks.
    type Question: Send + Sync + 'static;
    /// What it is told.
    type Answer: Send + 'static;

    /// Asks all questions at once; the answers are in their order.
    fn run(
        &self,
        connection: &mut MySqlConnection,
        questions: &[Self::Question],
    ) -> impl Future<Output = sqlx::Result<Vec<Self::Answer>>> + Send;
}

/// A statement, run for batches of callers.
pub(super) struct Batches<S: Statement>(Arc<Shared<S>>);

/// What callers share with the tasks that run the statement: one of them may hang up while
/// the others still wait.
struct Shared<S: Statement> {
    statement: S,
    pool: Arc<Pool>,
    turns: Arc<Semaphore>,
    batch: Mutex<Batch<S::Question, S::Answer>>,
}

/// Those who wait.
struct Batch<Q, A> {
    /// How many batches went before it.
    number: u64,
    callers: Vec<(Q, Reply<A>)>,
}

/// Where an answer goes.
type Reply<A> = oneshot::Sender<Result<A>>;

impl<S: Statement> Batches<S> {
    /// No batch yet.
    pub(super) fn new(statement: S, pool: Arc<Pool>) -> Self {
        Self(Arc::new(Shared {
            statement,
            pool,
            turns: Arc::new(Semaphore::new(TURNS)),
            batch: Mutex::new(Batch {
                number: 0,
                callers: Vec::new(),
            }),
        }))
    }

    /// Asks, together with all who wait at the time.
    pub(super) async fn ask(&self, question: S::Question) -> Result<S::Answer> {
        let Self(shared) = self;
        let (reply, mut answer) = oneshot::channel();
        let number = {
            let mut batch = shared.batch();
            batch.callers.push((question, reply));
            if let Ok(turn) = shared.turns.clone().try_acquire_owned() {
                tokio::spawn(shared.clone().run(turn));
            }
            batch.number
        };
        if let Ok(answer) = timeout(ACQUIRE_TIMEOUT, &mut answer).await {
            return answer.unwrap_or_else(unanswered);
        }
        {
            let batch = shared.batch();
            if batch.number == number {
                answer.close(); // under the lock: what is refused is not done after all
                return Err(Error::Unavailable(
                    format!("no turn in {ACQUIRE_TIMEOUT:?}").into(),
                ));
            }
        }
        answer.await.unwrap_or_else(unanswered)
    }
}

impl<S: Statement> Shared<S> {
    fn batch(&self) -> MutexGuard<'_, Batch<S::Question, S::Answer>> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the statement for all who wait, again and again until nobody does.
    async fn run(self: Arc<Self>, turn: OwnedSemaphorePermit) {
        loop {
            let session = self.pool.session().await;
            let (questions, replies) = self.take();
            let answers = match session {
                Ok(_) if questions.is_empty() => Ok(Vec::new()),
                Ok(session) => self.answers(session, &questions).await,
                Err(error) => Err(error),
            };
            tell(replies, answers);
            let batch = self.batch();
            if batch.callers.is_empty() {
                drop(turn); // under the lock: who comes next finds it
                return;
            }
        }
    }

    /// Takes all who wait and have not gone.
    fn take(&self) -> (Vec<S::Question>, Vec<Reply<S::Answer>>) {
        let callers = {
            let mut batch = self.batch();
            batch.number += 1;
            take(&mut batch.callers)
        };
        let callers = callers.into_iter();
        callers.filter(|(_, reply)| !reply.is_closed()).unzip()
    }

    async fn answers(
        &self,
        mut session: Lent,
        questions: &[S::Question],
    ) -> Result<Vec<S::Answer>> {
        let answers = self.statement.run(session.start(), questions);
        match timeout(STATEMENT_TIMEOUT, answers).await {
            Ok(answers) => session.finish(answers),
            Err(_) => Err(Error::Unavailable(
                format!("no answer in {STATEMENT_TIMEOUT:?}").into(),
            )),
        }
    }
}

/// Tells each caller its answer, or all of them the error.
fn tell<A>(replies: Vec<Reply<A>>, answers: Result<Vec<A>>) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Ok(answer)); // its caller may be gone
            }
        }
        Err(error) => {
            let error = copies(error);
            for reply in replies {
                let _ = reply.send(Err(error()));
            }
        }
    }
}

/// Makes the same error for each of many.
fn copies(error: Error) -> impl Fn() -> Error {
    let (kind, cause): (fn(Cause) -> Error, Cause) = match error {
        Error::Unavailable(cause) => (Error::Unavailable, cause),
        Error::Failed(cause) => (Error::Failed, cause),
        Error::NotFound(_) => (Error::Failed, error.into()),
    };
    let cause: Arc<dyn std::error::Error + Send + Sync> = cause.into();
    move || kind(cause.clone().into())
}

/// What a statement that panicked has told.
fn unanswered<T>(error: RecvError) -> Result<T> {
    Err(Error::Failed(error.into()))
}
