//! The tables: made once, by those who may; then only looked at. What is not ours is left as it
//! is.

use super::process::expect_failure;
use super::session::behind;
use crate::answer::Answer;
use crate::service::Service;
use crate::sqlproxy::SqlProxy;
use crate::sqlproxy::Which;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use ladder::services::MYSQL_ADDR;
use reqwest::Client;

/// The server's number for: it is read-only, as a replica is.
const READ_ONLY: u16 = 1290;

/// How each statement begins that a read-only server refuses.
const WRITES: &[&str] = &[
    "INSERT",
    "UPDATE",
    "DELETE",
    "REPLACE",
    "CREATE",
    "ALTER",
    "DROP",
    "TRUNCATE",
    "BEGIN; INSERT",
];

/// Makes the tables and the user gopher.
async fn migrate(stage: &Stage) -> anyhow::Result<()> {
    let created = stage.run(&["create", "gopher", "0"]).await?;
    ensure!(created.status.success(), "it cannot begin: {created:?}");
    Ok(())
}

async fn read(service: &Service) -> anyhow::Result<Answer> {
    let url = format!("{}/users/1", service.http()?);
    Answer::of(reqwest::get(url).await?).await
}

/// The account that serves is often not the one that migrates.
pub(crate) async fn an_up_to_date_schema_asks_for_no_right_to_create(
    stage: &Stage,
) -> anyhow::Result<()> {
    migrate(stage).await?;
    let database = stage.database().await?;
    database.allow("SELECT, INSERT, UPDATE, DELETE").await?;
    let service = stage.serve(&[]).await;
    let service = service.context("all is migrated, and without the right to create")?;
    let read = read(&service).await?;
    ensure!(read.status == 200, "{read:?}");
    service.create_gopher().await?;
    service.stop().await
}

pub(crate) async fn it_starts_on_a_read_only_server(stage: &Stage) -> anyhow::Result<()> {
    migrate(stage).await?;
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    proxy.refuse(WRITES, READ_ONLY, Which::All);
    let service = behind(stage, &proxy, &[]).await;
    let service = service.context("all is migrated, and the server is read-only")?;
    let read = read(&service).await?;
    ensure!(read.status == 200, "{read:?}");
    let create = Client::new().post(format!("{}/users", service.http()?));
    let create = create.form(&[("name", "gopher"), ("sex", "0")]).send();
    let told = Answer::of(create.await?).await?.expect_problem(503, None);
    told.context("a create on a read-only server")?;
    service.stop().await
}

/// Another program's table may have any columns, even the same ones as ours.
pub(crate) async fn a_foreign_table_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let database = stage.database().await?;
    for (table, columns) in [
        ("users", "id INT PRIMARY KEY, email VARCHAR(99)"),
        (
            "users",
            "uid BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(18) NOT NULL, \
             sex TINYINT NOT NULL",
        ),
        ("pings", "host VARCHAR(99), seen TIMESTAMP"),
    ] {
        database
            .execute(format!("CREATE TABLE {table} ({columns})"))
            .await?;
        let before = database.tables().await?;
        let output = stage.run(&["create", "gopher", "0"]).await?;
        let after = database.tables().await?;
        ensure!(
            !output.status.success() && after == before,
            "another program's {table} ({columns}) is taken over: now there are {after:?}"
        );
        let told = expect_failure(&output, &["cannot migrate mysql://"]);
        told.with_context(|| format!("{table} ({columns})"))?;
        database.execute(format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}

pub(crate) async fn a_failed_migration_tells_its_cause_once(stage: &Stage) -> anyhow::Result<()> {
    stage.database().await?.allow("SELECT").await?;
    let output = stage.run(&["read", "1"]).await?;
    expect_failure(&output, &["cannot migrate", "denied"])?;
    let causes = output.stderr.matches("denied").count();
    ensure!(
        causes == 1,
        "the cause is told {causes} times: {}",
        output.stderr
    );
    Ok(())
}
