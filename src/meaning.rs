//! What a line is about, told by a model of sentences: how near it comes to each persona's card,
//! and how much it sounds like a line that wants an answer. `docs/TURNS.md` says what for.

mod directions;
mod minilm;
mod pieces;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

pub use minilm::MiniLm;

use crate::models::{self, Kind};
use crate::probe::time_sync;

/// The model's name in the catalogue.
const MODEL: &str = "all-minilm-l6-v2";

/// Numbers of a [`Vector`].
pub const SIDES: usize = 384;

/// A text as a direction: of length 1, so that the product of two is the cosine between them.
pub type Vector = [f32; SIDES];

/// Texts whose meaning is kept: what is said in a pause is mostly the line that comes.
const KEPT: usize = 8;

/// What of a line's meaning is of use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meaning {
    /// How near the line comes to each card of the cast, in its order, -1 to 1.
    pub near: Vec<f32>,
    /// What speaks for it that a line which calls nobody wants an answer, in nats.
    pub wanted: f32,
    /// The same for those whom it names: that they are to answer.
    pub called: f32,
    /// The same for a line behind a persona's question or offer: that this talk goes on.
    pub goes_on: f32,
}

/// The model of sentences that is used, where it is installed.
///
/// # Errors
/// When it is not installed, or not this model.
pub fn find(root: &Path) -> Result<MiniLm, EmbedError> {
    let files = models::resolve(root, MODEL).and_then(|files| files.of_kind(Kind::Embedding));
    let files = files.map_err(|error| EmbedError(error.to_string()))?;
    let tokenizer = files.companion("tokenizer.json");
    let tokenizer = tokenizer.ok_or_else(|| EmbedError(format!("{MODEL} has no tokenizer")))?;
    MiniLm::load(files.main(), tokenizer)
}

/// Why a text has no vector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EmbedError(pub String);

/// Turns texts into vectors.
pub trait Embed: Send + Sync + 'static {
    /// # Errors
    /// When the model's runtime fails over `text`.
    fn embed(&self, text: &str) -> Result<Vector, EmbedError>;
}

/// Tells what lines mean to one cast.
#[async_trait]
pub trait Read: Send + Sync {
    /// None when it cannot be told: whoever asks does without.
    async fn read(&self, text: &str) -> Option<Meaning>;
}

/// Reads with a model.
#[derive(Clone)]
pub struct Reader {
    embedder: Arc<dyn Embed>,
    cards: Arc<[Vector]>,
    newest: Arc<Mutex<VecDeque<(String, Meaning)>>>,
}

impl Reader {
    /// For a cast with these cards, in the order in which the core has it.
    ///
    /// # Errors
    /// When the model fails over a card.
    pub fn new<'a>(
        embedder: Arc<dyn Embed>,
        cards: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, EmbedError> {
        let cards = cards.into_iter().map(|card| embedder.embed(card)).collect::<Result<_, _>>()?;
        Ok(Self { embedder, cards, newest: Arc::default() })
    }

    /// As [`Read::read`], where blocking is allowed. Nobody else reads meanwhile: what is asked
    /// twice at once is read once.
    pub fn meaning(&self, text: &str) -> Option<Meaning> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known(&newest, text) {
            return Some(known);
        }
        let meaning = time_sync!("meaning.read", self.told(text))
            .inspect_err(|error| tracing::warn!(%error, "a line is judged by its words alone"))
            .ok()?;
        newest.truncate(KEPT - 1);
        newest.push_front((text.to_owned(), meaning.clone()));
        Some(meaning)
    }

    fn told(&self, text: &str) -> Result<Meaning, EmbedError> {
        let line = self.embedder.embed(text)?;
        Ok(Meaning {
            near: self.cards.iter().map(|card| product(card, &line)).collect(),
            wanted: product(&directions::WANTED, &line),
            called: product(&directions::CALLED, &line),
            goes_on: product(&directions::GOES_ON, &line),
        })
    }
}

#[async_trait]
impl Read for Reader {
    async fn read(&self, text: &str) -> Option<Meaning> {
        // What is known takes no thread.
        if let Ok(newest) = self.newest.try_lock()
            && let Some(known) = known(&newest, text)
        {
            return Some(known);
        }
        let (reader, text) = (self.clone(), text.to_owned());
        tokio::task::spawn_blocking(move || reader.meaning(&text)).await.ok().flatten()
    }
}

fn known(newest: &VecDeque<(String, Meaning)>, text: &str) -> Option<Meaning> {
    newest.iter().find(|(known, _)| known == text).map(|(_, meaning)| meaning.clone())
}

/// The product of two vectors, in thousandths: the same number is then written for it everywhere.
fn product(one: &Vector, other: &Vector) -> f32 {
    let sum: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
    (sum * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Every letter is a direction.
    #[derive(Default)]
    struct Letters {
        asked: AtomicU32,
    }

    impl Embed for Letters {
        fn embed(&self, text: &str) -> Result<Vector, EmbedError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if text.is_empty() {
                return Err(EmbedError("there is nothing".to_owned()));
            }
            let mut vector = [0.0; SIDES];
            for byte in text.bytes() {
                vector[usize::from(byte)] += 1.0;
            }
            let length = vector.iter().map(|one| one * one).sum::<f32>().sqrt();
            Ok(vector.map(|one| one / length))
        }
    }

    #[test]
    fn a_line_is_near_to_the_card_that_it_resembles() {
        let letters = Arc::new(Letters::default());
        let reader = Reader::new(letters.clone(), ["aab", "xyz"]).expect("cards");
        let meaning = reader.meaning("ab").expect("it has one");
        assert_eq!(meaning.near, [0.949, 0.0]);
        assert!(meaning.wanted.is_finite() && meaning.called.is_finite());
        // Two cards and the line; once more costs nothing.
        assert_eq!(reader.meaning("ab"), Some(meaning));
        assert_eq!(letters.asked.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn the_oldest_texts_are_forgotten_first() {
        let letters = Arc::new(Letters::default());
        let reader = Reader::new(letters.clone(), []).expect("no cards");
        for count in 1..=KEPT + 1 {
            reader.meaning(&"a".repeat(count));
        }
        let asked = || letters.asked.load(Ordering::Relaxed);
        let before = asked();
        reader.meaning("aa");
        assert_eq!(asked(), before, "it is among the newest");
        reader.meaning("a");
        assert_eq!(asked(), before + 1, "it was the oldest");
    }

    #[test]
    fn a_model_that_fails_means_nothing() {
        let reader = Reader::new(Arc::new(Letters::default()), ["a"]).expect("a card");
        assert_eq!(reader.meaning(""), None);
        assert!(Reader::new(Arc::new(Letters::default()), [""]).is_err());
    }
}
