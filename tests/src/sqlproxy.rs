//! A MySQL server that misbehaves on demand: a proxy that understands its protocol well
//! enough to answer a statement with an error, to refuse a login, and to give each session
//! other defaults than the real server's.
//!
//! Tests share one server, so none of them may change a global variable of it.

use anyhow::Context;
use anyhow::ensure;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinSet;

/// The text of each error that the proxy makes. No client of a service may ever see it.
pub(crate) const MADE_UP: &str = "made up by the proxy";

/// What a statement does that the server answers with OK, and that undoes what a session may
/// have begun: it is sent in place of each statement that the proxy refuses. A real server
/// has also rolled back what it refuses with such an error.
const INSTEAD: &[u8] = b"\x03ROLLBACK";

/// The bit of the server's capabilities that offers TLS, which would hide all statements.
const TLS: u8 = 0x08;

/// The first bytes of the messages that matter.
const OK: u8 = 0x00;
const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;
const PING: u8 = 0x0e;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const LONG_DATA: u8 = 0x18;
const CLOSE: u8 = 0x19;

/// Which of the statements that fit are refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// So many, from now on.
    Next(usize),
    /// The first one, the third, and so on.
    Odd(usize),
    /// Those on the connections that exist now, as after a failover.
    OnOld,
}

/// A rule: which statements are answered with which error.
#[derive(Debug)]
struct Fault {
    /// Words of which a statement begins with one.
    verbs: &'static [&'static str],
    number: u16,
    which: Which,
    /// The number of connections at the time that it was made.
    before: usize,
}

/// What the proxy's connections share.
#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    login: Option<u16>,
    defaults: Option<String>,
    connections: usize,
    commands: usize,
    refused: usize,
    swallows_pings: bool,
}

/// The proxy; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct SqlProxy {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

impl SqlProxy {
    /// Listens on a free port before this address.
    pub(crate) async fn before(target: &'static str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let mut _tasks = JoinSet::new();
        _tasks.spawn(accept(listener, target, state.clone()));
        Ok(Self {
            addr,
            state,
            _tasks,
        })
    }

    /// The same URL, by way of the proxy.
    pub(crate) fn instead(&self, target: &str, url: &str) -> anyhow::Result<String> {
        let (before, after) = url.split_once(target).context("another server")?;
        Ok(format!("{before}{}{after}", self.addr))
    }

    /// From now on answers statements that begin with one of these words with this error, in
    /// place of what was to be answered so before.
    pub(crate) fn refuse(&self, verbs: &'static [&'static str], number: u16, which: Which) {
        let mut state = lock(&self.state);
        let before = state.connections;
        state.fault = Some(Fault {
            verbs,
            number,
            which,
            before,
        });
    }

    /// From now on greets nobody, but answers each new connection with this error.
    pub(crate) fn refuse_logins(&self, number: u16) {
        lock(&self.state).login = Some(number);
    }

    /// From now on lets no ping through, so that nobody answers it.
    pub(crate) fn swallow_pings(&self) {
        lock(&self.state).swallows_pings = true;
    }

    /// From now on passes everything on.
    pub(crate) fn relent(&self) {
        let mut state = lock(&self.state);
        state.fault = None;
        state.login = None;
    }

    /// Runs a statement in each new session, before its client learns that it is logged in:
    /// to the client it is as if the server had these defaults.
    pub(crate) fn begin_sessions_with(&self, statement: &str) {
        lock(&self.state).defaults = Some(statement.to_owned());
    }

    /// How many commands have come so far: statements run and prepared, pings, and the like.
    pub(crate) fn commands(&self) -> usize {
        lock(&self.state).commands
    }

    /// How many statements and logins have been refused so far.
    pub(crate) fn refused(&self) -> usize {
        lock(&self.state).refused
    }
}

impl State {
    /// The error for this statement, if it is to have one.
    fn fault(&mut self, statement: &str, connection: usize) -> Option<u16> {
        let fault = self.fault.as_mut()?;
        let begins = |verb: &&str| {
            let start = statement.trim_start().get(..verb.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(verb))
        };
        if !fault.verbs.iter().any(begins) {
            return None;
        }
        let refused = match &mut fault.which {
            Which::All => true,
            Which::Next(left) => {
                let refused = *left > 0;
                *left = left.saturating_sub(1);
                refused
            }
            Which::Odd(seen) => {
                *seen += 1;
                *seen % 2 == 1
            }
            Which::OnOld => connection <= fault.before,
        };
        self.refused += usize::from(refused);
        refused.then_some(fault.number)
    }
}

/// A message of the protocol: its number within a conversation, and what it says.
#[derive(Debug)]
struct Message {
    number: u8,
    bytes: Vec<u8>,
}

impl Message {
    /// An error, as a server of any version tells it.
    fn error(sequence: u8, number: u16) -> Self {
        let [low, high] = number.to_le_bytes();
        let bytes = [&[0xff, low, high], &b"#HY000"[..], MADE_UP.as_bytes()].concat();
        Self {
            number: sequence,
            bytes,
        }
    }

    /// A command, which begins a conversation.
    fn command(bytes: impl Into<Vec<u8>>) -> Self {
        let (number, bytes) = (0, bytes.into());
        Self { number, bytes }
    }

    async fn read(from: &mut OwnedReadHalf) -> anyhow::Result<Self> {
        let [one, two, three, number] = from.read_u32().await?.to_be_bytes();
        let mut bytes = vec![0; u32::from_le_bytes([one, two, three, 0]).try_into()?];
        from.read_exact(&mut bytes).await?;
        Ok(Self { number, bytes })
    }

    async fn write(&self, to: &mut OwnedWriteHalf) -> anyhow::Result<()> {
        let [one, two, three, ..] = u32::try_from(self.bytes.len())?.to_le_bytes();
        let head = [one, two, three, self.number];
        to.write_all(&[&head, &self.bytes[..]].concat()).await?;
        Ok(())
    }

    fn kind(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes[1..]).into_owned()
    }

    /// The number of a prepared statement, which stands after the first byte, both where it is
    /// given and where it is used.
    fn statement(&self) -> Option<u32> {
        let number = self.bytes.get(1..5)?.try_into().ok()?;
        Some(u32::from_le_bytes(number))
    }
}

/// What the server's next answer is about.
#[derive(Debug)]
enum Asked {
    /// It is passed on as it is.
    Anything,
    /// It tells the number by which this statement will be called.
    ToPrepare(String),
    /// The client is told this error instead.
    Instead(u16),
}

/// What both directions of a connection know.
#[derive(Debug, Default)]
struct Session {
    is_open: bool,
    asked: VecDeque<Asked>,
    prepared: HashMap<u32, String>,
}

async fn accept(listener: TcpListener, target: &'static str, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    // It ends with the test.
    while let Ok((client, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            // The end of a connection is seen by its ends.
            let _ = connect(client, target, state).await;
        });
    }
}

/// Serves a client until it or the server ends the connection.
async fn connect(
    client: TcpStream,
    target: &'static str,
    state: Arc<Mutex<State>>,
) -> anyhow::Result<()> {
    client.set_nodelay(true)?;
    let (from_client, mut to_client) = client.into_split();
    let refused = {
        let mut state = lock(&state);
        state.connections += 1;
        state.refused += usize::from(state.login.is_some());
        (state.login, state.connections)
    };
    let number = match refused {
        (Some(error), _) => return Message::error(0, error).write(&mut to_client).await,
        (None, number) => number,
    };
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    let (from_server, to_server) = server.into_split();
    // Only one direction speaks at a time; the other one waits for an answer.
    let to_server = tokio::sync::Mutex::new(to_server);
    let session = Mutex::new(Session::default());
    tokio::select! {
        ended = ask(from_client, &to_server, &session, &state, number) => ended,
        ended = answer(from_server, to_client, &to_server, &session, &state) => ended,
    }
}

/// Passes on what the client asks.
async fn ask(
    mut client: OwnedReadHalf,
    server: &tokio::sync::Mutex<OwnedWriteHalf>,
    session: &Mutex<Session>,
    state: &Mutex<State>,
    connection: usize,
) -> anyhow::Result<()> {
    loop {
        let mut message = Message::read(&mut client).await?;
        let pings = lock(session).is_open && message.kind() == Some(PING);
        if pings && lock(state).swallows_pings {
            continue;
        }
        if lock(session).is_open {
            message = expect(message, &mut lock(session), &mut lock(state), connection);
        }
        message.write(&mut *server.lock().await).await?;
    }
}

/// Notes what the answer to a command is going to be about, and gives what is sent to the
/// server in its place.
fn expect(
    message: Message,
    session: &mut Session,
    state: &mut State,
    connection: usize,
) -> Message {
    state.commands += 1;
    let runs = match message.kind() {
        Some(QUERY) => Some(message.text()),
        Some(EXECUTE) => message
            .statement()
            .and_then(|number| session.prepared.get(&number).cloned()),
        _ => None,
    };
    let fault = runs.and_then(|statement| state.fault(&statement, connection));
    if let Some(number) = fault {
        session.asked.push_back(Asked::Instead(number));
        return Message::command(INSTEAD);
    }
    match message.kind() {
        Some(QUIT | LONG_DATA | CLOSE) => {} // these have no answer
        Some(PREPARE) => {
            let asked = Asked::ToPrepare(message.text());
            session.asked.push_back(asked);
        }
        _ => session.asked.push_back(Asked::Anything),
    }
    message
}

/// Passes on what the server answers.
async fn answer(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    to_server: &tokio::sync::Mutex<OwnedWriteHalf>,
    session: &Mutex<Session>,
    state: &Mutex<State>,
) -> anyhow::Result<()> {
    let mut greeting = Message::read(&mut server).await?;
    hide_tls(&mut greeting);
    greeting.write(&mut client).await?;
    loop {
        let mut message = Message::read(&mut server).await?;
        if lock(session).is_open {
            if message.number == 1 {
                message = replace(message, &mut lock(session));
            }
        } else if message.kind() == Some(OK) {
            let defaults = lock(state).defaults.clone();
            if let Some(statement) = defaults {
                let command = [&[QUERY], statement.as_bytes()].concat();
                let mut to_server = to_server.lock().await;
                Message::command(command).write(&mut to_server).await?;
                let set = Message::read(&mut server).await?;
                ensure!(set.kind() == Some(OK), "{statement}: {}", set.text());
            }
            lock(session).is_open = true;
        }
        message.write(&mut client).await?;
    }
}

/// The first message of an answer, or what is told in its place.
fn replace(message: Message, session: &mut Session) -> Message {
    match session.asked.pop_front() {
        Some(Asked::Instead(number)) => return Message::error(1, number),
        Some(Asked::ToPrepare(statement)) if message.kind() == Some(OK) => {
            let number = message.statement();
            session
                .prepared
                .extend(number.map(|number| (number, statement)));
        }
        _ => {}
    }
    message
}

/// Makes a greeting not offer TLS. Before the capabilities stand the protocol's version, the
/// server's as a text, 4 bytes of a number, 8 of a challenge, and one more.
fn hide_tls(greeting: &mut Message) {
    let end = greeting.bytes.iter().skip(1).position(|byte| *byte == 0);
    let capabilities = end.map(|end| end + 2 + 4 + 8 + 1 + 1);
    if let Some(high) = capabilities.and_then(|at| greeting.bytes.get_mut(at)) {
        *high &= !TLS;
    }
}

/// What a task that has panicked leaves is as good as before.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
