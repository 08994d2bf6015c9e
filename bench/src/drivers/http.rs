//! One answer by HTTP/1.1, with its exact length: a client library hides it, and a load is
//! proved by it.

use crate::drivers::answer::Answer;
use crate::figures::call::Call;
use anyhow::Context;
use anyhow::ensure;
use httparse::EMPTY_HEADER;
use httparse::Response;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks once, and compares the answer whole.
pub(crate) async fn ask(address: SocketAddr, call: Call) -> anyhow::Result<Answer> {
    ask_on(&mut TcpStream::connect(address).await?, call).await
}

/// Creates users up to this uid, one after another on one connection, at least one; returns
/// how many it has created.
pub(crate) async fn create(address: SocketAddr, last: u64) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(address).await?;
    let mut created = 1;
    while ask_on(&mut stream, Call::Create).await?.number < last {
        created += 1;
    }
    Ok(created)
}

async fn ask_on(stream: &mut TcpStream, call: Call) -> anyhow::Result<Answer> {
    let method = call.form().map_or("GET", |_| "POST");
    let form = call.form().unwrap_or_default();
    let request = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        call.path(),
        stream.peer_addr()?,
        form.len(),
    );
    let answer = timeout(PATIENCE, exchange(stream, call, &request)).await;
    answer.context("no answer in time")?
}

/// Sends this and reads one whole answer. The connection stays open meanwhile: the answer
/// to a client that asks to close is longer.
async fn exchange(stream: &mut TcpStream, call: Call, request: &str) -> anyhow::Result<Answer> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let read = stream.read_buf(&mut answer).await?;
        ensure!(read > 0, "the answer was cut off");
        if let Some((status, body)) = whole(&answer)? {
            let right = if call == Call::Create { 201 } else { 200 };
            ensure!(status == right, "a wrong answer: {status}, {body}");
            return Answer::of(call, body, answer.len() as u64);
        }
    }
}

/// The status and the body, if the answer has come to its end.
fn whole(answer: &[u8]) -> anyhow::Result<Option<(u16, &str)>> {
    let mut headers = [EMPTY_HEADER; 32];
    let mut head = Response::new(&mut headers);
    let (httparse::Status::Complete(end), Some(status)) = (head.parse(answer)?, head.code) else {
        return Ok(None);
    };
    let mut headers = head.headers.iter();
    let length = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("an answer without its length")?.value;
    let length: usize = std::str::from_utf8(length)?.parse()?;
    let body = std::str::from_utf8(&answer[end..])?;
    Ok((body.len() >= length).then_some((status, body)))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_by_its_length() -> anyhow::Result<()> {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody";
        assert_eq!(whole(answer)?, Some((200, "body")));
        for cut in 0..answer.len() {
            assert_eq!(whole(&answer[..cut])?, None, "{cut}");
        }
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        Ok(())
    }
}
