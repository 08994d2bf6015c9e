use super::Link;
use super::MAX_MISSING;
use redis::Cmd;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::Instant;
use url::Url;

/// Nobody listens on port 1, so that each tombstone is missing. Those that are not remembered
/// might bury anybody: until they have expired, no cached user is believed.
#[tokio::test]
async fn too_many_missing_tombstones_make_the_whole_cache_stale() -> anyhow::Result<()> {
    let ttl = Duration::from_secs(60);
    let link = Link::new(&Url::parse("redis://127.0.0.1:1")?, ttl).await?;
    for number in 0..MAX_MISSING {
        link.set_tombstone(number.to_string()).await;
    }
    assert_eq!(link.shared.lock().stale_until, None);
    let before = Instant::now();
    link.set_tombstone("one too many".to_owned()).await;
    let state = link.shared.lock();
    assert_eq!(state.missing.len(), MAX_MISSING);
    assert!(state.stale_until >= Some(before + ttl));
    Ok(())
}

/// Redis refuses the tombstone, for its memory is full. The connection is well, but what is in
/// the cache may be what the tombstone would have buried.
#[tokio::test]
async fn while_a_tombstone_is_missing_nobody_reads() -> anyhow::Result<()> {
    for refusal in ["-OOM no memory\r\n", "-ERR unknown command\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = Url::parse(&format!("redis://{}", listener.local_addr()?))?;
        tokio::spawn(refuse_tombstones(listener, refusal));
        let link = Link::new(&url, Duration::from_secs(60)).await?;
        let before: Option<Option<String>> = link.call(&Cmd::get("key")).await;
        assert_eq!(before, Some(None), "it is there, and holds nothing");
        link.set_tombstone("key".to_owned()).await;
        let after: Option<Option<String>> = link.call(&Cmd::get("key")).await;
        assert_eq!(after, None, "after {refusal}");
        assert!(link.shared.lock().live.is_some(), "lost after {refusal}");
    }
    Ok(())
}

/// A Redis for one connection that holds nothing and takes no tombstone.
async fn refuse_tombstones(listener: TcpListener, refusal: &str) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).await?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        // Each command begins with `*`, and its name is on the third line.
        for command in text.split('*').skip(1) {
            let answer = match command.lines().nth(2) {
                Some("GET") => "$-1\r\n",
                Some("PSETEX") => refusal,
                _ => "+OK\r\n",
            };
            stream.write_all(answer.as_bytes()).await?;
        }
        if length == 0 {
            return Ok(());
        }
    }
}
