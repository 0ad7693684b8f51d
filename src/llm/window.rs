//! Which messages a full seat still takes.
//!
//! The host sends the whole conversation each time. When it no longer fits, the oldest messages
//! after the system message leave in pairs, until the rest fills at most [`REFILL_PERCENT`] of the
//! room. The seat then keeps its new beginning for as long as it fits, so that what is computed
//! can be used again; a window that moved with each request would throw everything away.

use super::sampler::Token;
use super::{EngineError, Message, Role};

/// How full a seat is after its oldest lines left: enough of the past to go on, and enough room
/// that this does not happen again within the next lines.
pub const REFILL_PERCENT: usize = 70;

/// A seat's view on a growing conversation.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Messages after the system message that have left.
    skipped: usize,
    /// The first that stayed: tells whether the host's list still is the one that was shortened.
    first: Option<Message>,
}

/// A prompt that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    pub tokens: Vec<Token>,
    /// Messages left just now.
    pub shortened: bool,
}

impl Window {
    /// The prompt of as many of `messages` as fit into `room` tokens. `prompt` turns messages into
    /// tokens.
    ///
    /// # Errors
    /// [`EngineError::TooLong`] when not even the last message fits beside the system message, and
    /// what `prompt` fails with.
    pub fn fit(
        &mut self,
        messages: &[Message],
        room: usize,
        mut prompt: impl FnMut(&[Message]) -> Result<Vec<Token>, EngineError>,
    ) -> Result<Fitted, EngineError> {
        let head = messages.iter().take_while(|message| message.role == Role::System).count();
        let (system, talk) = messages.split_at(head);
        let skipped = self.still_skipped(talk);
        let mut without = |skipped: usize| prompt(&[system, &talk[skipped..]].concat());
        let tokens = without(skipped)?;
        if tokens.len() <= room {
            self.skipped = skipped;
            return Ok(Fitted { tokens, shortened: false });
        }
        // The fewest pairs whose leaving is enough: more leaving never makes a prompt longer.
        let pairs = talk.len().saturating_sub(skipped + 1) / 2;
        let enough = room * REFILL_PERCENT / 100;
        let (mut few, mut many) = (1, pairs);
        while few < many {
            let middle = few.midpoint(many);
            if without(skipped + 2 * middle)?.len() <= enough {
                many = middle;
            } else {
                few = middle + 1;
            }
        }
        let skipped = (skipped + 2 * many).min(talk.len());
        let tokens = without(skipped)?;
        if tokens.len() > room {
            return Err(EngineError::TooLong { needed: tokens.len(), room });
        }
        self.skipped = skipped;
        self.first = talk.get(skipped).cloned();
        Ok(Fitted { tokens, shortened: true })
    }

    /// What a prompt of `messages` holds of them: those that have left stay away.
    pub fn visible(&self, messages: &[Message]) -> Vec<Message> {
        let head = messages.iter().take_while(|message| message.role == Role::System).count();
        let (system, talk) = messages.split_at(head);
        [system, &talk[self.still_skipped(talk).min(talk.len())..]].concat()
    }

    /// How many of `talk` have left already; none when it is another conversation.
    fn still_skipped(&self, talk: &[Message]) -> usize {
        let Some(first) = &self.first else { return 0 };
        if talk.get(self.skipped) == Some(first) {
            return self.skipped;
        }
        // The host may have forgotten old lines itself.
        talk.iter().position(|message| message == first).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: Role, content: &str) -> Message {
        Message::new(role, content)
    }

    /// `count` messages of ten letters, user first, after a system message of ten letters.
    fn talk(count: usize) -> Vec<Message> {
        let role = |index| if index % 2 == 0 { Role::User } else { Role::Assistant };
        let said = (0..count).map(|index| message(role(index), &format!("{index:010}")));
        std::iter::once(message(Role::System, "systemtext")).chain(said).collect()
    }

    /// A token per letter.
    fn prompt(messages: &[Message]) -> Result<Vec<Token>, EngineError> {
        let letters = messages.iter().flat_map(|message| message.content.bytes());
        Ok(letters.map(Token::from).collect())
    }

    fn fit(window: &mut Window, messages: &[Message]) -> (usize, bool) {
        let fitted = window.fit(messages, 100, prompt).unwrap();
        (fitted.tokens.len(), fitted.shortened)
    }

    #[test]
    fn it_shortens_once_and_then_grows_again() {
        let mut window = Window::default();
        let lengths: Vec<_> =
            (1..=19).step_by(2).map(|count| fit(&mut window, &talk(count))).collect();
        let expected = [
            (20, false),
            (40, false),
            (60, false),
            (80, false),
            (100, false),
            (60, true),
            (80, false),
            (100, false),
            (60, true),
            (80, false),
        ];
        assert_eq!(lengths, expected);
    }

    #[test]
    fn the_system_message_and_the_newest_stay() {
        let mut window = Window::default();
        let tokens = window.fit(&talk(21), 100, prompt).unwrap().tokens;
        let text: String = tokens.iter().map(|&token| token as u8 as char).collect();
        assert!(text.starts_with("systemtext0000000016") && text.ends_with("0000000020"), "{text}");
    }

    #[test]
    fn lines_that_the_host_forgot_do_not_confuse_it() {
        let mut window = Window::default();
        let long = talk(21);
        assert_eq!(fit(&mut window, &long), (60, true));
        let forgot = [&long[..1], &long[7..]].concat();
        assert_eq!(fit(&mut window, &forgot), (60, false));
        assert_eq!(fit(&mut window, &talk(3)), (40, false));
    }

    #[test]
    fn a_message_that_never_fits_is_an_error() {
        let mut window = Window::default();
        let long = [message(Role::System, "s"), message(Role::User, &"x".repeat(100))];
        let error = window.fit(&long, 100, prompt).unwrap_err();
        assert!(matches!(error, EngineError::TooLong { needed: 101, room: 100 }), "{error}");
        let with_past = [talk(3), vec![message(Role::User, &"x".repeat(100))]].concat();
        assert!(window.fit(&with_past, 100, prompt).is_err());
    }
}
