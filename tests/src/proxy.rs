//! A network that fails on demand: a proxy before MySQL or Redis.

use anyhow::Context;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How long each message takes to a server that is far away. A login asks at least four
/// times, one after another, and so takes over one and a half seconds.
const FAR: Duration = Duration::from_millis(200);

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// It works.
    Up,
    /// It works, and each message takes its time.
    Far,
    /// Connections stay, and nothing comes through.
    Hung,
    /// Connections are cut, new ones refused.
    Down,
    /// It works, but Redis' SET is held back.
    HoldingSets,
    /// It works, but what Redis gets in place of a PSETEX is a command that it refuses: as
    /// if it were full.
    RefusingTombstones,
}

/// A proxy; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    addr: SocketAddr,
    network: watch::Sender<Network>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port before this address.
    pub(crate) async fn before(target: &'static str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (network, state) = watch::channel(Network::Up);
        let mut _tasks = JoinSet::new();
        _tasks.spawn(async move {
            // It ends with the test; earlier only without its port, and then the test fails.
            let _ = run(listener, addr, target, state).await;
        });
        Ok(Self {
            addr,
            network,
            _tasks,
        })
    }

    /// The same URL, by way of the proxy.
    pub(crate) fn instead(&self, target: &str, url: &str) -> anyhow::Result<String> {
        let (before, after) = url.split_once(target).context("another server")?;
        Ok(format!("{before}{}{after}", self.addr))
    }

    pub(crate) fn turn(&self, network: Network) {
        self.network.send_replace(network);
    }
}

/// Keeps a port that nobody listens on from being given to others.
fn hold(addr: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?; // connections that have just ended are in nobody's way
    socket.bind(addr)?;
    Ok(socket)
}

async fn run(
    mut listener: TcpListener,
    addr: SocketAddr,
    target: &'static str,
    mut state: watch::Receiver<Network>,
) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        if *state.borrow_and_update() == Network::Down {
            drop(listener);
            let held = hold(addr)?;
            connections.shutdown().await;
            state.wait_for(|network| *network != Network::Down).await?;
            listener = held.listen(BACKLOG)?;
        }
        tokio::select! {
            changed = state.changed() => changed?,
            Ok((client, _)) = listener.accept() => {
                let Ok(server) = TcpStream::connect(target).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                connections.spawn(pass(from_client, to_server, state.clone()));
                connections.spawn(pass(from_server, to_client, state.clone()));
            }
        }
    }
}

/// Passes bytes on in one direction, as far as the network lets them.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Network>,
) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &mut buffer[..length];
        let network = *state.borrow();
        match network {
            Network::RefusingTombstones => spoil(bytes),
            Network::Far => sleep(FAR).await,
            _ => {}
        }
        let sets = bytes.windows(5).any(|five| five == b"SET\r\n");
        let passes = |network: &Network| match network {
            Network::Up | Network::Far | Network::RefusingTombstones => true,
            Network::Hung | Network::Down => false,
            Network::HoldingSets => !sets,
        };
        if state.wait_for(passes).await.is_err() || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// Makes each PSETEX a command that Redis does not know, of the same length.
fn spoil(bytes: &mut [u8]) {
    const TOMBSTONE: &[u8] = b"PSETEX";
    for start in 0..bytes.len() {
        if bytes[start..].starts_with(TOMBSTONE) {
            bytes[start] = b'X';
        }
    }
}
