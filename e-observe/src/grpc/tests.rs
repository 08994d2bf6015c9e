//! gRPC over a store that does what the test wants, as for HTTP.

use super::proto::PingRequest;
use super::proto::UserId;
use super::proto::UserRecord;
use super::proto::user_client::UserClient;
use crate::drain::Drain;
use crate::flag::Settings;
use crate::limit::Limits;
use crate::store::Error;
use crate::store::Memory;
use crate::store::MockStore;
use crate::store::Protocol;
use crate::store::Store;
use crate::store::tests::FAILED;
use crate::store::tests::UNAVAILABLE;
use crate::store::tests::failing;
use crate::user;
use axum::http::uri::PathAndQuery;
use clap::Parser;
use mockall::predicate::eq;
use proptest::prelude::*;
use prost::Message;
use std::future::poll_fn;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;
use tonic::Code;
use tonic::Request;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

/// Far more than an answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn each_failure_of_the_store_has_its_code() -> anyhow::Result<()> {
    for (error, code) in [(UNAVAILABLE, Code::Unavailable), (FAILED, Code::Internal)] {
        let (client, _stop) = over(Arc::new(failing(error))).await?;
        for status in each_call(&client).await {
            let status = status.err();
            assert_eq!(status.as_ref().map(Status::code), Some(code), "{status:?}");
            let text = format!("{status:?}");
            assert!(!text.contains("unspeakable"), "it shows the cause: {text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_ping_is_counted_as_one_over_grpc() -> anyhow::Result<()> {
    let mut store = MockStore::new();
    store
        .expect_ping()
        .with(eq(Protocol::Grpc))
        .times(1)
        .returning(|_| Ok(41));
    let (mut client, _stop) = over(Arc::new(store)).await?;
    let message = "m".to_owned();
    let reply = client.ping(PingRequest { message }).await?.into_inner();
    assert_eq!((reply.message.as_str(), reply.count), ("pong m", 41));
    Ok(())
}

/// A mock without expectations panics when it is called: a bad call must not get there.
#[tokio::test]
async fn a_bad_field_never_reaches_the_store() -> anyhow::Result<()> {
    let (mut client, _stop) = over(Arc::new(MockStore::new())).await?;
    let record = |uid, name: &str, sex| UserRecord {
        uid,
        name: name.to_owned(),
        sex,
    };
    for (call, field) in [
        (client.create_user(record(0, "", 0)).await.err(), "name"),
        (
            client.create_user(record(0, "gopher", 3)).await.err(),
            "sex",
        ),
        (client.update_user(record(0, "", 3)).await.err(), "uid"),
        (client.read_user(UserId { uid: -1 }).await.err(), "uid"),
        (client.delete_user(UserId { uid: 0 }).await.err(), "uid"),
    ] {
        let told = call
            .as_ref()
            .map(|it| (it.code(), it.message().starts_with(field)));
        assert_eq!(
            told,
            Some((Code::InvalidArgument, true)),
            "{field}: {call:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_panic_costs_one_call() -> anyhow::Result<()> {
    let mut store = MockStore::new();
    store.expect_read().returning(|_| panic!("unspeakable"));
    store
        .expect_delete()
        .returning(|uid| Err(Error::NotFound(uid)));
    let (mut client, _stop) = over(Arc::new(store)).await?;
    let failed = client.read_user(UserId { uid: 1 }).await.err();
    assert_eq!(
        failed.as_ref().map(Status::code),
        Some(Code::Internal),
        "{failed:?}"
    );
    let next = client.delete_user(UserId { uid: 1 }).await.err();
    assert_eq!(next.map(|status| status.code()), Some(Code::NotFound));
    Ok(())
}

#[tokio::test]
async fn a_store_that_hangs_holds_up_nobody_who_does_not_need_it() -> anyhow::Result<()> {
    let store = Arc::new(Memory::default());
    let (client, _stop) = over(store.clone()).await?;
    let hanging = store.hang().await;
    let (mut first, mut second) = (client.clone(), client);
    let (answer, ()) = tokio::join!(first.read_user(UserId { uid: 1 }), async {
        let bad = second.read_user(UserId { uid: 0 }).await.err();
        assert_eq!(bad.map(|it| it.code()), Some(Code::InvalidArgument));
        drop(hanging);
    });
    assert_eq!(answer.err().map(|it| it.code()), Some(Code::NotFound));
    Ok(())
}

/// A message of another type: a text where a number should be.
#[tokio::test]
async fn a_message_that_cannot_be_read_is_the_clients_fault() -> anyhow::Result<()> {
    let (channel, _stop) = channel(Arc::new(MockStore::new())).await?;
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await?;
    let message = "m".to_owned();
    let request = Request::new(PingRequest { message });
    let path = PathAndQuery::from_static("/service.goms.User/ReadUser");
    let codec = ProstCodec::<PingRequest, UserRecord>::default();
    let refused = client.unary(request, path, codec).await.err();
    let code = refused.as_ref().map(Status::code);
    assert_eq!(code, Some(Code::InvalidArgument), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn another_content_type_is_415() -> anyhow::Result<()> {
    let (mut channel, _stop) = channel(Arc::new(MockStore::new())).await?;
    for (content_type, status) in [
        ("application/grpc", 200),
        ("application/grpc+proto", 200),
        ("application/grpc+json", 415),
        ("application/grpc-web", 415),
        ("application/json", 415),
    ] {
        let request = axum::http::Request::post("/service.goms.User/ReadUser");
        let request = request.header("content-type", content_type);
        poll_fn(|context| channel.poll_ready(context)).await?;
        let answer = channel.call(request.body(Body::empty())?).await?;
        assert_eq!(answer.status(), status, "{content_type}");
    }
    Ok(())
}

/// Older clients know v1alpha only.
#[tokio::test]
async fn both_versions_of_reflection_name_the_service() -> anyhow::Result<()> {
    let (channel, _stop) = channel(Arc::new(Memory::default())).await?;
    macro_rules! assert_names {
        ($version:ident) => {{
            use tonic_reflection::pb::$version::ServerReflectionRequest;
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;

            let asked = Some(MessageRequest::ListServices(String::new()));
            let host = String::new();
            let request = ServerReflectionRequest {
                host,
                message_request: asked,
            };
            let requests = tokio_stream::once(request);
            let mut client = ServerReflectionClient::new(channel.clone());
            let replies = client.server_reflection_info(requests).await?;
            let reply = format!("{:?}", replies.into_inner().message().await?);
            assert!(reply.contains("service.goms.User"), "{reply}");
        }};
    }
    assert_names!(v1);
    assert_names!(v1alpha);
    Ok(())
}

proptest! {
    #[test]
    fn any_user_survives_protobuf(user in user::tests::user()) {
        let bytes = UserRecord::from(user.clone()).encode_to_vec();
        let read = user::User::try_from(UserRecord::decode(&bytes[..])?);
        prop_assert_eq!(read, Ok(user));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(record) = UserRecord::decode(&bytes[..]) {
            let _ = user::User::try_from(record);
        }
    }
}

/// The outcome of a call of each kind.
async fn each_call(client: &UserClient<Channel>) -> [Result<(), Status>; 5] {
    let mut client = client.clone();
    let (uid, name, sex) = (1, "gopher".to_owned(), 0);
    let record = UserRecord { uid, name, sex };
    [
        client.create_user(record.clone()).await.map(drop),
        client.read_user(UserId { uid }).await.map(drop),
        client.update_user(record).await.map(drop),
        client.delete_user(UserId { uid }).await.map(drop),
        client.ping(PingRequest::default()).await.map(drop),
    ]
}

/// A client of a server over this store, which runs until the guard is dropped.
async fn over(store: Arc<dyn Store>) -> anyhow::Result<(UserClient<Channel>, DropGuard)> {
    let (channel, stop) = channel(store).await?;
    Ok((UserClient::new(channel), stop))
}

/// A connection to a server over this store, which runs until the guard is dropped.
async fn channel(store: Arc<dyn Store>) -> anyhow::Result<(Channel, DropGuard)> {
    let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let stop = CancellationToken::new();
    let settings = Settings::try_parse_from([""])?;
    let limits = Limits::new(&settings.limit, 0)?;
    let drain = Drain::new(&settings.drain, stop.clone());
    tokio::spawn(super::serve(addr, limits, store, drain).await?);
    let channel = Channel::from_shared(format!("http://{addr}"))?.timeout(PATIENCE);
    Ok((channel.connect().await?, stop.drop_guard()))
}
