//! The server's stream: events of lines, each with a piece of JSON.

use serde::Deserialize;

use crate::llm::Finish;

/// A longer line is no piece of a reply.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Cuts bytes into the data of server-sent events.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// Takes bytes as they came; gives the data that is complete now. None: a line without end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Option<Vec<String>> {
        self.bytes.extend_from_slice(bytes);
        let mut data = Vec::new();
        let mut begin = 0;
        while let Some(length) = self.bytes[begin..].iter().position(|&byte| byte == b'\n') {
            let line = self.bytes[begin..begin + length].trim_ascii();
            if let Some(rest) = line.strip_prefix(b"data:") {
                data.push(String::from_utf8_lossy(rest.trim_ascii()).into_owned());
            }
            begin += length + 1;
        }
        self.bytes.drain(..begin);
        (self.bytes.len() <= LINE_BYTES_MAX).then_some(data)
    }
}

/// One piece of a reply. What a server adds of its own is passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
    prompt_tokens_details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    cached_tokens: Option<u32>,
}

/// What is wrong, as servers write it: in an answer of its own, or in a stream.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) message: Option<String>,
}

/// An answer that is an error.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: Problem,
}

/// Tokens of a prompt, and how many the server had computed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) tokens: u32,
    pub(super) cached_tokens: u32,
}

impl Chunk {
    pub(super) fn text(&self) -> Option<&str> {
        let text = self.choices.first()?.delta.content.as_deref()?;
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn finish(&self) -> Option<Finish> {
        let reason = self.choices.first()?.finish_reason.as_deref()?;
        Some(if reason == "length" { Finish::Length } else { Finish::Stop })
    }

    pub(super) fn prompt(&self) -> Option<Prompt> {
        let usage = self.usage.as_ref()?;
        let details = usage.prompt_tokens_details.as_ref();
        let cached_tokens = details.and_then(|details| details.cached_tokens).unwrap_or(0);
        Some(Prompt { tokens: usage.prompt_tokens, cached_tokens })
    }

    pub(super) fn completion_tokens(&self) -> Option<u32> {
        self.usage.as_ref().map(|usage| usage.completion_tokens)
    }

    pub(super) fn error(&self) -> Option<&str> {
        let problem = self.error.as_ref()?;
        Some(problem.message.as_deref().unwrap_or("it does not say what"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let stream = b": hello\r\ndata: {\"a\":1}\r\n\r\nevent: x\ndata:[DONE]\n\n";
        for cut in 0..stream.len() {
            let mut lines = Lines::default();
            let mut data = lines.push(&stream[..cut]).unwrap();
            data.extend(lines.push(&stream[cut..]).unwrap());
            assert_eq!(data, ["{\"a\":1}", "[DONE]"], "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut lines = Lines::default();
        assert!(lines.push(&vec![b'x'; LINE_BYTES_MAX + 1]).is_none());
    }

    #[test]
    fn what_servers_send_is_understood() {
        let chunk = |text: &str| serde_json::from_str::<Chunk>(text).unwrap();
        let piece = chunk(r#"{"id":"1","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#);
        assert_eq!((piece.text(), piece.finish()), (Some("Hi"), None));
        let role = chunk(r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#);
        assert_eq!(role.text(), None);
        let end = chunk(r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#);
        assert_eq!(end.finish(), Some(Finish::Length));
        let usage = chunk(
            r#"{"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":7,
                "prompt_tokens_details":{"cached_tokens":32}}}"#,
        );
        assert_eq!(usage.prompt(), Some(Prompt { tokens: 40, cached_tokens: 32 }));
        assert_eq!(usage.completion_tokens(), Some(7));
        let broken = chunk(r#"{"error":{"message":"out of memory","code":500}}"#);
        assert_eq!(broken.error(), Some("out of memory"));
    }
}
