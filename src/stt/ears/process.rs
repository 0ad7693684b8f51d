//! One run of `troupe-ears`.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Options, log};
use crate::audio::Clip;
use crate::stt::wire::{self, Decoder, Message};
use crate::stt::{RecogniserError, Recognition};

/// A process whose stdin was closed ends by itself when its clip is done.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// The last words of a dead process are in the pipe already.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(200);
const READ_BYTES: usize = 16 * 1024;

pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    decoder: Decoder,
    /// Carries its stderr to our log, and ends with its last line.
    log: JoinSet<Option<String>>,
    last_id: u64,
}

impl Process {
    /// Starts it and waits until its model is loaded and warm.
    ///
    /// # Errors
    /// The cause, in one sentence.
    pub(super) async fn start(options: &Options) -> Result<Self, String> {
        let mut process = Self::spawn(options)?;
        let limit = options.ready_within;
        match timeout(limit, process.receive()).await {
            Ok(Ok(Message::Ready { load_ms })) => {
                tracing::info!(load_ms, pid = process.pid(), "the ears are ready");
                Ok(process)
            }
            Ok(Ok(_)) => Err("the ears did not say that they are ready".to_owned()),
            Ok(Err(cause)) => Err(process.with_last_words(cause).await),
            Err(_) => Err(format!("the ears were not ready within {limit:?}")),
        }
    }

    fn spawn(options: &Options) -> Result<Self, String> {
        let program = options.program.display();
        let mut child = Command::new(&options.program)
            .arg("--model")
            .arg(&options.model)
            .args(["--language", &options.language])
            .args(["--threads", &options.threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                format!("{program} cannot be started: {error}; build both binaries")
            })?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(format!("{program} was started without its pipes"));
        };
        let mut log = JoinSet::new();
        log.spawn(log::carry(stderr));
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, stdout, decoder: Decoder::default(), log, last_id: 0 })
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Resolves when it dies, with the cause.
    pub(super) async fn death(&mut self) -> String {
        let cause = match self.child.wait().await {
            Ok(status) => format!("the ears ended ({status})"),
            Err(error) => format!("the ears cannot be watched: {error}"),
        };
        self.with_last_words(cause).await
    }

    /// Not safe to cancel: a process whose clip was given up has to go.
    pub(super) async fn transcribe(&mut self, clip: &Clip) -> Result<Recognition, RecogniserError> {
        self.last_id += 1;
        let message = Message::Clip { id: self.last_id, samples: clip.samples.to_vec() };
        let bytes = wire::encode(&message)
            .map_err(|error| RecogniserError::Refused(format!("the clip is too long: {error}")))?;
        let exchanged = async {
            self.send(&bytes).await?;
            self.receive().await
        };
        let answer = match exchanged.await {
            Ok(answer) => answer,
            Err(cause) => return Err(RecogniserError::Died(self.with_last_words(cause).await)),
        };
        match answer {
            Message::Text { id, text, no_speech, token_probability, .. } if id == self.last_id => {
                Ok(Recognition { text, no_speech, token_probability })
            }
            Message::Refused { id, cause } if id == self.last_id => {
                Err(RecogniserError::Refused(cause))
            }
            other => Err(RecogniserError::Died(format!("an answer to nothing: {other:?}"))),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("the ears' stdin is closed")?;
        let written = async {
            stdin.write_all(bytes).await?;
            stdin.flush().await
        };
        written.await.map_err(|error| format!("the ears take no clip: {error}"))
    }

    async fn receive(&mut self) -> Result<Message, String> {
        let mut bytes = vec![0; READ_BYTES];
        loop {
            match self.decoder.next_message() {
                Ok(Some(message)) => return Ok(message),
                Ok(None) => {}
                Err(error) => return Err(format!("the ears cannot be understood: {error}")),
            }
            match self.stdout.read(&mut bytes).await {
                Ok(0) => return Err("the ears ended".to_owned()),
                Ok(count) => self.decoder.push(&bytes[..count]),
                Err(error) => return Err(format!("the ears cannot be read: {error}")),
            }
        }
    }

    async fn with_last_words(&mut self, cause: String) -> String {
        match timeout(LAST_WORDS_WITHIN, self.log.join_next()).await {
            Ok(Some(Ok(Some(words)))) => format!("{cause}: {words}"),
            _ => cause,
        }
    }

    /// Lets it end by itself, for a moment.
    pub(super) async fn close(mut self) {
        self.stdin = None;
        if timeout(CLOSE_WITHIN, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    pub(super) async fn kill(mut self) {
        let killed: io::Result<()> = self.child.kill().await;
        if let Err(error) = killed {
            tracing::debug!(%error, "the ears were gone already");
        }
    }
}
