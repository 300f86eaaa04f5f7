//! A line to the database that a test can cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

/// See the module.
pub struct Proxy {
    url: String,
    switches: Arc<Switches>,
}

#[derive(Default)]
struct Switches {
    /// The answer to the next commit is swallowed, and the line cut.
    swallow_commit: AtomicBool,
    swallowed: AtomicU32,
    /// Every line is cut, and new ones too.
    cut: std::sync::Mutex<CancellationToken>,
}

impl Proxy {
    /// A line to the database of this address.
    pub async fn to(url: &str) -> Self {
        let target: PgConnectOptions = url.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = test_kit::wire::through(&target, port);
        let switches = Arc::new(Switches::default());
        tokio::spawn(accept(listener, target, Arc::clone(&switches)));
        Self { url, switches }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next commit happens, but nobody hears of it.
    pub fn swallow_next_commit(&self) {
        self.switches.swallow_commit.store(true, Ordering::SeqCst);
    }

    pub fn swallowed(&self) -> u32 {
        self.switches.swallowed.load(Ordering::SeqCst)
    }

    pub fn cut(&self) {
        self.switches.token().cancel();
    }

    pub fn mend(&self) {
        *self.switches.cut.lock().unwrap() = CancellationToken::new();
    }
}

impl Switches {
    fn token(&self) -> CancellationToken {
        self.cut.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, target: PgConnectOptions, switches: Arc<Switches>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let cut = switches.token();
        if cut.is_cancelled() {
            continue;
        }
        let (target, switches) = (target.clone(), Arc::clone(&switches));
        tokio::spawn(async move {
            let line = async {
                match target.get_socket() {
                    Some(folder) => {
                        let path = folder.join(format!(".s.PGSQL.{}", target.get_port()));
                        let server = UnixStream::connect(path).await.unwrap();
                        carry(client, server, &switches).await
                    }
                    None => {
                        let address = (target.get_host(), target.get_port());
                        let server = TcpStream::connect(address).await.unwrap();
                        carry(client, server, &switches).await
                    }
                }
            };
            tokio::select! {
                () = line => {}
                () = cut.cancelled() => {}
            }
        });
    }
}

/// Carries bytes both ways until one side ends or the line is cut.
async fn carry(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    switches: &Switches,
) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let is_commit = up[..count].windows(6).any(|bytes| bytes == b"COMMIT");
                let swallow = is_commit && switches.swallow_commit.swap(false, Ordering::SeqCst);
                if server.write_all(&up[..count]).await.is_err() {
                    return;
                }
                if swallow {
                    // The server's answer says that it was committed.
                    let _answer = server.read(&mut down).await;
                    switches.swallowed.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                let answer = &down[..count];
                if commits(answer) && switches.swallow_commit.swap(false, Ordering::SeqCst) {
                    switches.swallowed.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if client.write_all(answer).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether this says that a statement has inserted something and no transaction is open: it was committed.
fn commits(answer: &[u8]) -> bool {
    let inserted = answer.windows(9).any(|bytes| bytes == b"INSERT 0 ");
    inserted && answer.ends_with(b"Z\0\0\0\x05I")
}
