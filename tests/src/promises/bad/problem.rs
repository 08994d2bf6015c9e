//! Errors by HTTP: each kind is told in a form that machines read, `answer.rs` says which.

use crate::answer::Answer;
use crate::stage::Stage;
use anyhow::Context;
use reqwest::Client;

pub(crate) async fn an_error_is_a_problem_document(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let (client, url) = (Client::new(), service.http()?);
    let users = format!("{url}/users");
    let form = |user: &[(&str, &str)]| client.post(&users).form(user);
    let json = |text: &'static str| {
        let request = client
            .post(&users)
            .header("content-type", "application/json; charset=utf-8");
        request.body(text)
    };
    let long = "a".repeat(17 * 1024);
    let (too_long, of_field) = match stage.lesson.has("e-limit") {
        true => (413, None),
        false => (400, Some("name")),
    };
    for (request, status, field) in [
        (client.get(format!("{users}/0")), 400, Some("uid")),
        (
            client.get(format!("{users}/9007199254740992")),
            400,
            Some("uid"),
        ),
        (client.get(format!("{users}/%zz")), 400, Some("uid")),
        (client.get(format!("{users}/%ff")), 400, Some("uid")),
        (client.get(&users), 400, Some("uid")),
        (client.get(format!("{users}?uid=1&uid=2")), 400, None),
        (client.get(format!("{users}?uid=%ff")), 400, None),
        (form(&[]), 400, Some("name")),
        (
            form(&[("name", "1234567890123456789"), ("sex", "7")]),
            400,
            Some("name"),
        ),
        (
            form(&[("name", "a\u{0}b"), ("sex", "0")]),
            400,
            Some("name"),
        ),
        (form(&[("name", "a"), ("sex", "3")]), 400, Some("sex")),
        (
            form(&[("name", "a"), ("name", "b"), ("sex", "0")]),
            400,
            None,
        ),
        (form(&[("name", &long), ("sex", "0")]), too_long, of_field),
        (
            json(r#"{"name": "a", "sex": 99999999999999999999}"#),
            400,
            Some("sex"),
        ),
        (json(r#"{"name": 1, "sex": 0}"#), 400, Some("name")),
        (json(r#"{"name": "a", "name": "b", "sex": 0}"#), 400, None),
        (json(r#"{"name": "#), 400, None),
        (json(r#"["a", "b", 1]"#), 400, None),
        (client.post(&users), 415, None),
        (
            client
                .post(&users)
                .header("content-type", "text/plain")
                .body("x"),
            415,
            None,
        ),
        (client.get(format!("{users}/77")), 404, None),
        (client.get(format!("{url}/nowhere")), 404, None),
        (client.patch(&users), 405, None),
        (client.post(format!("{users}/1")), 405, None),
    ] {
        let response = request.send().await?;
        let url = response.url().clone();
        let told = Answer::of(response).await?.expect_problem(status, field);
        told.with_context(|| url)?;
    }
    service.stop().await
}
