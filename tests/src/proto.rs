//! The contract's client.

tonic::include_proto!("service.goms");
