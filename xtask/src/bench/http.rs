//! One answer by HTTP/1.1, with its exact length: a client library hides it, and a load is
//! proved by it.

use super::answer::Answer;
use super::call::Call;
use anyhow::Context;
use anyhow::ensure;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks once, and compares the answer whole.
///
/// # Errors
///
/// There is no answer, or a wrong one.
pub(crate) async fn ask(address: SocketAddr, call: Call) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    ask_again(&mut stream, call).await
}

/// Asks on a connection that is there, and compares the answer whole.
///
/// # Errors
///
/// There is no answer, or a wrong one.
pub(crate) async fn ask_again(stream: &mut TcpStream, call: Call) -> anyhow::Result<Answer> {
    let (method, form) = match call.form() {
        Some(form) => ("POST", form),
        None => ("GET", ""),
    };
    let head = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        call.path(),
        stream.peer_addr()?,
        form.len(),
    );
    let answer = timeout(PATIENCE, exchange(stream, head.as_bytes())).await;
    let answer = answer.context("no answer in time")??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let expected = match call {
        Call::Create => "HTTP/1.1 201 Created\r\n",
        _ => "HTTP/1.1 200 OK\r\n",
    };
    ensure!(head.starts_with(expected), "a wrong answer: {head}");
    Answer::of(call, body, answer.len() as u64)
}

/// Sends this and reads one whole answer. The connection stays open meanwhile: the answer
/// to a client that asks to close is longer.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> anyhow::Result<String> {
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    while !whole(&answer)? {
        let read = stream.read_buf(&mut answer).await?;
        ensure!(read > 0, "the answer was cut off");
    }
    Ok(String::from_utf8(answer)?)
}

/// Whether the answer has come to its end.
fn whole(answer: &[u8]) -> anyhow::Result<bool> {
    let text = std::str::from_utf8(answer)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(false);
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>())
    });
    Ok(body.len() >= length.context("an answer without its length")??)
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn an_answer_is_whole_by_its_length() -> anyhow::Result<()> {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody";
        assert!(whole(answer)?);
        for cut in 0..answer.len() {
            assert!(!whole(&answer[..cut])?, "{cut}");
        }
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        Ok(())
    }
}
