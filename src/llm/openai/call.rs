//! One call of the server, with its retries.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::choice::{self, Said};
use super::chunk::{Chunk, Lines, Prompt, Refusal};
use super::{Options, Policy};
use crate::llm::stream::TextStream;
use crate::llm::{
    EngineError, Event, Finish, Medium, Message, Question, Request, Role, Score, Senses,
};
use crate::medium::MARK;
use crate::time::Clock;

/// Of what a server says about an error, so much is passed on.
const CAUSE_CHARS_MAX: usize = 200;

pub(super) struct Caller {
    client: Client,
    options: Options,
    clock: Clock,
    /// It tells no probabilities.
    keeps_odds: AtomicBool,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) finish: Finish,
    pub(super) completion_tokens: u32,
    /// Servers may keep it to themselves.
    pub(super) prompt: Option<Prompt>,
}

/// Why there is no answer yet.
struct Failure {
    error: EngineError,
    /// Another try may help; the server may say when.
    again: Option<Option<Duration>>,
}

impl Caller {
    pub(super) fn new(options: Options, clock: Clock) -> Result<Self, EngineError> {
        let client = Client::builder()
            .connect_timeout(options.policy.connect)
            .read_timeout(options.policy.silence)
            .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| EngineError::Failed(format!("no HTTP client: {}", chain(&error))))?;
        Ok(Self { client, options, clock, keeps_odds: AtomicBool::new(false) })
    }

    pub(super) fn senses(&self) -> Senses {
        let server = &self.options.server;
        Senses { sees: server.sees, hears: server.hears }
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    /// Asks, and passes on what comes. Dropping the future closes the connection.
    pub(super) async fn answer(
        &self,
        request: &Request,
        mut send: impl FnMut(Event),
    ) -> Result<Answer, EngineError> {
        let response = self.reach(&body(request, &self.options.server.model)).await?;
        send(Event::Started { at: self.clock.now() });
        self.read(response, request, send).await
    }

    /// How sure the persona is that the question's text is for it.
    pub(super) async fn choose(&self, question: &Question) -> Result<Score, EngineError> {
        let model = &self.options.server.model;
        if !self.keeps_odds.load(Ordering::Relaxed) {
            if let Some(score) = self.said(&choice::body(question, model, false)).await?.odds() {
                return Ok(score);
            }
            // It is not asked for what it does not tell with every line.
            self.keeps_odds.store(true, Ordering::Relaxed);
        }
        let bound = self.said(&choice::body(question, model, true)).await?;
        bound.word().ok_or_else(|| self.failed("answers neither yes nor no"))
    }

    async fn said(&self, body: &Value) -> Result<Said, EngineError> {
        let said = self.reach(body).await?.text().await;
        let said = said
            .map_err(|error| self.failed(&format!("broke off: {}", chain(&error.without_url()))))?;
        serde_json::from_str(&said)
            .map_err(|error| self.failed(&format!("sends what is no answer: {error}")))
    }

    /// An answer that has begun, after as many tries as the policy allows.
    async fn reach(&self, body: &Value) -> Result<Response, EngineError> {
        let Policy { retries, wait, wait_max, .. } = self.options.policy;
        let mut tried = 0;
        loop {
            let failure = match self.post(body).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let Some(told) = failure.again.filter(|_| tried < retries) else {
                return Err(failure.error);
            };
            let pause = told.unwrap_or(wait * 2u32.saturating_pow(tried)).min(wait_max);
            tracing::debug!(error = %failure.error, ?pause, "the language server is asked again");
            tokio::time::sleep(pause).await;
            tried += 1;
        }
    }

    async fn post(&self, body: &Value) -> Result<Response, Failure> {
        let url = format!("{}/chat/completions", self.options.server.url.trim_end_matches('/'));
        let mut call = self.client.post(url).json(body);
        if let Some(key) = &self.options.server.key {
            call = call.bearer_auth(&key.0);
        }
        let response = call.send().await.map_err(|error| {
            let why = chain(&error.without_url());
            Failure { error: self.failed(&format!("cannot be reached: {why}")), again: Some(None) }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let told = seconds.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let busy = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        let said = response.text().await.unwrap_or_default();
        Err(Failure { error: self.refused(status, &said), again: busy.then_some(told) })
    }

    async fn read(
        &self,
        mut response: Response,
        request: &Request,
        mut send: impl FnMut(Event),
    ) -> Result<Answer, EngineError> {
        let mut lines = Lines::default();
        let mut text = TextStream::new(&request.stop);
        let (mut pieces, mut finish, mut prompt, mut counted) = (0, None, None, None);
        'stream: while let Some(bytes) = response
            .chunk()
            .await
            .map_err(|error| self.failed(&format!("broke off: {}", chain(&error.without_url()))))?
        {
            let data = lines.push(&bytes).ok_or_else(|| self.failed("sends no stream of lines"))?;
            for data in data {
                if data == "[DONE]" {
                    break 'stream;
                }
                let chunk: Chunk = serde_json::from_str(&data)
                    .map_err(|error| self.failed(&format!("sends what is no answer: {error}")))?;
                if let Some(error) = chunk.error() {
                    return Err(self.failed(&format!("broke off: {}", short(error))));
                }
                prompt = chunk.prompt().or(prompt);
                counted = chunk.completion_tokens().or(counted);
                finish = chunk.finish().or(finish);
                let Some(piece) = chunk.text() else { continue };
                pieces += 1;
                if pieces > request.max_tokens {
                    finish = Some(Finish::Length);
                    break 'stream;
                }
                self.say(text.push(piece.as_bytes()), &mut send);
                if text.stopped() {
                    finish = Some(Finish::Stop);
                    break 'stream;
                }
            }
        }
        let finish = finish.ok_or_else(|| self.failed("ended before its answer did"))?;
        self.say(text.finish(), &mut send);
        if let Some(Prompt { tokens: prompt_tokens, cached_tokens }) = prompt {
            send(Event::Counted { at: self.clock.now(), prompt_tokens, cached_tokens });
        }
        Ok(Answer { finish, completion_tokens: counted.unwrap_or(pieces), prompt })
    }

    fn say(&self, text: String, send: &mut impl FnMut(Event)) {
        if !text.is_empty() {
            send(Event::Text { at: self.clock.now(), text });
        }
    }

    fn failed(&self, what: &str) -> EngineError {
        EngineError::Failed(format!(
            "the language server at {} {what}; check models.language",
            self.options.server.url
        ))
    }

    fn refused(&self, status: StatusCode, said: &str) -> EngineError {
        let said = match serde_json::from_str::<Refusal>(said) {
            Ok(refusal) => refusal.error.message.unwrap_or_default(),
            Err(_) => said.to_owned(),
        };
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => EngineError::Failed(format!(
                "the language server at {} refuses the key ({status}); set OPENAI_API_KEY",
                self.options.server.url
            )),
            _ => self.failed(&format!("answered {status}: {}", short(&said))),
        }
    }
}

/// An error with its causes: the outermost alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// One line of what the server says.
fn short(said: &str) -> String {
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(CAUSE_CHARS_MAX).collect()
}

/// Messages as servers take them: where pictures or sounds stand in one, in parts.
pub(super) fn wire(messages: &[Message]) -> Value {
    let one = |message: &Message| {
        if message.media.is_empty() {
            return json!({ "role": message.role, "content": message.content });
        }
        let text = |text: &str| json!({ "type": "text", "text": text });
        let mut media = message.media.iter();
        let mut parts = Vec::new();
        for (place, words) in message.content.split(MARK).enumerate() {
            parts.extend((place > 0).then(|| media.next()).flatten().map(part));
            parts.extend((!words.is_empty()).then(|| text(words)));
        }
        json!({ "role": message.role, "content": parts })
    };
    messages.iter().map(one).collect()
}

fn part(medium: &Medium) -> Value {
    match medium {
        Medium::Picture(picture) => {
            let url = format!("data:image/jpeg;base64,{}", BASE64.encode(picture.jpeg()));
            json!({ "type": "image_url", "image_url": { "url": url } })
        }
        Medium::Sound(sound) => {
            let data = BASE64.encode(sound.wav());
            json!({ "type": "input_audio", "input_audio": { "data": data, "format": "wav" } })
        }
    }
}

fn body(request: &Request, model: &str) -> Value {
    let goes_on = request.messages.last().is_some_and(|last| last.role == Role::Assistant);
    let mut body = json!({
        "model": model,
        "messages": wire(&request.messages),
        "max_tokens": request.max_tokens,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "seed": request.sampling.seed,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    if !request.stop.is_empty() {
        // More are refused by some; ours are seen here in any case.
        body["stop"] = json!(request.stop.iter().take(4).collect::<Vec<_>>());
    }
    if goes_on {
        // vLLM's words for it; llama-server does it unasked.
        body["add_generation_prompt"] = json!(false);
        body["continue_final_message"] = json!(true);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Picture;
    use crate::sound::Sound;
    use crate::video::I420;

    #[test]
    fn pictures_stand_where_they_stand_among_the_words() {
        let picture = Picture::of_frame(&I420::black(8, 8).unwrap());
        let mut shows = Message::new(Role::User, "(Tom's camera: ");
        shows.show(picture.clone());
        shows.content.push_str(")\nTom: What is it?");
        let said = wire(&[Message::new(Role::System, "You see."), shows]);
        let url = said[1]["content"][1]["image_url"]["url"].as_str().unwrap();
        let jpeg = BASE64.decode(url.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
        assert_eq!(jpeg, picture.jpeg());
        let words = |place: usize| said[1]["content"][place]["text"].as_str().unwrap();
        assert_eq!([words(0), words(2)], ["(Tom's camera: ", ")\nTom: What is it?"]);
        assert_eq!(said[0], json!({ "role": "system", "content": "You see." }));
    }

    #[test]
    fn sounds_go_as_files() {
        let sound = Sound::of_samples(&[0.25; 1_600]).unwrap();
        let mut says = Message::new(Role::User, "Tom: ");
        says.play(sound.clone());
        let said = wire(&[says]);
        let part = &said[0]["content"][1];
        assert_eq!(said[0]["content"][0], json!({ "type": "text", "text": "Tom: " }));
        assert_eq!(
            (&part["type"], &part["input_audio"]["format"]),
            (&json!("input_audio"), &json!("wav"))
        );
        let data = BASE64.decode(part["input_audio"]["data"].as_str().unwrap()).unwrap();
        assert_eq!(Sound::of_wav(data).unwrap(), sound);
        assert_eq!(said[0]["content"].as_array().unwrap().len(), 2);
    }
}
