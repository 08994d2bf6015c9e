//! The HTTP way in.

use super::load::CLIENTS;
use super::load::roomy;
use crate::answer::Answer;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use reqwest::Client;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;

/// How a body is written.
#[derive(Clone, Copy)]
enum Body {
    Form,
    Json,
}

pub(crate) async fn forms_create_read_update_and_delete(stage: &Stage) -> anyhow::Result<()> {
    on_all_stores(stage, Body::Form).await
}

pub(crate) async fn json_creates_reads_updates_and_deletes(stage: &Stage) -> anyhow::Result<()> {
    on_all_stores(stage, Body::Json).await
}

async fn on_all_stores(stage: &Stage, body: Body) -> anyhow::Result<()> {
    for store in stage.stores() {
        let flags = stage.on(store);
        let service = stage.serve(flags).await?;
        round(&service, body)
            .await
            .with_context(|| format!("{store:?}"))?;
        service.stop().await?;
    }
    Ok(())
}

/// A user's whole life.
async fn round(service: &Service, body: Body) -> anyhow::Result<()> {
    let (client, url) = (Client::new(), service.http()?);
    let send = |method: Method, path: &str, user: Value| {
        let request = client.request(method, format!("{url}{path}"));
        match body {
            Body::Form => request.form(&user).send(),
            Body::Json => request.json(&user).send(),
        }
    };
    let users = format!("{url}/users");

    let created = send(Method::POST, "/users", json!({"name": "gopher", "sex": 2})).await?;
    ensure!(
        created.status() == StatusCode::CREATED,
        "create: {}",
        created.status()
    );
    let location = created
        .headers()
        .get("location")
        .context("no Location")?
        .clone();
    let user: Value = created.json().await?;
    let uid = user["uid"].as_i64().context("no uid")?;
    ensure!(
        location == format!("/users/{uid}"),
        "Location: {location:?}"
    );
    ensure!(
        user == json!({"uid": uid, "name": "gopher", "sex": 2}),
        "created {user}"
    );

    let path = format!("/users/{uid}");
    for read in [format!("{users}/{uid}"), format!("{users}?uid={uid}")] {
        // Twice: the second one may come from a cache.
        for _ in 0..2 {
            expect_json(client.get(&read), &user).await?;
        }
    }

    for (path, update, name, sex) in [
        (
            path.as_str(),
            json!({"name": "Zoë +&=%", "sex": "9"}),
            "Zoë +&=%",
            9,
        ),
        (
            "/users",
            json!({"uid": uid.to_string(), "name": "ferris", "sex": 1}),
            "ferris",
            1,
        ),
    ] {
        let updated = send(Method::PUT, path, update).await?;
        ensure!(
            updated.status() == StatusCode::NO_CONTENT,
            "update: {}",
            updated.status()
        );
        ensure!(updated.bytes().await?.is_empty(), "update: a body");
        let user = json!({"uid": uid, "name": name, "sex": sex});
        let read = client.get(format!("{users}/{uid}"));
        expect_json(read, &user).await?;
    }

    let deleted = send(Method::DELETE, &path, json!({})).await?;
    ensure!(
        deleted.status() == StatusCode::NO_CONTENT,
        "delete: {}",
        deleted.status()
    );
    for (method, user) in [
        (Method::GET, json!({})),
        (Method::PUT, json!({"name": "a", "sex": 0})),
        (Method::DELETE, json!({})),
    ] {
        let gone = send(method.clone(), &path, user).await?;
        let told = Answer::of(gone).await?.expect_problem(404, None);
        told.with_context(|| method)?;
    }
    Ok(())
}

/// Wants this, whole, with status 200.
async fn expect_json(request: RequestBuilder, body: &Value) -> anyhow::Result<()> {
    let response = request.send().await?;
    let url = response.url().clone();
    let answer = Answer::of(response).await?;
    ensure!(answer.status == 200, "{url}: {answer:?}");
    let got: Value = serde_json::from_str(&answer.body)?;
    ensure!(got == *body, "{url}: {got}, not {body}");
    Ok(())
}

pub(crate) async fn pings_are_counted_one_by_one(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let (client, url) = (Client::new(), service.http()?);
    let pong = |message: &str, count| json!({"message": message, "count": count});
    let ping = |query: &str| client.get(format!("{url}/ping{query}"));
    expect_json(ping(""), &pong("pong NONE!", 1)).await?;
    expect_json(ping("?message="), &pong("pong NONE!", 2)).await?;
    expect_json(ping("?message=a+b%20c"), &pong("pong a b c", 3)).await?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, url) = (Client::new(), format!("{url}/ping"));
        clients.spawn(async move {
            for _ in 0..100 {
                client.get(&url).send().await?.error_for_status()?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    expect_json(ping(""), &pong("pong NONE!", 6404)).await?;
    service.stop().await
}

pub(crate) async fn users_outlive_a_restart(stage: &Stage) -> anyhow::Result<()> {
    for store in stage.durable() {
        let flags = stage.on(store);
        let client = Client::new();
        let service = stage.serve(flags).await?;
        service.create_gopher().await?;
        client
            .get(format!("{}/ping", service.http()?))
            .send()
            .await?;
        service.stop().await?;
        let service = stage.serve(flags).await?;
        let read = client.get(format!("{}/users/1", service.http()?));
        let gopher = json!({"uid": 1, "name": "gopher", "sex": 0});
        expect_json(read, &gopher).await?;
        let ping = client.get(format!("{}/ping", service.http()?));
        let pong = json!({"message": "pong NONE!", "count": 2});
        expect_json(ping, &pong).await?;
        service.stop().await?;
    }
    Ok(())
}
