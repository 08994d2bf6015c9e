use super::Error;
use super::PingRequest;
use super::Upstream;
use super::about;
use super::call;
use super::failed;
use super::refuse_own;
use crate::store::Store;
use crate::user::Uid;
use tonic::Code;
use tonic::Status;

#[test]
fn each_code_of_the_upstream_has_its_meaning() -> anyhow::Result<()> {
    for code in (0..=16).map(Code::from_i32) {
        let unavailable = matches!(
            code,
            Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Cancelled
        );
        let error = failed(Status::new(code, "unspeakable"));
        assert_eq!(
            matches!(error, Error::Unavailable(_)),
            unavailable,
            "{code:?}"
        );
        assert!(!error.to_string().contains("unspeakable"), "{code:?}");
    }
    let uid = Uid::try_from(7)?;
    let gone = about(uid, Status::not_found("no user 8"));
    assert!(matches!(gone, Error::NotFound(it) if it == uid), "{gone:?}");
    Ok(())
}

#[test]
fn each_call_tells_when_its_answer_comes_too_late() {
    let request = call(PingRequest::default());
    let timeout = request.metadata().get("grpc-timeout");
    assert_eq!(timeout.map(|it| it.as_bytes()), Some(&b"5000000u"[..]));
}

/// Nobody listens on port 1.
#[tokio::test]
async fn an_upstream_that_is_not_there_is_unavailable() -> anyhow::Result<()> {
    let upstream = Upstream::new("http://127.0.0.1:1".parse()?);
    let read = upstream.read(Uid::try_from(1)?).await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    Ok(())
}

#[tokio::test]
async fn an_upstream_that_leads_back_is_refused() -> anyhow::Result<()> {
    for (upstream, addr, refused) in [
        ("http://127.0.0.1:50051", "127.0.0.1:50051", true),
        ("http://localhost:50051", "127.0.0.1:50051", true),
        ("http://0.0.0.0:50051", "127.0.0.1:50051", true),
        ("http://127.0.0.1:50051", "0.0.0.0:50051", true),
        ("http://127.0.0.2:50051", "0.0.0.0:50051", true),
        ("http://[::1]:50051", "[::1]:50051", true),
        ("http://127.0.0.1:50052", "127.0.0.1:50051", false),
        ("http://127.0.0.2:50051", "127.0.0.1:50051", false),
        ("http://192.0.2.1:50051", "0.0.0.0:50051", false), // no address of any machine
    ] {
        let answer = refuse_own(&upstream.parse()?, addr.parse()?).await;
        assert_eq!(answer.is_err(), refused, "{upstream} at {addr}");
    }
    Ok(())
}
