//! Whether a line is for a persona, asked of a server: yes or no, and how sure.
//!
//! A server tells no likelihood of a text that it did not write itself, so the persona is asked.
//! Its first token's probabilities over the two words are the answer. A server that tells none is
//! asked again, bound by a grammar to one of the two; that answer has no shades.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::wire;
use crate::llm::{Message, Question, Role, Score};

/// What the persona is asked behind the line.
const CUE: &str = "\n\nIs that for you to answer? Say only yes or no.";
/// How sure a bound answer counts: of its odds nothing is known.
const BOUND: f64 = 0.9;
/// The most that servers tell.
const TOP_TOKENS: u32 = 20;
/// Room for a word, however it is cut into tokens.
const WORD_TOKENS: u32 = 4;

/// The call that asks; `bound` by a grammar.
pub(super) fn body(question: &Question, model: &str, bound: bool) -> Value {
    let mut messages = question.messages.clone();
    let asked = [question.text.as_str(), CUE].concat();
    match messages.last_mut() {
        Some(last) if last.role == Role::User => last.content.push_str(&asked),
        _ => messages.push(Message::new(Role::User, asked.trim_start())),
    }
    let mut body = json!({
        "model": model,
        "messages": wire(&messages),
        "max_tokens": if bound { WORD_TOKENS } else { 1 },
        "temperature": 0,
        "logprobs": true,
        "top_logprobs": TOP_TOKENS,
    });
    if bound {
        // llama-server's word for it, and vLLM's two.
        body["grammar"] = json!(r#"root ::= "yes" | "no""#);
        body["guided_choice"] = json!(["yes", "no"]);
        body["structured_outputs"] = json!({ "choice": ["yes", "no"] });
    }
    body
}

/// What a server says to it; only what is read here.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    choices: Vec<Choice>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Text,
    logprobs: Option<Logprobs>,
}

#[derive(Debug, Deserialize)]
struct Text {
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Logprobs {
    content: Option<Vec<Place>>,
}

#[derive(Debug, Deserialize)]
struct Place {
    #[serde(default)]
    top_logprobs: Vec<Odds>,
}

#[derive(Debug, Deserialize)]
struct Odds {
    token: String,
    logprob: f64,
}

impl Said {
    /// The probability of yes, of both words together 1, read off the first token.
    pub(super) fn odds(&self) -> Option<Score> {
        let first = self.choices.first()?.logprobs.as_ref()?.content.as_ref()?.first()?;
        let of = |word: &str| -> f64 {
            let spells = |odds: &&Odds| odds.token.trim().eq_ignore_ascii_case(word);
            first.top_logprobs.iter().filter(spells).map(|odds| odds.logprob.exp()).sum()
        };
        let (yes, no) = (of("yes"), of("no"));
        // One of them may be too unlikely to be told.
        (yes + no > 0.0).then(|| score(yes / (yes + no)))
    }

    /// What a bound answer says.
    pub(super) fn word(&self) -> Option<Score> {
        let said = self.choices.first()?.message.content.as_deref()?.trim().to_lowercase();
        match said.as_str() {
            "yes" => Some(score(BOUND)),
            "no" => Some(score(1.0 - BOUND)),
            _ => None,
        }
    }
}

fn score(yes: f64) -> Score {
    // So that nobody is certain, and everybody can be compared.
    Score { nats: yes.max(f64::MIN_POSITIVE).ln(), tokens: 1 }
}
