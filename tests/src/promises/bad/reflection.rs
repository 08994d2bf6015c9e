//! Server reflection: a client that has no contract asks for it. Old ones do so by v1alpha,
//! new ones by v1, in types of their own; so what both are promised is a macro.

use super::warm::Warm;
use crate::proto::PingRequest;
use crate::proto::user_client::UserClient;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use prost::Message;
use prost_types::FileDescriptorProto;
use std::time::Duration;
use tokio::time::timeout;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic::Request;
use tonic::Status;
use tonic::transport::Channel;
use tonic_reflection::pb;

macro_rules! version {
    ($version:ident) => {
        async fn $version(channel: Channel) -> anyhow::Result<()> {
            use pb::$version::ServerReflectionRequest;
            use pb::$version::server_reflection_client::ServerReflectionClient;
            use pb::$version::server_reflection_request::MessageRequest;
            use pb::$version::server_reflection_response::MessageResponse;

            let mut client = ServerReflectionClient::new(channel);
            let mut ask = async |question| {
                let request = ServerReflectionRequest {
                    host: String::new(),
                    message_request: Some(question),
                };
                let request = Request::new(tokio_stream::once(request));
                let answers = client.server_reflection_info(request).await?;
                let answer = answers.into_inner().message().await?;
                Ok::<_, Status>(answer.and_then(|answer| answer.message_response))
            };

            let list = ask(MessageRequest::ListServices(String::new())).await?;
            let Some(MessageResponse::ListServicesResponse(list)) = list else {
                bail!("no list of services: {list:?}");
            };
            let services = list.service.into_iter().map(|service| service.name);
            expect_services(services.collect())?;

            let symbol = |name: &str| MessageRequest::FileContainingSymbol(name.to_owned());
            for question in [
                symbol("service.goms.User"),
                symbol("service.goms.User.Ping"),
                symbol("service.goms.UserRecord"),
                MessageRequest::FileByFilename("user.proto".to_owned()),
            ] {
                let files = ask(question.clone()).await?;
                let Some(MessageResponse::FileDescriptorResponse(files)) = files else {
                    bail!("{question:?}: {files:?}");
                };
                let file = files.file_descriptor_proto.first().context("no file")?;
                expect_contract(file)?;
            }

            let nobody = ask(symbol("service.goms.Nobody")).await;
            let code = nobody.err().map(|status| status.code());
            ensure!(code == Some(Code::NotFound), "about nobody: {code:?}");
            Ok(())
        }
    };
}

version!(v1);
version!(v1alpha);

fn expect_services(mut services: Vec<String>) -> anyhow::Result<()> {
    services.retain(|name| !name.starts_with("grpc."));
    ensure!(services == ["service.goms.User"], "services: {services:?}");
    Ok(())
}

fn expect_contract(file: &[u8]) -> anyhow::Result<()> {
    let file = FileDescriptorProto::decode(file)?;
    ensure!(file.package() == "service.goms", "{file:?}");
    let service = file.service.first().context("no service")?;
    let methods: Vec<&str> = service.method.iter().map(|method| method.name()).collect();
    let all = ["Ping", "CreateUser", "ReadUser", "UpdateUser", "DeleteUser"];
    ensure!(methods == all, "methods: {methods:?}");
    Ok(())
}

pub(crate) async fn old_and_new_clients_are_told_the_contract(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let channel = Channel::from_shared(warm.service.grpc()?)?
        .connect()
        .await?;
    v1(channel.clone()).await.context("v1")?;
    v1alpha(channel).await.context("v1alpha")?;
    warm.expect_unharmed().await
}

/// How many calls may be in flight, and how long one may keep silent.
const PLACES: usize = 8;
const SILENCE: Duration = Duration::from_secs(8);

/// A call that streams is in flight for as long as it lasts, also after its answer has begun.
pub(crate) async fn a_stream_keeps_its_place_and_has_an_end(stage: &Stage) -> anyhow::Result<()> {
    use pb::v1::ServerReflectionRequest;
    use pb::v1::server_reflection_client::ServerReflectionClient;
    use pb::v1::server_reflection_request::MessageRequest;

    let flags = [&["--limit-requests", "8"], stage.on(Store::Memory)].concat();
    let service = stage.serve(&flags).await?;
    let channel = Channel::from_shared(service.grpc()?)?.connect().await?;
    let mut client = ServerReflectionClient::new(channel.clone());
    let mut streams = Vec::new();
    for _ in 0..PLACES {
        let question = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        // It asks once, and then keeps silent and does not end.
        let questions = tokio_stream::once(question).chain(tokio_stream::pending());
        let mut answers = client.server_reflection_info(questions).await?.into_inner();
        ensure!(answers.message().await?.is_some(), "no answer");
        streams.push(answers);
    }
    let mut users = UserClient::new(channel);
    let refused = users.ping(PingRequest::default()).await;
    let code = refused.err().map(|status| status.code());
    ensure!(
        code == Some(Code::Unavailable),
        "beyond {PLACES} streams: {code:?}"
    );
    for mut answers in streams {
        let ended = timeout(SILENCE, answers.message()).await;
        let ended = ended.context("a silent stream does not end")?;
        ensure!(!matches!(ended, Ok(Some(_))), "it says more: {ended:?}");
    }
    users.ping(PingRequest::default()).await?;
    service.stop().await
}
