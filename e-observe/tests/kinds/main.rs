//! One module for each kind of test that needs the whole service, or what stands behind it.
//! They share one program, because linking costs more than running.

#[path = "../common/mod.rs"]
mod common;

mod concurrency;
mod contract;
mod fault;
mod integration;
mod model;
mod process;
mod settings;
mod snapshot;
