//! Server reflection: a client that has no contract asks for it. Old ones do so by v1alpha,
//! new ones by v1, in types of their own; so what both are promised is a macro.

use super::warm::Warm;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use prost::Message;
use prost_types::FileDescriptorProto;
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
