//! From messages to the tokens of a seat.

use std::sync::Arc;

use crate::llm::llama::model::ModelTokenizer;
use crate::llm::media::Gallery;
use crate::llm::reuse::{common_prefix, continue_with};
use crate::llm::sampler::Token;
use crate::llm::template::Template;
use crate::llm::{EngineError, Message, Role};
use crate::medium::MARK;

/// What prompts are made with.
pub(super) struct Prompts<'p> {
    pub template: &'p Template,
    pub tokenizer: &'p ModelTokenizer<'p>,
    /// Knows every picture and sound of the messages.
    pub gallery: &'p Gallery,
}

impl Prompts<'_> {
    /// The tokens of `messages`, beginning with as many of the seat's as possible. With `opened`,
    /// the assistant's next message is begun.
    pub(super) fn tokens(
        &self,
        held: &[Token],
        messages: &[Message],
        opened: bool,
    ) -> Result<Vec<Token>, EngineError> {
        let text = self.template.render(messages, opened)?;
        let media = messages.iter().flat_map(|message| &message.media);
        let tokens = media.map(|medium| {
            let tokens = self.gallery.tokens(medium.id()).map(Arc::clone);
            tokens.ok_or_else(|| EngineError::Failed(format!("nothing stands for {medium:?}")))
        });
        let media = tokens.collect::<Result<Vec<_>, _>>()?;
        let marks = text.matches(MARK).count();
        if !media.is_empty() && marks != media.len() {
            return Err(EngineError::Template(format!(
                "a prompt has {marks} places for {} pictures and sounds; send a mark for each",
                media.len()
            )));
        }
        Ok(continue_with(held, &text, &media, self.tokenizer))
    }

    /// The tokens that every prompt of a seat with these messages begins with.
    pub(super) fn prefix(&self, messages: &[Message]) -> Result<Vec<Token>, EngineError> {
        let with = |text: &str| {
            let user = Message::new(Role::User, text);
            self.tokens(&[], &[messages, &[user]].concat(), false)
        };
        // Two beginnings that share no token: what both prompts share is the prefix.
        let (one, other) = (with("A")?, with("b")?);
        Ok(one[..common_prefix(&one, &other)].to_vec())
    }
}
