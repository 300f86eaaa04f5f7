//! The way between the program and the database, where round trips are counted as they fly: what the program sends until
//! it must wait for an answer is one.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// A door in front of a database that counts what passes. It is shut with the test's runtime.
#[derive(Clone, Debug)]
pub struct Wire {
    url: String,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug, Default)]
struct Log {
    /// What each round trip said, shortened.
    trips: Vec<String>,
    /// How many answers are waited for.
    open: usize,
}

/// Where the database really is.
#[derive(Clone, Debug)]
enum Place {
    Tcp(String, u16),
    Socket(std::path::PathBuf),
}

impl Wire {
    /// Opens a door in front of the database at `url`.
    ///
    /// # Panics
    /// If no port is free, or `url` is no address.
    pub async fn open(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).expect("a PostgreSQL address");
        let (host, port) = (options.get_host().to_owned(), options.get_port());
        let place = match options.get_socket() {
            Some(folder) => Place::Socket(folder.join(format!(".s.PGSQL.{port}"))),
            None => Place::Tcp(host, port),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port");
        let door = listener.local_addr().expect("an address").port();
        let wire = Self {
            url: through(&options, door),
            log: Arc::default(),
        };
        let log = Arc::clone(&wire.log);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, place.clone(), Arc::clone(&log)));
            }
        });
        wire
    }

    /// The address of the door.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The round trips since the last call, each with the beginning of what it said.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.log).trips)
    }

    /// Whether no answer is waited for.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        lock(&self.log).open == 0
    }
}

/// The address of the same database through a port of this machine, whether it is reached by a socket or not.
///
/// # Panics
/// If the options make no address.
#[must_use]
pub fn through(options: &PgConnectOptions, port: u16) -> String {
    let mut seen = options.to_url_lossy();
    seen.set_host(Some("127.0.0.1")).expect("a host");
    seen.set_port(Some(port)).expect("a port");
    seen.set_query(Some("sslmode=disable"));
    seen.to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn pass(client: TcpStream, place: Place, log: Arc<Mutex<Log>>) {
    // Each side flushes whole messages; holding small ones back would only make the tests slow.
    let _slower = client.set_nodelay(true);
    match place {
        Place::Tcp(host, port) => {
            if let Ok(server) = TcpStream::connect((host, port)).await {
                let _slower = server.set_nodelay(true);
                join(client.into_split(), server.into_split(), log).await;
            }
        }
        Place::Socket(path) => {
            if let Ok(server) = UnixStream::connect(path).await {
                join(client.into_split(), server.into_split(), log).await;
            }
        }
    }
}

async fn join(
    (from_client, to_client): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (from_server, to_server): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    log: Arc<Mutex<Log>>,
) {
    let open = Mutex::new(0);
    let mut said = Said::default();
    let there = copy(from_client, to_server, Frames::of_client(), |kind, body| {
        said.note(kind, body);
        if matches!(kind, b'Q' | b'S') {
            let trip = said.trip();
            let (mut log, mut open) = (lock(&log), lock(&open));
            if *open == 0 {
                log.trips.push(trip);
            }
            *open += 1;
            log.open += 1;
        }
    });
    let back = copy(from_server, to_client, Frames::of_server(), |kind, _| {
        if kind == b'Z' {
            let (mut log, mut open) = (lock(&log), lock(&open));
            // The first one follows the log-in, which nobody counts.
            if *open > 0 {
                *open -= 1;
                log.open -= 1;
            }
        }
    });
    tokio::select! { () = there => {} () = back => {} }
    let left = *lock(&open);
    lock(&log).open -= left;
}

/// Copies to the end, and tells of each message when it has passed whole; of a question before it is passed on, so that
/// its answer finds it counted.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut frames: Frames,
    mut tell: impl FnMut(u8, &[u8]),
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        frames.push(&buffer[..count], &mut tell);
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
}

/// Cuts a stream into messages: a kind, a length, a body. A client's first message has no kind.
struct Frames {
    bytes: Vec<u8>,
    first: bool,
}

impl Frames {
    fn of_client() -> Self {
        Self {
            bytes: Vec::new(),
            first: true,
        }
    }

    fn of_server() -> Self {
        Self {
            bytes: Vec::new(),
            first: false,
        }
    }

    fn push(&mut self, more: &[u8], tell: &mut impl FnMut(u8, &[u8])) {
        self.bytes.extend_from_slice(more);
        loop {
            let kinds = usize::from(!self.first);
            let Some(length) = self.bytes.get(kinds..kinds + 4) else {
                return;
            };
            let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
            let end = kinds + usize::try_from(length).expect("a length");
            if self.bytes.len() < end {
                return;
            }
            let kind = if self.first { 0 } else { self.bytes[0] };
            self.first = false;
            tell(kind, &self.bytes[kinds + 4..end]);
            self.bytes.drain(..end);
        }
    }
}

/// What was said since the last round trip.
#[derive(Default)]
struct Said {
    statements: HashMap<Vec<u8>, String>,
    now: Vec<String>,
}

impl Said {
    fn note(&mut self, kind: u8, body: &[u8]) {
        let mut texts = body.split(|byte| *byte == 0);
        let mut next = || texts.next().unwrap_or_default();
        match kind {
            b'Q' => self.now.push(short(next())),
            b'P' => {
                let (name, text) = (next().to_vec(), short(next()));
                self.now.push(format!("prepare {text}"));
                self.statements.insert(name, text);
            }
            b'B' => {
                let _portal = next();
                let text = self.statements.get(next());
                self.now.extend(text.cloned());
            }
            _ => {}
        }
    }

    fn trip(&mut self) -> String {
        let said = std::mem::take(&mut self.now).join("; ");
        if said.is_empty() {
            "ping".to_owned()
        } else {
            said
        }
    }
}

fn short(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split_whitespace().take(14).collect();
    words.join(" ")
}
