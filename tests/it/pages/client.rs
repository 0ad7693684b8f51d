//! A small HTTP client of our own: it shows what is on the wire, and it can stop reading.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Far longer than anything takes, so that a test that hangs says where.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Empty when it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub(super) async fn get(at: SocketAddr, path: &str) -> Answer {
    ask(at, "GET", path, &[], "").await
}

pub(super) async fn post(at: SocketAddr, path: &str, body: &str) -> Answer {
    ask(at, "POST", path, &[("content-type", "application/json")], body).await
}

/// One request on a connection of its own. A `host` header replaces the true one.
pub(crate) async fn ask(
    at: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut stream = TcpStream::connect(at).await.expect("the pages listen");
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += &format!("host: {at}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("a request goes out");
    let mut raw = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut raw)).await.expect("in time").expect("an answer");
    parse(&String::from_utf8_lossy(&raw))
}

fn parse(raw: &str) -> Answer {
    let (head, body) = raw.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Answer { status: status.parse().expect("a number"), headers, body: body.to_owned() }
}

/// One event of the live feed.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) data: serde_json::Value,
}

/// A page that listens; while nobody calls `next` it does not read.
pub(super) struct Feed {
    stream: BufReader<TcpStream>,
}

impl Feed {
    pub(super) async fn open(at: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(at).await.expect("the pages listen");
        let request = format!("GET /api/events HTTP/1.1\r\nhost: {at}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a request goes out");
        Self { stream: BufReader::new(stream) }
    }

    /// The next event; comments are passed over.
    pub(super) async fn next(&mut self) -> Event {
        timeout(PATIENCE, self.read()).await.expect("in time").expect("the feed goes on")
    }

    /// The next event of a kind.
    pub(super) async fn next_of(&mut self, kind: &str) -> serde_json::Value {
        loop {
            let event = self.next().await;
            if event.kind == kind {
                return event.data;
            }
        }
    }

    /// Whether the server opened the feed; it reads the status line only.
    pub(super) async fn begins(&mut self) -> bool {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.stream.read_line(&mut line)).await;
        read.is_ok() && line.starts_with("HTTP/1.1 200")
    }

    /// Reads to the end; true when it came.
    pub(super) async fn ended(&mut self) -> bool {
        let all = async { while self.read().await.is_some() {} };
        timeout(PATIENCE, all).await.is_ok()
    }

    async fn read(&mut self) -> Option<Event> {
        let mut kind = None;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return None;
            }
            if let Some(name) = line.strip_prefix("event: ") {
                kind = Some(name.trim().to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                let data = serde_json::from_str(data).expect("JSON");
                return Some(Event { kind: kind.expect("a kind before the data"), data });
            }
        }
    }
}
