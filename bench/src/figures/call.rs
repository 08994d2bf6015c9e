//! What is asked of a service.

use serde::Serialize;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// The users that are read, in turn: readers of a single one might share its row. By gRPC
/// only the first one is read, because h2load repeats one message. Their uids are of one
/// length, and so are the answers.
pub(crate) const USERS: RangeInclusive<u64> = 100..=199;

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Call {
    /// A ping by HTTP.
    Ping,
    /// A read by HTTP.
    Read,
    /// A ping by gRPC.
    GrpcPing,
    /// A read by gRPC.
    GrpcRead,
    /// A create by HTTP.
    Create,
}

/// A call, where it is made, and on how many connections at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) call: Call,
    pub(crate) address: SocketAddr,
    pub(crate) connections: u64,
}

impl Call {
    /// All of them. Those that make users come last: in memory, users would weigh on what
    /// follows.
    pub(crate) const ALL: [Self; 5] = [
        Self::Ping,
        Self::GrpcPing,
        Self::Read,
        Self::GrpcRead,
        Self::Create,
    ];

    /// What it is called in a table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ping => "`GET /ping`",
            Self::Read => "`GET /users/…`",
            Self::GrpcPing => "gRPC `Ping`",
            Self::GrpcRead => "gRPC `ReadUser`",
            Self::Create => "`POST /users`",
        }
    }

    /// The paths of its URLs. A load takes them in turn; a single question takes the first.
    pub(crate) fn paths(self) -> Vec<String> {
        let path = match self {
            Self::Ping => "/ping",
            Self::Read => return USERS.map(|uid| format!("/users/{uid}")).collect(),
            Self::GrpcPing => "/service.goms.User/Ping",
            Self::GrpcRead => "/service.goms.User/ReadUser",
            Self::Create => "/users",
        };
        vec![path.to_owned()]
    }

    /// The first of its paths.
    pub(crate) fn path(self) -> String {
        self.paths().swap_remove(0)
    }

    /// The form that is sent with it.
    pub(crate) fn form(self) -> Option<&'static str> {
        (self == Self::Create).then_some("name=gopher&sex=0")
    }

    /// Whether it goes by gRPC.
    pub(crate) fn by_grpc(self) -> bool {
        matches!(self, Self::GrpcPing | Self::GrpcRead)
    }

    /// The lesson that first takes it.
    pub(crate) fn lesson(self) -> &'static str {
        if self.by_grpc() { "e-grpc" } else { "e-http" }
    }
}
