//! Snapshots: what others see of the service, so that nobody changes it unawares. After a
//! change that is meant, `INSTA_UPDATE=always cargo test` writes them anew, and the diff of
//! the commit shows it.

use crate::common::client;
use crate::common::service::Service;
use crate::common::service::run;
use e_observe::grpc::proto::DESCRIPTORS;
use insta::assert_snapshot;
use prost::Message;
use prost_types::FileDescriptorSet;
use reqwest::Method;
use std::fmt::Write;
use std::path::Path;

#[tokio::test]
async fn help() -> anyhow::Result<()> {
    let help = run(Path::new("."), &["--help"]).await?;
    assert_snapshot!(String::from_utf8(help.stdout)?);
    Ok(())
}

/// Each answer with its headers, as a client sees it.
#[tokio::test]
async fn http() -> anyhow::Result<()> {
    let service = Service::start(&["--store", "memory"]).await?;
    let mut seen = String::new();
    for (method, path, body) in [
        (Method::GET, "/ping", ""),
        (Method::GET, "/ping?message=m%26m", ""),
        (Method::POST, "/users", "name=gopher&sex=0"),
        (Method::GET, "/users/1", ""),
        (Method::GET, "/users?uid=1", ""),
        (Method::PUT, "/users/1", "name=ferris&sex=1"),
        (Method::PUT, "/users", "uid=1&name=ferris&sex=1"),
        (Method::POST, "/users", "name=&sex=0"),
        (Method::POST, "/users", "name=gopher&sex=3"),
        (Method::POST, "/users", "name=gopher&name=ferris&sex=0"),
        (Method::POST, "/users", "name=%ff&sex=0"),
        (Method::GET, "/users/0", ""),
        (Method::GET, "/users/2", ""),
        (Method::DELETE, "/users/1", ""),
        (Method::DELETE, "/users/1", ""),
        (Method::PATCH, "/users/1", ""),
        (Method::GET, "/nowhere", ""),
    ] {
        let request = client()?.request(method.clone(), service.url(path));
        let form = "application/x-www-form-urlencoded";
        let request = request.header("content-type", form).body(body);
        let answer = request.send().await?;
        writeln!(seen, "{method} {path} {body}\n{}", answer.status())?;
        let mut headers: Vec<_> = answer.headers().iter().collect();
        headers.retain(|(name, _)| *name != "date" && *name != "x-request-id");
        headers.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in headers {
            writeln!(seen, "{name}: {}", value.to_str()?)?;
        }
        writeln!(seen, "{}\n", answer.text().await?)?;
    }
    assert_snapshot!(seen);
    service.stop().await
}

/// Names, numbers and types: what has to stay so that old clients understand new servers.
#[test]
fn protobuf() -> anyhow::Result<()> {
    let mut seen = String::new();
    for file in FileDescriptorSet::decode(DESCRIPTORS)?.file {
        writeln!(seen, "package {}", file.package())?;
        for service in &file.service {
            writeln!(seen, "service {}", service.name())?;
            for method in &service.method {
                let (from, to) = (method.input_type(), method.output_type());
                writeln!(seen, "  {} {from} -> {to}", method.name())?;
            }
        }
        for message in &file.message_type {
            writeln!(seen, "message {}", message.name())?;
            for field in &message.field {
                let (name, number) = (field.name(), field.number());
                writeln!(seen, "  {number} {name} {:?}", field.r#type())?;
            }
        }
    }
    assert_snapshot!(seen);
    Ok(())
}
