//! Files over HTTP, resumed where an earlier attempt ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::error::ModelError;
use super::progress::Meter;
use super::source::Failure;

/// Long enough for a slow link, short enough that a closed network falls back at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A body from which nothing came for so long is dead; the next attempt resumes.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts in a row that bring nothing new before a site is given up.
const BARREN_ATTEMPTS_MAX: u32 = 3;
/// Between attempts that bring nothing.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const CHUNK_BYTES: usize = 64 * 1024;

/// A site that is asked for files.
pub(crate) struct Site {
    agent: Agent,
    /// What it is called in sentences: `the hub`.
    called: &'static str,
    endpoint: String,
    token: Option<String>,
}

/// How one attempt ended without the whole file.
enum Broken {
    /// Worth another attempt.
    Cut(String),
    /// No attempt will do better.
    Final(Failure),
}

impl Site {
    /// A site at `endpoint` (`https://…`), with an access token for it, if there is one.
    pub(crate) fn new(called: &'static str, endpoint: &str, token: Option<String>) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(READ_TIMEOUT))
            .timeout_per_read(Some(READ_TIMEOUT))
            .build()
            .new_agent();
        Self { agent, called, endpoint: endpoint.trim_end_matches('/').to_owned(), token }
    }

    pub(crate) fn called(&self) -> &'static str {
        self.called
    }

    /// Completes `part` to the `total_bytes` of the file at `path`, which follows the endpoint.
    ///
    /// What a cut connection brought stays in `part`, for the next attempt or the next run.
    pub(crate) fn fetch(
        &self,
        path: &str,
        part: &Path,
        total_bytes: u64,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        let url = format!("{}/{path}", self.endpoint);
        let mut barren = 0;
        loop {
            let before_bytes = length(part);
            match self.attempt(&url, part, total_bytes, meter) {
                Ok(()) => return Ok(()),
                Err(Broken::Final(failure)) => return Err(failure),
                Err(Broken::Cut(cause)) => {
                    barren = if length(part) > before_bytes { 0 } else { barren + 1 };
                    match barren {
                        0 => {}
                        BARREN_ATTEMPTS_MAX.. => return Err(Failure::Source(cause)),
                        _ => std::thread::sleep(RETRY_PAUSE),
                    }
                }
            }
        }
    }

    fn attempt(
        &self,
        url: &str,
        part: &Path,
        total_bytes: u64,
        meter: &mut Meter,
    ) -> Result<(), Broken> {
        let have_bytes = match length(part) {
            bytes if bytes == total_bytes => return Ok(()),
            bytes if bytes < total_bytes => bytes,
            _ => 0,
        };
        let mut response = self.ask(url, have_bytes)?;
        let start_bytes = self.start_of(&response, have_bytes)?;
        let mut file = open(part, start_bytes)
            .map_err(|error| fatal(ModelError::io("writing", part, error)))?;
        meter.start_at(start_bytes);
        let mut body = response.body_mut().as_reader();
        self.copy(&mut body, &mut file, part, total_bytes - start_bytes, meter)
    }

    fn ask(&self, url: &str, have_bytes: u64) -> Result<Response<Body>, Broken> {
        let mut request = self.agent.get(url);
        if have_bytes > 0 {
            request = request.header(header::RANGE, format!("bytes={have_bytes}-"));
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.call().map_err(|error| {
            let cause = format!("{} cannot be reached ({error})", without_user(&self.endpoint));
            match error {
                // The peer was there and let go: it may be there again.
                ureq::Error::Io(inner) if reset(&inner) => Broken::Cut(cause),
                _ => Broken::Final(Failure::Unreachable(cause)),
            }
        })
    }

    /// Where the answer's body starts in the file.
    fn start_of(&self, response: &Response<Body>, have_bytes: u64) -> Result<u64, Broken> {
        let range = response.headers().get(header::CONTENT_RANGE).and_then(|v| v.to_str().ok());
        let from_here = || range.is_some_and(|r| r.starts_with(&format!("bytes {have_bytes}-")));
        let answered = |status: StatusCode| format!("{} answered {status}", self.called);
        match response.status() {
            // A server that ignores the range starts again.
            StatusCode::OK => Ok(0),
            StatusCode::PARTIAL_CONTENT if from_here() => Ok(have_bytes),
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
                Err(Broken::Cut(answered(status)))
            }
            status if status.is_server_error() => Err(Broken::Cut(answered(status))),
            status => Err(Broken::Final(Failure::Source(answered(status)))),
        }
    }

    /// Copies the `rest_bytes` that are still wanted, and finds out when there are more or fewer.
    fn copy(
        &self,
        body: &mut dyn Read,
        file: &mut File,
        part: &Path,
        rest_bytes: u64,
        meter: &mut Meter,
    ) -> Result<(), Broken> {
        let mut left_bytes = rest_bytes;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = match body.read(&mut chunk) {
                Ok(0) if left_bytes == 0 => return Ok(()),
                Ok(0) => return Err(self.cut("ended early")),
                Ok(count) => count,
                Err(error) => return Err(self.cut(&format!("broke off ({error})"))),
            };
            left_bytes = left_bytes.checked_sub(count as u64).ok_or_else(|| {
                let larger =
                    format!("{}'s file is larger than the catalogue promises", self.called);
                Broken::Final(Failure::Source(larger))
            })?;
            let written = file.write_all(&chunk[..count]);
            written.map_err(|error| fatal(ModelError::io("writing", part, error)))?;
            meter.add(count as u64);
        }
    }

    fn cut(&self, how: &str) -> Broken {
        Broken::Cut(format!("{}'s answer {how}", self.called))
    }
}

/// An address as it may be shown: a name and password before the host are left out.
fn without_user(endpoint: &str) -> &str {
    endpoint.rsplit_once('@').map_or(endpoint, |(_, host)| host)
}

fn reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof)
}

fn fatal(error: ModelError) -> Broken {
    Broken::Final(Failure::Fatal(error))
}

fn open(part: &Path, start_bytes: u64) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(part)?;
    file.set_len(start_bytes)?;
    Ok(file)
}

/// Size of a file; nothing is there as long as it is unknown.
pub(crate) fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}
