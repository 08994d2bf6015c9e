//! The gRPC way in: the same calls as over HTTP, with a typed contract, `api/user.proto`.
//!
//! `grpc/call.rs` watches over the calls. `grpc/upstream.rs` is the other side, a client that
//! serves as a store.

pub mod call;
pub mod upstream;

use crate::drain;
use crate::drain::Drain;
use crate::http;
use crate::limit;
use crate::limit::Limits;
use crate::limit::MAX_BODY;
use crate::limit::server;
use crate::store;
use crate::store::Protocol;
use crate::store::Store;
use crate::user;
use crate::user::Invalid;
use axum::middleware::from_fn;
use axum::middleware::from_fn_with_state;
use proto::PingReply;
use proto::PingRequest;
use proto::UserId;
use proto::UserRecord;
use proto::user_server::User;
use proto::user_server::UserServer;
use std::net::SocketAddr;
use std::sync::Arc;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic::async_trait;
use tonic::service::Routes;
use tower_http::catch_panic::CatchPanicLayer;

/// What `build.rs` made of `api/user.proto`.
#[allow(missing_docs)]
pub mod proto {
    tonic::include_proto!("service.goms");

    /// The encoded descriptors, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/user.bin"));
}

/// Binds the address and returns the server, which runs until the stop.
///
/// # Errors
///
/// The address cannot be bound.
pub async fn serve(
    addr: SocketAddr,
    limits: Limits,
    store: Arc<dyn Store>,
    drain: Drain,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let listener = http::bind("grpc", addr).await?;
    let users = UserServer::new(Users { store });
    let users = users.max_decoding_message_size(MAX_BODY);
    let routes = Routes::new(users)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .into_axum_router()
        .layer((
            from_fn(call::watch),
            from_fn_with_state(drain.clone(), drain::track),
            from_fn_with_state(limits.places(), limit::call::limit),
            CatchPanicLayer::custom(call::panicked),
        ));
    Ok(server::grpc(listener, routes, limits, drain))
}

/// Tells clients the contract. Older ones ask for it in the protocol's version v1alpha.
fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
}

/// The service of `api/user.proto`.
struct Users {
    store: Arc<dyn Store>,
}

#[async_trait]
impl User for Users {
    async fn ping(&self, request: Request<PingRequest>) -> Result<Response<PingReply>, Status> {
        let count = self.store.ping(Protocol::Grpc).await?;
        let message = user::pong(&request.get_ref().message);
        Ok(Response::new(PingReply { message, count }))
    }

    async fn create_user(&self, request: Request<UserRecord>) -> Result<Response<UserId>, Status> {
        let UserRecord { uid: _, name, sex } = request.into_inner();
        let user = self.store.create(name.try_into()?, sex.try_into()?).await?;
        let uid = user.uid.into();
        Ok(Response::new(UserId { uid }))
    }

    async fn read_user(&self, request: Request<UserId>) -> Result<Response<UserRecord>, Status> {
        let user = self.store.read(request.get_ref().uid.try_into()?).await?;
        Ok(Response::new(user.into()))
    }

    async fn update_user(&self, request: Request<UserRecord>) -> Result<Response<()>, Status> {
        let user = request.into_inner().try_into()?;
        self.store.update(user).await?;
        Ok(Response::new(()))
    }

    async fn delete_user(&self, request: Request<UserId>) -> Result<Response<()>, Status> {
        self.store.delete(request.get_ref().uid.try_into()?).await?;
        Ok(Response::new(()))
    }
}

impl From<user::User> for UserRecord {
    fn from(user: user::User) -> Self {
        let (uid, name, sex) = (user.uid.into(), user.name.into(), user.sex.into());
        Self { uid, name, sex }
    }
}

impl TryFrom<UserRecord> for user::User {
    type Error = Invalid;

    fn try_from(record: UserRecord) -> Result<Self, Invalid> {
        let UserRecord { uid, name, sex } = record;
        let (uid, name, sex) = (uid.try_into()?, name.try_into()?, sex.try_into()?);
        Ok(Self { uid, name, sex })
    }
}

impl From<Invalid> for Status {
    fn from(invalid: Invalid) -> Self {
        Self::invalid_argument(invalid.to_string())
    }
}

impl From<store::Error> for Status {
    fn from(error: store::Error) -> Self {
        let text = error.to_string();
        match error {
            store::Error::NotFound(_) => Self::not_found(text),
            store::Error::Unavailable(cause) => with_cause(Self::unavailable(text), cause),
            store::Error::Failed(cause) => with_cause(Self::internal(text), cause),
        }
    }
}

/// Gives a status its cause, which goes as far as the log and not to the client.
fn with_cause(mut status: Status, cause: store::Cause) -> Status {
    status.set_source(cause.into());
    status
}

#[cfg(test)]
mod tests;
