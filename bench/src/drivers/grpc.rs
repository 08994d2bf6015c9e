//! A call by gRPC as a client of HTTP/2 sends it, and one answer, read by nghttp.

use crate::drivers::answer::Answer;
use crate::drivers::answer::Grows;
use crate::drivers::tool;
use crate::figures::call::Call;
use crate::figures::call::USERS;
use anyhow::Context;
use anyhow::ensure;
use prost::Message;
use std::net::SocketAddr;
use std::path::Path;

/// Of e-grpc's `api/user.proto`.
#[derive(Clone, PartialEq, Message)]
struct PingReply {
    #[prost(string, tag = "1")]
    message: String,
    #[prost(sint64, tag = "2")]
    count: i64,
}

/// Both UserId and UserRecord: fields that are zero or empty are not sent.
#[derive(Clone, PartialEq, Message)]
struct User {
    #[prost(sint64, tag = "1")]
    uid: i64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(sint64, tag = "3")]
    sex: i64,
}

/// Asks once, and compares the answer whole.
pub(crate) async fn ask(folder: &Path, address: SocketAddr, call: Call) -> anyhow::Result<Answer> {
    let mut nghttp = tool::command("nghttp")?;
    nghttp.args(request(folder, call)?);
    nghttp.args(["--timeout=10", "--header=:method: POST"]);
    nghttp.arg(format!("http://{address}{}", call.path()));
    let output = nghttp.output().await.context("nghttp")?;
    answer(call, &output.stdout)
}

fn answer(call: Call, data: &[u8]) -> anyhow::Result<Answer> {
    let wrong = || format!("a wrong answer to {}: {data:?}", call.title());
    let message = data.get(5..).with_context(wrong)?;
    let (number, right) = match call {
        Call::GrpcPing => {
            let reply = PingReply::decode(message).with_context(wrong)?;
            let right = PingReply {
                message: "pong NONE!".to_owned(),
                count: reply.count,
            };
            (u64::try_from(reply.count)?, frame(&right)?)
        }
        _ => {
            let right = User {
                uid: *USERS.start() as i64,
                name: "gopher".to_owned(),
                sex: 0,
            };
            (0, frame(&right)?)
        }
    };
    ensure!(data == right, wrong());
    Ok(Answer {
        number,
        bytes: data.len() as u64,
        grows: Grows::Varint,
    })
}

/// A message as it is sent: not compressed, its length, itself.
fn frame(message: &impl Message) -> anyhow::Result<Vec<u8>> {
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.encoded_len())?.to_be_bytes());
    frame.extend(message.encode_to_vec());
    Ok(frame)
}

/// The flags that make a client of nghttp2 send the call's message, which is kept in the
/// folder.
pub(crate) fn request(folder: &Path, call: Call) -> anyhow::Result<[String; 3]> {
    let message = match call {
        Call::GrpcPing => frame(&())?,
        _ => frame(&User {
            uid: *USERS.start() as i64,
            ..User::default()
        })?,
    };
    let file = folder.join("message");
    std::fs::write(&file, message)?;
    Ok([
        "--header=content-type: application/grpc".to_owned(),
        "--header=te: trailers".to_owned(),
        format!("--data={}", file.display()),
    ])
}

#[cfg(test)]
mod tests {
    use super::Call;
    use super::answer;

    #[test]
    fn an_answer_is_compared_whole() -> anyhow::Result<()> {
        let ping = b"\0\0\0\0\x10\x0a\x0apong NONE!\x10\x84\xf1\x04";
        assert_eq!(answer(Call::GrpcPing, ping)?.number, 40_002);
        let user = b"\0\0\0\0\x0b\x08\xc8\x01\x12\x06gopher";
        assert_eq!(answer(Call::GrpcRead, user)?.bytes, 16);
        assert!(answer(Call::GrpcRead, &user[..15]).is_err());
        assert!(answer(Call::GrpcRead, b"").is_err());
        assert!(answer(Call::GrpcRead, b"\x01\0\0\0\x0b\x08\xc8\x01\x12\x06gopher").is_err());
        assert!(
            answer(
                Call::GrpcPing,
                b"\0\0\0\0\x10\x0a\x0apong nine!\x10\x84\xf1\x04"
            )
            .is_err()
        );
        Ok(())
    }
}
