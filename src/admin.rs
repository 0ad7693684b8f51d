//! The pages: join, admin, their API, metrics and probes, over HTTP. The only place that knows
//! axum.
//!
//! One task, the [`ledger`], owns what the pages remember (turns, lines, latencies, metrics). The
//! handlers ask it through a bounded inbox, and it numbers nothing and waits for nobody: a reader
//! that falls behind is told so and gets a fresh snapshot.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

mod access;
mod album;
mod api;
mod assets;
mod error;
mod events;
mod face;
mod guard;
mod ledger;
mod metrics;
mod routes;
mod sound;
pub mod state;
mod visitor;

use access::Access;
use ledger::{Ledger, Losses};
use state::{House, NoSound, Sounds};

/// Questions of handlers that may wait for the ledger; it answers in microseconds. When it is
/// full the client gets 503 and may ask again.
const QUERIES_MAX: usize = 64;
/// How long open connections get to finish once the host stops.
const GRACE: Duration = Duration::from_secs(1);

/// Where the pages are served, and to whom.
#[derive(Clone, Debug)]
pub struct Options {
    pub listen: SocketAddr,
    /// Asked of every visitor when it is there. Other addresses than loopback need it.
    pub token: Option<String>,
}

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "the pages would be open to the whole network at {0}: set TROUPE_TOKEN (16 characters or \
         more), or listen on 127.0.0.1"
    )]
    Open(SocketAddr),
    #[error("the pages' token is shorter than 16 characters: choose a longer one")]
    ShortToken,
    #[error(
        "the pages' token may have letters, digits, '-', '_', '.' and '~' only: choose another"
    )]
    TokenCharacters,
    #[error(
        "another program listens on {0} already: stop it, or choose another address with --listen"
    )]
    PortTaken(SocketAddr),
    #[error("the pages cannot listen on {listen} ({cause}): choose another address with --listen")]
    Listen { listen: SocketAddr, cause: io::Error },
}

/// The bound, not yet serving pages.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
    house: House,
    sounds: Sounds,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// When it is taken, or open to the network without a token.
    pub async fn bind(options: Options, house: House) -> Result<Self, Error> {
        let listen = options.listen;
        let access = Access::new(&options)?;
        let listener = TcpListener::bind(listen).await.map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => Error::PortTaken(listen),
            _ => Error::Listen { listen, cause },
        })?;
        let address = listener.local_addr().map_err(|cause| Error::Listen { listen, cause })?;
        let none = || NoSound::Missing("this host keeps no tapes".to_owned());
        let sounds: Sounds = Arc::new(move |_, _| Err(none()));
        Ok(Self { listener, address, access, house, sounds })
    }

    /// With a way to hear recorded turns; without one the pages say that there is none.
    #[must_use]
    pub fn with_sounds(self, sounds: Sounds) -> Self {
        Self { sounds, ..self }
    }

    /// The address in use; it differs from the one asked for when that had port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The join page, for sharing: it opens no other page.
    pub fn join_url(&self) -> String {
        self.access.join_url(self.address)
    }

    /// The admin page, with the token when there is one: for the operator only.
    pub fn admin_url(&self) -> String {
        self.access.admin_url(self.address)
    }

    /// Serves until cancelled, then lets open answers finish for a moment.
    ///
    /// # Errors
    /// When the listening socket fails.
    pub async fn serve(self, cancel: CancellationToken) -> io::Result<()> {
        let (ask, questions) = mpsc::channel(QUERIES_MAX);
        let share = self.access.join_url(self.address);
        let losses = Arc::<Losses>::default();
        let desk = routes::Desk::new(
            &self.house,
            ask,
            self.access,
            share,
            Arc::clone(&losses),
            self.sounds,
            cancel.clone(),
        );
        let ledger = Ledger::new(self.house, questions, losses).run(cancel.clone());
        let stop = cancel.clone().cancelled_owned();
        let serve = axum::serve(self.listener, routes::router(desk)).with_graceful_shutdown(stop);
        let deadline = async {
            cancel.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let served = async {
            tokio::select! {
                end = serve => end,
                () = deadline => Ok(()),
            }
        };
        let (served, ()) = tokio::join!(served, ledger);
        served
    }
}
