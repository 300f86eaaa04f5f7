//! A way to Redis that a test makes slow, silent or shut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Everything passes.
    Open,
    /// Answers come so much later.
    Slow(Duration),
    /// Nothing passes, and nobody is told.
    Silent,
    /// Connections end, and new ones end at once.
    Shut,
}

/// See the module.
pub(crate) struct Proxy {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
}

impl Proxy {
    /// An open way to the server at this `redis://` address.
    pub(crate) async fn open(url: &str) -> Self {
        let server = url.strip_prefix("redis://").expect("it works");
        let server = server.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("it works");
        let address = listener.local_addr().expect("it works");
        let way = Arc::new(watch::Sender::new(Way::Open));
        let ways = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *ways.borrow() != Way::Shut {
                    let server = TcpStream::connect(&server).await.expect("it works");
                    tokio::spawn(carry(client, server, ways.subscribe()));
                }
            }
        });
        Self { address, way }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn make(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn carry(client: TcpStream, server: TcpStream, mut way: watch::Receiver<Way>) {
    let ways = (way.clone(), way.clone());
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asked = pass(&mut from_client, &mut to_server, ways.0, false);
    let answered = pass(&mut from_server, &mut to_client, ways.1, true);
    tokio::select! {
        () = asked => {}
        () = answered => {}
        _ = way.wait_for(|way| *way == Way::Shut) => {}
    }
}

async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut way: watch::Receiver<Way>,
    answers: bool,
) {
    let mut bytes = vec![0; 65_536];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        let now = *way.borrow_and_update();
        match now {
            Way::Slow(by) if answers => tokio::time::sleep(by).await,
            Way::Silent => {
                let _ = way.wait_for(|way| *way != Way::Silent).await;
            }
            Way::Open | Way::Slow(_) | Way::Shut => {}
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
