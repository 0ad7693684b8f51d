//! A LiveKit server of our own: for `--livekit auto` where no server is given.
//!
//! It listens on loopback, its keys are made for this run and live in memory only, and it is
//! started again with the same keys and ports when it dies, so that the cast finds it again.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{HostError, ServerState, random_hex};
use crate::room::token::Keys;

/// LiveKit's own default; the two after it are for media.
const PORT: u16 = 7880;
/// Places to look for three free ports in a row, a hundred apart.
const PORT_TRIES: u16 = 20;
/// A server on a loaded machine is up in two.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
const RESTART_MIN: Duration = Duration::from_millis(500);
const RESTART_MAX: Duration = Duration::from_secs(10);

/// A running server.
pub(super) struct LocalServer {
    pub(super) url: String,
    pub(super) keys: Keys,
    pub(super) state: watch::Receiver<ServerState>,
    pub(super) restarts: watch::Receiver<u64>,
}

impl LocalServer {
    /// Starts `binary` and waits until it answers.
    pub(super) async fn start(
        binary: Option<&Path>,
        tasks: &TaskTracker,
        cancel: &CancellationToken,
    ) -> Result<Self, HostError> {
        let binary = binary.ok_or(HostError::NoServer)?;
        let port = free_ports().ok_or(HostError::NoPorts { first: PORT })?;
        let keys = Keys { key: "troupe".to_owned(), secret: random_hex::<32>()? };
        let server = Server { binary: binary.to_owned(), port, config: config(port, &keys) };
        let child = server.spawn().await?;
        let (state, state_out) = watch::channel(ServerState::Up);
        let (restarts, restarts_out) = watch::channel(0);
        tasks.spawn(supervise(server, child, state, restarts, cancel.clone()));
        let url = format!("ws://127.0.0.1:{port}");
        Ok(Self { url, keys, state: state_out, restarts: restarts_out })
    }
}

struct Server {
    binary: PathBuf,
    port: u16,
    config: String,
}

impl Server {
    async fn spawn(&self) -> Result<Child, HostError> {
        let fail = |cause: String| HostError::Server { binary: self.binary.clone(), cause };
        let mut child = Command::new(&self.binary)
            // In the environment, and not as an argument that every user of the machine sees.
            .env("LIVEKIT_CONFIG", &self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fail(error.to_string()))?;
        let mut last_line = follow(&mut child);
        let up = tokio::time::timeout(START_TIMEOUT, async {
            while !self.answers().await {
                tokio::time::sleep(POLL).await;
            }
        });
        tokio::select! {
            up = up => up.map_err(|_| fail(format!("no answer within {START_TIMEOUT:?}")))?,
            _ = child.wait() => {
                // The last words come through the pipe a moment after the end.
                let _ = tokio::time::timeout(POLL, last_line.changed()).await;
                let words = last_line.borrow_and_update().clone();
                return Err(fail(format!("it ended at its start: {words}")));
            }
        }
        Ok(child)
    }

    async fn answers(&self) -> bool {
        let ask = async {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
            stream.write_all(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").await?;
            let mut status = [0; 12];
            stream.read_exact(&mut status).await?;
            Ok::<_, std::io::Error>(status.ends_with(b"200"))
        };
        matches!(tokio::time::timeout(Duration::from_secs(1), ask).await, Ok(Ok(true)))
    }
}

/// Restarts the server whenever it ends, until cancelled.
async fn supervise(
    server: Server,
    mut child: Child,
    state: watch::Sender<ServerState>,
    restarts: watch::Sender<u64>,
    cancel: CancellationToken,
) {
    loop {
        let Some(end) = cancel.run_until_cancelled(child.wait()).await else {
            if let Err(error) = child.kill().await {
                tracing::warn!(%error, "the LiveKit server could not be ended");
            }
            return;
        };
        let cause = end.map_or_else(|error| error.to_string(), |status| status.to_string());
        tracing::warn!(cause, "the LiveKit server ended; starting it again");
        state.send_replace(ServerState::Down { cause });
        let mut wait = RESTART_MIN;
        child = loop {
            if cancel.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            match cancel.run_until_cancelled(server.spawn()).await {
                None => return,
                Some(Ok(child)) => break child,
                Some(Err(error)) => {
                    tracing::warn!(%error, "the LiveKit server did not come back yet");
                    state.send_replace(ServerState::Down { cause: error.to_string() });
                }
            }
            wait = (wait * 2).min(RESTART_MAX);
        };
        restarts.send_modify(|count| *count += 1);
        state.send_replace(ServerState::Up);
    }
}

/// Passes the child's output to the log and keeps its last line.
fn follow(child: &mut Child) -> watch::Receiver<String> {
    let (last, last_out) = watch::channel(String::new());
    if let Some(out) = child.stdout.take() {
        tokio::spawn(log_lines(out, last.clone()));
    }
    if let Some(err) = child.stderr.take() {
        tokio::spawn(log_lines(err, last));
    }
    last_out
}

/// Ends when the child closes the pipe.
async fn log_lines(from: impl AsyncRead + Unpin, last: watch::Sender<String>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "troupe::livekit_server", "{line}");
        last.send_replace(line);
    }
}

fn config(port: u16, keys: &Keys) -> String {
    // The cast alone counts as an empty room, which would be closed under it: hence a day.
    const EMPTY_S: u32 = 24 * 3_600;
    let (tcp, udp) = (port + 1, port + 2);
    let Keys { key, secret } = keys;
    format!(
        "port: {port}\n\
         bind_addresses: [127.0.0.1]\n\
         keys: {{ {key}: {secret} }}\n\
         rtc: {{ tcp_port: {tcp}, udp_port: {udp}, node_ip: 127.0.0.1, use_external_ip: false, \
         enable_loopback_candidate: true, ips: {{ includes: [127.0.0.1/32] }} }}\n\
         room: {{ auto_create: true, empty_timeout: {EMPTY_S}, departure_timeout: {EMPTY_S} }}\n\
         logging: {{ level: info, pion_level: error }}\n"
    )
}

/// The first of three ports in a row that nobody uses: HTTP and WebSocket, media over TCP, media
/// over UDP.
fn free_ports() -> Option<u16> {
    let free = |port: u16| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
            && TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1)).is_ok()
            && UdpSocket::bind((Ipv4Addr::LOCALHOST, port + 2)).is_ok()
    };
    (0..PORT_TRIES).map(|step| PORT + step * 100).find(|&port| free(port))
}
