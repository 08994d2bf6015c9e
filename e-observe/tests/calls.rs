//! Several backends on one store: none of them is missed, and each of them is used.

mod common;

use common::MYSQL;
use common::REDIS;
use common::client;
use common::database::Database;
use common::proxy::Network;
use common::proxy::Proxy;
use common::redis;
use common::service::Service;
use common::service::known;
use nix::sys::signal::Signal;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio::time::timeout;

/// How many reads each test sends, and how often.
const READS: usize = 100;
const EACH: Duration = Duration::from_millis(20);

/// A read that takes longer than this has failed.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test]
#[ignore = "e-micro: a backend that is killed costs no read"]
async fn one_is_killed() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.backends[0].signal(Signal::SIGKILL)?;
    let failed = stage.failed_reads().await?;
    assert_eq!(failed, 0, "a backend that is killed costs no read");
    Ok(())
}

#[tokio::test]
#[ignore = "e-micro: a backend that is stopped costs no read"]
async fn one_is_stopped() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.backends[0].signal(Signal::SIGSTOP)?;
    let failed = stage.failed_reads().await?;
    assert_eq!(failed, 0, "a backend that is stopped costs no read");
    Ok(())
}

#[tokio::test]
#[ignore = "e-micro: a backend that is slow costs no read"]
async fn one_is_slow() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    // Each of its reads takes seconds, and then fails.
    stage.network.turn(Network::Hung);
    let failed = stage.failed_reads().await?;
    assert_eq!(failed, 0, "a backend that is slow costs no read");
    Ok(())
}

#[tokio::test]
#[ignore = "e-micro: a backend that is restarted costs no read"]
async fn one_is_restarted() -> anyhow::Result<()> {
    let mut stage = Stage::new().await?;
    let old = stage.backends.swap_remove(0);
    let again = stage.one_more();
    let restart = async {
        old.stop().await?;
        again.await
    };
    let (failed, restarted) = tokio::join!(stage.failed_reads(), restart);
    restarted?;
    assert_eq!(failed?, 0, "a backend that is restarted costs no read");
    Ok(())
}

#[tokio::test]
#[ignore = "e-micro: a backend that is added gets reads"]
async fn one_is_added() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    let added = stage.one_more().await?;
    anyhow::ensure!(stage.failed_reads().await? == 0, "reads fail");
    let called = timeout(SOON, added.wait_until_said("/service.goms.User/ReadUser"));
    assert!(called.await.is_ok(), "a backend that is added gets reads");
    Ok(())
}

/// Three backends on one store, and before them a front that has read a user by one of them.
struct Stage {
    front: Service,
    backends: Vec<Service>,
    /// Between the first backend and MySQL.
    network: Proxy,
    /// How the backends and the front find each other, if they can.
    registry: String,
    database: Database,
}

impl Stage {
    async fn new() -> anyhow::Result<Self> {
        let (database, network) = (Database::create().await?, Proxy::before(MYSQL).await?);
        // A name of its own, as other tests use the same Redis.
        let registry = format!("{}/?name={}", redis(REDIS), database.name);
        let behind_proxy = database.by_way_of(network.addr);
        let first = backend(&registry, &behind_proxy).await?;
        let second = backend(&registry, &database.url()).await?;
        let third = backend(&registry, &database.url()).await?;
        let upstream = format!("http://{}", first.grpc);
        let finds = known(&[("--micro-registry", &registry)]).await?;
        let flags = ["--store", "grpc", "--grpc-upstream", &upstream];
        let front = Service::start(&[&flags, &finds[..]].concat()).await?;
        let create = client()?.post(front.url("/users"));
        let create = create.form(&[("name", "gopher"), ("sex", "0")]).send();
        create.await?.error_for_status()?;
        let stage = Self {
            front,
            backends: vec![first, second, third],
            network,
            registry,
            database,
        };
        anyhow::ensure!(stage.reads().await, "the front is not up");
        Ok(stage)
    }

    /// One more backend.
    async fn one_more(&self) -> anyhow::Result<Service> {
        backend(&self.registry, &self.database.url()).await
    }

    /// Reads for a while, as many clients do, and counts the reads that fail.
    async fn failed_reads(&self) -> anyhow::Result<usize> {
        let url = self.front.url("/users/1");
        let client = client()?;
        let (mut reads, mut next) = (JoinSet::new(), interval(EACH));
        for _ in 0..READS {
            next.tick().await;
            let read = client.get(&url).timeout(SOON).send();
            reads.spawn(async move { read.await.is_ok_and(|answer| answer.status() == 200) });
        }
        let reads = reads.join_all().await;
        Ok(reads.iter().filter(|good| !**good).count())
    }

    /// Whether one read succeeds.
    async fn reads(&self) -> bool {
        let url = self.front.url("/users/1");
        let read = reqwest::get(url).await;
        read.is_ok_and(|answer| answer.status() == 200)
    }
}

/// A backend on this database, which tells of each call. It finds no cache, which would answer
/// in the database's place.
async fn backend(registry: &str, url: &str) -> anyhow::Result<Service> {
    let nowhere = redis("127.0.0.1:1");
    let stores = ["--mysql-url", url, "--redis-url", &nowhere];
    let joins = known(&[("--micro-registry", registry)]).await?;
    let told = ["--log-filter", "debug"];
    Service::start(&[&stores, &told[..], &joins].concat()).await
}
