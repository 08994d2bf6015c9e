//! What is asked of a service.

use serde::Serialize;

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
            Self::Read => "`GET /users/1`",
            Self::GrpcPing => "gRPC `Ping`",
            Self::GrpcRead => "gRPC `ReadUser`",
            Self::Create => "`POST /users`",
        }
    }

    /// The path of its URL.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Ping => "/ping",
            Self::Read => "/users/1",
            Self::GrpcPing => "/service.goms.User/Ping",
            Self::GrpcRead => "/service.goms.User/ReadUser",
            Self::Create => "/users",
        }
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
