//! Phonemes from a long-lived `espeak-ng` child process.
//!
//! The child reads a line and writes its phonemes, at 1 to 2 ms a clause. It is a process, not a
//! library, so that its licence (GPL) stays outside this binary. It may write several lines for
//! one (it breaks at clauses of its own), so each text is followed by a line of raw phonemes that
//! comes back as it is and that no text can produce.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use super::VoiceError;
use super::abbreviation::keeps_dot;

/// Sent after each text: six unstressed `z`, which are not in any word of any language.
const END_SENT: &str = "[[zzzzzz]]\n";
const END_READ: &str = "zzzzzz";
/// A clause takes milliseconds; a child that thinks longer is stuck.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Far above the longest clause, and far below what fills a pipe while the child writes.
const TEXT_CHARS_MAX: usize = 2_000;
/// A longer answer than this is not one.
const ANSWER_BYTES_MAX: usize = 200_000;

/// Speaks to one child at a time; callers wait for each other.
#[derive(Debug)]
pub struct Phonemiser {
    program: PathBuf,
    args: Vec<String>,
    /// Empty while an exchange runs: one that is given up takes its child with it, because what
    /// the child still writes would be taken for the next answer.
    child: Mutex<Option<Running>>,
    restarts: AtomicU64,
}

#[derive(Debug)]
struct Running {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Phonemiser {
    /// For an espeak voice such as `en-us`. `program` is a path or a name on `PATH`. The child
    /// starts with the first call.
    pub fn new(program: impl Into<PathBuf>, voice: &str) -> Self {
        let args = ["-q", "--ipa", "-b", "1", "-v", voice].map(str::to_owned).to_vec();
        Self::with_args(program.into(), args)
    }

    fn with_args(program: PathBuf, args: Vec<String>) -> Self {
        Self { program, args, child: Mutex::new(None), restarts: AtomicU64::new(0) }
    }

    /// The phonemes of `text` in IPA, with the marks that shape its melody (`. , ? ! ; :`) where
    /// they were. Empty when it has nothing to say. A child that died is started again and asked
    /// once more.
    pub async fn phonemes(&self, text: &str) -> Result<String, VoiceError> {
        let segments = segments(text);
        if segments.is_empty() {
            return Ok(String::new());
        }
        let mut slot = self.child.lock().await;
        let mut failure = None;
        for _ in 0..2 {
            let mut child = match slot.take() {
                Some(child) => child,
                None => self.start()?,
            };
            match tokio::time::timeout(ANSWER_TIMEOUT, child.ask(&segments)).await {
                Ok(Ok(answers)) => {
                    *slot = Some(child);
                    return Ok(join(&segments, &answers));
                }
                Ok(Err(error)) => failure = Some(error.to_string()),
                Err(_) => failure = Some(format!("no answer within {ANSWER_TIMEOUT:?}")),
            }
            self.restarts.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(cause = failure.as_deref(), "espeak-ng is started again");
        }
        let voice = self.args.last().map_or("", String::as_str);
        Err(VoiceError::Phonemes(format!(
            "{}; `espeak-ng --voices` shows whether it knows the voice {voice}",
            failure.unwrap_or_default(),
        )))
    }

    /// Children lost since the start.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    fn start(&self) -> Result<Running, VoiceError> {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                VoiceError::Start(format!(
                    "cannot run {}: {error}; install the Debian package espeak-ng \
                     (scripts/setup does)",
                    self.program.display(),
                ))
            })?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (to, from) = pipes.expect("both were asked to be pipes");
        Ok(Running { _child: child, to, from: BufReader::new(from) })
    }
}

impl Running {
    /// One answer for each segment.
    async fn ask(&mut self, segments: &[Segment]) -> std::io::Result<Vec<String>> {
        let mut question = String::new();
        for segment in segments {
            question.push_str(&segment.text);
            question.push('\n');
            question.push_str(END_SENT);
        }
        self.to.write_all(question.as_bytes()).await?;
        self.to.flush().await?;
        let mut answers = Vec::with_capacity(segments.len());
        let (mut answer, mut line, mut bytes) = (String::new(), String::new(), 0);
        while answers.len() < segments.len() {
            line.clear();
            bytes += self.from.read_line(&mut line).await?;
            if line.is_empty() {
                return Err(std::io::Error::other("espeak-ng ended"));
            }
            if bytes > ANSWER_BYTES_MAX {
                return Err(std::io::Error::other("espeak-ng answers without end"));
            }
            if line.trim() == END_READ {
                answers.push(std::mem::take(&mut answer));
            } else {
                answer.push(' ');
                answer.push_str(&line);
            }
        }
        Ok(answers)
    }
}

/// A stretch without marks, and the mark that ends it.
#[derive(Debug, PartialEq, Eq)]
struct Segment {
    text: String,
    mark: Option<char>,
}

/// Cuts at the marks: the child drops them, and the voice needs them.
fn segments(text: &str) -> Vec<Segment> {
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let text = text.replace('—', " — ").replace(['[', ']'], " ");
    let mut done = Vec::new();
    let mut current = String::new();
    let mut words = text.split(|c: char| c.is_whitespace() || c.is_control()).peekable();
    while let Some(word) = words.next() {
        let next = words.peek().and_then(|word| word.chars().next());
        let (bare, mark) = mark(word, next);
        if !bare.is_empty() {
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(bare);
        }
        if mark.is_some() && current.chars().any(char::is_alphanumeric) {
            done.push(Segment { text: std::mem::take(&mut current), mark });
        }
    }
    if current.chars().any(char::is_alphanumeric) {
        done.push(Segment { text: current, mark: None });
    }
    done
}

/// Parts a word from the mark after it, given the first character of the next word.
fn mark(word: &str, next: Option<char>) -> (&str, Option<char>) {
    let word = word.trim_end_matches(['"', '\'', ')', '*']);
    if keeps_dot(word, next) && next.is_some() {
        return (word, None);
    }
    let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?', '…', '—', '-']);
    let marks = &word[bare.len()..];
    let mark = match marks.chars().last() {
        // An ellipsis or a dash hangs, as a comma does.
        Some('…' | '—' | '-') => Some(','),
        Some('.') if marks.ends_with("..") => Some(','),
        mark => mark,
    };
    (bare, mark)
}

fn join(segments: &[Segment], answers: &[String]) -> String {
    let mut out = String::new();
    for (segment, answer) in segments.iter().zip(answers) {
        let phonemes = without_language_marks(answer);
        if phonemes.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&phonemes);
        out.extend(segment.mark);
    }
    out
}

/// Words separated by one space; `(fr)`, which names the language of a foreign word, goes.
fn without_language_marks(answer: &str) -> String {
    let mut out = String::with_capacity(answer.len());
    let mut inside = false;
    for c in answer.chars() {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn cut(text: &str) -> Vec<(String, Option<char>)> {
        segments(text).into_iter().map(|s| (s.text, s.mark)).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, Option<char>)]) {
        let expected: Vec<_> = expected.iter().map(|(t, m)| ((*t).to_owned(), *m)).collect();
        assert_eq!(cut(text), expected);
    }

    /// Answers each line with itself, and the end line with the end.
    fn parrot() -> Phonemiser {
        fake("sed -u 's/^.*zzzzzz.*$/zzzzzz/'")
    }

    fn fake(script: &str) -> Phonemiser {
        Phonemiser::with_args("sh".into(), vec!["-c".to_owned(), script.to_owned()])
    }

    #[test]
    fn marks_are_kept_beside_what_they_end() {
        check(
            "Well, yes: no; really? So!",
            &[
                ("Well", Some(',')),
                ("yes", Some(':')),
                ("no", Some(';')),
                ("really", Some('?')),
                ("So", Some('!')),
            ],
        );
        check(
            "Hm... maybe — or (not).",
            &[("Hm", Some(',')), ("maybe", Some(',')), ("or (not)", Some('.'))],
        );
    }

    #[test]
    fn dots_inside_a_sentence_are_the_childs() {
        check(
            "Mr. Smith paid 3.14, e.g. to me",
            &[("Mr. Smith paid 3.14", Some(',')), ("e.g. to me", None)],
        );
        check("It is 5 p.m.", &[("It is 5 p.m", Some('.'))]);
    }

    #[test]
    fn what_would_confuse_the_child_is_taken_out() {
        check("a\u{0}b\nc [[zzzzzz]] d", &[("a b c zzzzzz d", None)]);
        check("... ! —", &[]);
        assert!(cut(&"word ".repeat(10_000))[0].0.len() <= TEXT_CHARS_MAX);
    }

    #[test]
    fn language_marks_go() {
        assert_eq!(without_language_marks(" ðə (fr)ʒˈuʁ(en)\n wˈɜːd\n"), "ðə ʒˈuʁ wˈɜːd");
    }

    #[tokio::test]
    async fn one_child_answers_call_after_call() {
        let child = parrot();
        for text in ["one, two.", "three", "Zzzzzz!", "four; five"] {
            assert_eq!(child.phonemes(text).await.expect("the parrot answers"), text);
        }
        assert_eq!(child.restarts(), 0);
    }

    #[tokio::test]
    async fn a_child_that_dies_is_replaced_and_asked_again() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mark = dir.path().join("died");
        let script = format!(
            "[ -e {0} ] || {{ touch {0}; read line; exit 1; }}; \
             exec sed -u 's/^.*zzzzzz.*$/zzzzzz/'",
            mark.display()
        );
        let child = fake(&script);
        assert_eq!(child.phonemes("hello.").await.expect("the second child answers"), "hello.");
        assert_eq!(child.restarts(), 1);
    }

    #[tokio::test]
    async fn a_child_that_cannot_answer_is_an_error_with_a_cause() {
        let error = fake("exit 0").phonemes("hello").await.expect_err("it ended");
        assert!(error.to_string().contains("--voices"), "{error}");
        let missing = Phonemiser::new("/nonexistent/espeak-ng", "en-us");
        let error = missing.phonemes("hello").await.expect_err("it is not there");
        assert!(error.to_string().contains("install"), "{error}");
    }

    #[tokio::test]
    async fn an_exchange_given_up_does_not_leave_its_answer_to_the_next() {
        let child = parrot();
        child.phonemes("warm").await.expect("the parrot answers");
        // Polled once: the question is written, the answer is not read.
        let given_up = pin!(child.phonemes("old")).poll(&mut Context::from_waker(Waker::noop()));
        assert!(given_up.is_pending());
        assert_eq!(child.phonemes("new").await.expect("a fresh parrot answers"), "new");
    }
}
