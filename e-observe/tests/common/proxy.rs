//! A network that fails on demand: a proxy in the test's own process.

use super::PATIENCE;
use anyhow::Context;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// It works.
    Up,
    /// Connections stay, and nothing comes through.
    Hung,
    /// Connections are cut, and new ones are cut as soon as they are made.
    Down,
}

/// A proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    network: watch::Sender<Network>,
    /// How many messages it has held back.
    held: watch::Sender<usize>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port, and passes on to this address.
    ///
    /// # Errors
    ///
    /// There is no free port, or nobody listens at the address.
    pub(crate) async fn before(target: &'static str) -> anyhow::Result<Self> {
        let there = TcpStream::connect(target).await;
        there.context("these tests need MySQL and Redis: cargo lesson services up")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let (network, state) = watch::channel(Network::Up);
        let held = watch::Sender::new(0);
        let mut _tasks = JoinSet::new();
        _tasks.spawn(run(listener, target, state, held.clone()));
        Ok(Self {
            addr,
            network,
            held,
            _tasks,
        })
    }

    /// Makes the network do this from now on.
    pub(crate) fn turn(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// Waits until it has held a message back.
    ///
    /// # Errors
    ///
    /// Nobody sends one.
    pub(crate) async fn holds(&self) -> anyhow::Result<()> {
        let mut held = self.held.subscribe();
        let waited = timeout(PATIENCE, held.wait_for(|held| *held > 0)).await;
        waited.context("no message comes")??;
        Ok(())
    }
}

async fn run(
    listener: TcpListener,
    target: &'static str,
    mut state: watch::Receiver<Network>,
    held: watch::Sender<usize>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok(()) = state.changed() => {
                if *state.borrow() == Network::Down {
                    connections.shutdown().await;
                }
            }
            Ok((client, _)) = listener.accept() => {
                if *state.borrow() == Network::Down {
                    continue;
                }
                let Ok(server) = TcpStream::connect(target).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                connections.spawn(pass(from_client, to_server, state.clone(), held.clone()));
                connections.spawn(pass(from_server, to_client, state.clone(), held.clone()));
            }
        }
    }
}

/// Passes bytes on in one direction, while the network works.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Network>,
    held: watch::Sender<usize>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if *state.borrow() == Network::Hung {
            held.send_modify(|held| *held += 1);
        }
        let up = state.wait_for(|network| *network == Network::Up);
        if up.await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
