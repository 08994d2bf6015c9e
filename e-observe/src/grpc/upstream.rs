//! The users of another instance of this service, as a store.

use super::proto::PingRequest;
use super::proto::UserId;
use super::proto::UserRecord;
use super::proto::user_client::UserClient;
use crate::observe::trace;
use crate::store::Error;
use crate::store::Protocol;
use crate::store::Result;
use crate::store::Store;
use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;
use crate::user::User;
use anyhow::ensure;
use async_trait::async_trait;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::time::Duration;
use tokio::net::lookup_host;
use tonic::Code;
use tonic::Request;
use tonic::Status;
use tonic::transport::Channel;
use tonic::transport::Uri;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the other instance may work on a call.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How often an upstream that sends nothing is asked whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Refuses an upstream that leads back to `addr`, where this process itself serves: each call
/// would be passed on in a circle. A host that cannot be resolved now may be known later, and
/// is let through.
///
/// # Errors
///
/// It leads back.
pub async fn refuse_own(upstream: &Uri, addr: SocketAddr) -> anyhow::Result<()> {
    let host = upstream.host().unwrap_or_default();
    let host = host.trim_matches(['[', ']']); // an address of IPv6 has them in a URL only
    let Ok(mut found) = lookup_host((host, upstream.port_u16().unwrap_or_default())).await else {
        return Ok(());
    };
    let leads_back = |found: SocketAddr| {
        let ip = found.ip();
        // Only an address of this machine can be bound.
        let any = addr.ip().is_unspecified() && UdpSocket::bind((ip, 0)).is_ok();
        found.port() == addr.port() && (ip == addr.ip() || ip.is_unspecified() || any)
    };
    ensure!(
        !found.any(leads_back),
        "this process would ask itself: choose another --grpc-upstream, or another --grpc-addr"
    );
    Ok(())
}

/// The users of another instance.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: UserClient<Channel>,
}

impl Upstream {
    /// Prepares to call the instance there. It connects on the first call, so that the two
    /// instances may start in any order.
    pub fn new(uri: Uri) -> Self {
        let channel = Channel::builder(uri)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_while_idle(true)
            .connect_lazy();
        let client = UserClient::new(channel);
        Self { client }
    }

    /// The client counts its requests in `&mut self`; its clones share one connection.
    fn client(&self) -> UserClient<Channel> {
        self.client.clone()
    }
}

#[async_trait]
impl Store for Upstream {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        let (uid, text) = (0, name.clone().into());
        let record = call(UserRecord {
            uid,
            name: text,
            sex: sex.into(),
        });
        let reply = self.client().create_user(record).await.map_err(failed)?;
        let uid = Uid::try_from(reply.into_inner().uid).map_err(malformed)?;
        Ok(User { uid, name, sex })
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        let id = call(UserId { uid: uid.into() });
        let reply = self.client().read_user(id).await;
        let reply = reply.map_err(|status| about(uid, status))?;
        reply.into_inner().try_into().map_err(malformed)
    }

    async fn update(&self, user: User) -> Result<()> {
        let uid = user.uid;
        let record = call(UserRecord::from(user));
        let reply = self.client().update_user(record).await;
        reply.map_err(|status| about(uid, status))?;
        Ok(())
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        let id = call(UserId { uid: uid.into() });
        let reply = self.client().delete_user(id).await;
        reply.map_err(|status| about(uid, status))?;
        Ok(())
    }

    /// It reaches the upstream over gRPC, and is counted there as such, whatever brought it
    /// here.
    async fn ping(&self, _protocol: Protocol) -> Result<i64> {
        let reply = self.client().ping(call(PingRequest::default())).await;
        Ok(reply.map_err(failed)?.into_inner().count)
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// A call that tells the upstream how long its answer is worth anything.
fn call<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    trace::hand_on(request.metadata_mut());
    request
}

/// What a status means as the answer to a call about one user.
fn about(uid: Uid, status: Status) -> Error {
    match status.code() {
        Code::NotFound => Error::NotFound(uid),
        _ => failed(status),
    }
}

fn failed(status: Status) -> Error {
    let code = status.code();
    let cause = format!("--grpc-upstream: {code:?}: {}", status.message()).into();
    match code {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled => {
            Error::Unavailable(cause)
        }
        _ => Error::Failed(cause),
    }
}

fn malformed(invalid: crate::user::Invalid) -> Error {
    Error::Failed(invalid.into())
}

#[cfg(test)]
mod tests;
