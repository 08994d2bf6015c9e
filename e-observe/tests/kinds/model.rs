//! Model-based: any sequence of calls has the same answers from every store. The one in memory
//! is the model, because anybody can see that it is right.

use crate::common::REDIS;
use crate::common::database::Database;
use crate::common::redis;
use crate::common::service::Service;
use crate::common::store;
use e_observe::grpc::upstream::Upstream;
use e_observe::store::Memory;
use e_observe::store::Protocol;
use e_observe::store::Store;
use e_observe::user::Name;
use e_observe::user::Sex;
use e_observe::user::Uid;
use e_observe::user::User;
use proptest::prelude::*;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[derive(Clone, Debug)]
enum Call {
    Create(Name, Sex),
    Read(Uid),
    Update(User),
    Delete(Uid),
    /// Over gRPC, as every ping that goes through another instance.
    Ping,
    /// Close the store and open it again.
    Reopen,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_store_gives_the_same_answers(calls in prop::collection::vec(call(), 1..30)) {
        let answers = Runtime::new()?.block_on(all(&calls));
        let answers = answers.map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        let (_, model) = &answers[0];
        for (name, answers) in &answers {
            prop_assert_eq!(answers, model, "{} is not like memory", name);
        }
    }
}

/// Few uids, so that most calls meet a user. Names that some layer might change on the way.
fn call() -> impl Strategy<Value = Call> {
    use Sex::*;
    let uid = (1..8_i64).prop_filter_map("a uid", |number| Uid::try_from(number).ok());
    let text = prop_oneof!["\\PC{1,18}", "[ '\"\\\\%_;]{1,18}", "[Aaä\u{308}ß🦀]{1,18}"];
    let name = text.prop_filter_map("a name", |text| Name::try_from(text).ok());
    let sex = prop::sample::select(vec![NotKnown, Male, Female, NotApplicable]);
    let user = (uid.clone(), name.clone(), sex.clone());
    prop_oneof![
        4 => (name, sex).prop_map(|(name, sex)| Call::Create(name, sex)),
        4 => uid.clone().prop_map(Call::Read),
        2 => user.prop_map(|(uid, name, sex)| Call::Update(User { uid, name, sex })),
        1 => uid.prop_map(Call::Delete),
        1 => Just(Call::Ping),
        1 => Just(Call::Reopen),
    ]
}

type Answers = Vec<Result<String, String>>;

/// The answers of each store, the model's first.
async fn all(calls: &[Call]) -> anyhow::Result<Vec<(&'static str, Answers)>> {
    let memory: Arc<dyn Store> = Arc::new(Memory::default());
    let folder = TempDir::new()?;
    let file = folder.path().join("users.yaml");
    let (plain, cached) = (Database::create().await?, Database::create().await?);
    let back = Service::start(&["--store", "memory"]).await?;
    let upstream: Arc<dyn Store> =
        Arc::new(Upstream::new(format!("http://{}", back.grpc).parse()?));
    let cache = redis(REDIS);
    let answers = vec![
        ("memory", ask(calls, async || Ok(memory.clone())).await?),
        ("yaml", ask(calls, async || store::yaml(&file)).await?),
        (
            "mysql",
            ask(calls, async || store::mysql(&plain.url()).await).await?,
        ),
        (
            "redis",
            ask(calls, async || store::cached(&cached.url(), &cache).await).await?,
        ),
        ("grpc", ask(calls, async || Ok(upstream.clone())).await?),
    ];
    back.stop().await?;
    Ok(answers)
}

/// What a store answers to each call, and which users it has at the end.
async fn ask(
    calls: &[Call],
    open: impl AsyncFn() -> anyhow::Result<Arc<dyn Store>>,
) -> anyhow::Result<Answers> {
    let mut store = open().await?;
    let mut answers = Vec::new();
    let all = (1..8).map(|uid| Ok(Call::Read(Uid::try_from(uid)?)));
    let all = all.collect::<anyhow::Result<Vec<_>>>()?;
    for call in calls.iter().cloned().chain(all) {
        let answer = match call {
            Call::Create(name, sex) => store.create(name, sex).await.map(|it| it.to_string()),
            Call::Read(uid) => store.read(uid).await.map(|it| it.to_string()),
            Call::Update(user) => store.update(user).await.map(|()| String::new()),
            Call::Delete(uid) => store.delete(uid).await.map(|()| String::new()),
            Call::Ping => store.ping(Protocol::Grpc).await.map(|it| it.to_string()),
            Call::Reopen => {
                store.close().await?;
                drop(store);
                store = open().await?;
                continue;
            }
        };
        answers.push(answer.map_err(|error| error.to_string()));
    }
    store.close().await?;
    Ok(answers)
}
