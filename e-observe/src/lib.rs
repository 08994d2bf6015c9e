//! A user service: it creates, reads, updates and deletes users, and answers pings.
//!
//! The ways in ([`command`] and its like) parse what they are given into the types of
//! [`user`] and hand it to a [`store::Store`]. They know no other store than that trait.

pub mod command;
pub mod conf;
pub mod drain;
pub mod flag;
pub mod grpc;
pub mod http;
pub mod limit;
pub mod mysql;
pub mod observe;
pub mod pool;
pub mod redis;
pub mod store;
pub mod user;
pub mod yaml;
