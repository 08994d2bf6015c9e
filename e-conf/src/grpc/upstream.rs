//! The users of another instance of this service, as a store.

use super::proto::PingRequest;
use super::proto::UserId;
use super::proto::UserRecord;
use super::proto::user_client::UserClient;
use crate::flag;
use crate::http::limits::REQUEST_TIMEOUT;
use crate::store::Error;
use crate::store::Protocol;
use crate::store::Result;
use crate::store::Store;
use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;
use crate::user::User;
use async_trait::async_trait;
use std::time::Duration;
use tonic::Code;
use tonic::Request;
use tonic::Status;
use tonic::transport::Channel;
use tonic::transport::Uri;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often an upstream from which nothing comes is asked whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Reads the address of an instance.
///
/// # Errors
///
/// It is not of the form `http://HOST:PORT`.
pub fn origin(text: &str) -> std::result::Result<Uri, &'static str> {
    let uri = text.parse::<Uri>().ok();
    let plain = |uri: &Uri| uri.scheme_str() == Some("http") && uri.port().is_some();
    let bare = |uri: &Uri| uri.path() == "/" && uri.query().is_none() && !text.contains('@');
    let uri = uri.filter(|uri| plain(uri) && bare(uri));
    uri.ok_or("it must be like http://HOST:PORT")
}

/// The users of another instance.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: UserClient<Channel>,
}

impl Upstream {
    /// Makes ready to call it. It connects on the first call, so that the two instances may
    /// start in any order.
    pub fn connect(flags: &flag::Grpc) -> Self {
        let channel = Channel::builder(flags.upstream.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            // After our own, so that the caller is told the truth.
            .timeout(REQUEST_TIMEOUT + CONNECT_TIMEOUT)
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
        let record = UserRecord {
            uid: 0,
            name: name.clone().into(),
            sex: sex.into(),
        };
        let reply = self
            .client()
            .create_user(call(record))
            .await
            .map_err(failed)?;
        let uid = Uid::try_from(reply.into_inner().uid).map_err(malformed)?;
        Ok(User { uid, name, sex })
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        let id = UserId { uid: uid.into() };
        let reply = self
            .client()
            .read_user(call(id))
            .await
            .map_err(|status| about(uid, status))?;
        reply.into_inner().try_into().map_err(malformed)
    }

    async fn update(&self, user: User) -> Result<()> {
        let uid = user.uid;
        let record = UserRecord::from(user);
        self.client()
            .update_user(call(record))
            .await
            .map_err(|status| about(uid, status))?;
        Ok(())
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        let id = UserId { uid: uid.into() };
        self.client()
            .delete_user(call(id))
            .await
            .map_err(|status| about(uid, status))?;
        Ok(())
    }

    /// Upstream it came by gRPC, and is counted as such, whatever brought it here.
    async fn ping(&self, _protocol: Protocol) -> Result<i64> {
        let reply = self.client().ping(call(PingRequest::default())).await;
        Ok(reply.map_err(failed)?.into_inner().count)
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// The call, and how long its answer is waited for: nobody has to work on it after that.
fn call<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(REQUEST_TIMEOUT);
    request
}

/// What a status means that was answered to a call about one user.
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
