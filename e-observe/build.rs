//! Compiles `api/user.proto` into Rust, and keeps its descriptors for reflection. protox
//! is a protobuf compiler in Rust: nobody has to install `protoc`.

use prost::Message;
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let descriptors = protox::compile(["user.proto"], ["api"])?;
    let file = Path::new(&std::env::var("OUT_DIR")?).join("user.bin");
    std::fs::write(file, descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    println!("cargo::rerun-if-changed=api");
    println!("cargo::rerun-if-changed=migrations"); // else a new one is not compiled in
    Ok(())
}
