//! What is asked of a service.

use serde::Serialize;
use std::ops::RangeInclusive;

/// The users that are read, in turn: readers of one alone might share its row. By gRPC it is
/// the first alone, for h2load repeats one message. Their uids are of one length, and so are
/// the answers.
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

impl Call {
    /// All, those that make users last: in memory they would weigh on what follows.
    pub(crate) const ALL: [Self; 5] = [
        Self::Ping,
        Self::GrpcPing,
        Self::Read,
        Self::GrpcRead,
        Self::Create,
    ];

    /// As it stands in a table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Ping => "`GET /ping`",
            Self::Read => "`GET /users/…`",
            Self::GrpcPing => "gRPC `Ping`",
            Self::GrpcRead => "gRPC `ReadUser`",
            Self::Create => "`POST /users`",
        }
    }

    /// The paths of its URLs, which a load takes in turn; one that asks once takes the first.
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

    /// What is sent with it, as a form.
    pub(crate) fn form(self) -> Option<&'static str> {
        (self == Self::Create).then_some("name=gopher&sex=0")
    }

    /// Whether it goes by gRPC.
    pub(crate) fn by_grpc(self) -> bool {
        matches!(self, Self::GrpcPing | Self::GrpcRead)
    }
}
