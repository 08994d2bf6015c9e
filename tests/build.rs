//! Compiles the contract of the lesson that brought it into the suite's client.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let descriptors = protox::compile(["user.proto"], ["../e-grpc/api"])?;
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds(descriptors)?;
    println!("cargo::rerun-if-changed=../e-grpc/api");
    Ok(())
}
