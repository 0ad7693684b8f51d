//! What of a seat can stay when a new prompt comes.
//!
//! The tokens that a model chose are not always those that a tokeniser would choose for the same
//! text, so comparing tokens alone would throw away every reply whose spelling differs. Texts are
//! compared too: where the seat's tokens spell the new prompt up to a border that no token can
//! cross, they stay as they are.

use std::sync::Arc;

use super::media::is_media;
use super::sampler::Token;
use crate::medium::MARK;

/// What this needs of a tokeniser.
pub trait Tokenizer {
    /// The tokens of a text in which control texts stand for control tokens; nothing is added.
    fn tokenize(&self, text: &str) -> Vec<Token>;

    /// Appends the bytes of a token, control tokens as their texts.
    fn spell(&self, token: Token, to: &mut Vec<u8>);

    fn is_control(&self, token: Token) -> bool;
}

/// The tokens of `prompt`, beginning with as many of the seat's as possible.
pub fn continue_from(seat: &[Token], prompt: &str, tokenizer: &impl Tokenizer) -> Vec<Token> {
    let plain = tokenizer.tokenize(prompt);
    let same = common_prefix(seat, &plain);
    let (kept, bytes) = spelled(seat, prompt, tokenizer);
    if kept <= same {
        return plain;
    }
    let mut tokens = seat[..kept].to_vec();
    tokens.extend(tokenizer.tokenize(&prompt[bytes..]));
    tokens
}

/// As [`continue_from`], where each of the first marks of `prompt` stands for one of `media`, in
/// their order. No token crosses the border of a medium.
pub fn continue_with(
    seat: &[Token],
    prompt: &str,
    media: &[Arc<[Token]>],
    tokenizer: &impl Tokenizer,
) -> Vec<Token> {
    let (mut tokens, mut held, mut rest) = (Vec::new(), seat, prompt);
    for medium in media {
        let Some((before, behind)) = rest.split_once(MARK) else { break };
        let whole = spelling(held, before, tokenizer).map(|count| held[..count].to_vec());
        let words = whole.unwrap_or_else(|| continue_from(held, before, tokenizer));
        // What comes behind a medium that the seat has not is not in the seat either.
        let goes_on = held.strip_prefix(words.as_slice());
        held = goes_on.and_then(|held| held.strip_prefix(medium.as_ref())).unwrap_or(&[]);
        tokens.extend(words);
        tokens.extend(medium.as_ref());
        rest = behind;
    }
    tokens.extend(continue_from(held, rest, tokenizer));
    tokens
}

/// How many of the seat's tokens spell exactly `text`.
fn spelling(seat: &[Token], text: &str, tokenizer: &impl Tokenizer) -> Option<usize> {
    let (mut rest, mut piece) = (text.as_bytes(), Vec::new());
    let mut seat = seat.iter();
    let mut count = 0;
    while !rest.is_empty() {
        let token = *seat.next().filter(|token| !is_media(**token))?;
        piece.clear();
        tokenizer.spell(token, &mut piece);
        rest = rest.strip_prefix(piece.as_slice()).filter(|_| !piece.is_empty())?;
        count += 1;
    }
    Some(count)
}

/// How many tokens two lists begin with in common.
pub fn common_prefix(a: &[Token], b: &[Token]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// How many of the seat's tokens spell the beginning of `prompt` up to a border that no token can
/// cross, which is one beside a control token; and how many bytes that is.
fn spelled(seat: &[Token], prompt: &str, tokenizer: &impl Tokenizer) -> (usize, usize) {
    let mut border = (0, 0);
    let mut at = 0;
    let mut piece = Vec::new();
    let mut matched = 0;
    for &token in seat.iter().take_while(|token| !is_media(**token)) {
        piece.clear();
        tokenizer.spell(token, &mut piece);
        if piece.is_empty() || !prompt.as_bytes()[at..].starts_with(&piece) {
            break;
        }
        let before = (matched, at);
        matched += 1;
        at += piece.len();
        if tokenizer.is_control(token) {
            border = if at < prompt.len() { (matched, at) } else { before };
        }
    }
    if prompt.is_char_boundary(at) && opens_with_control(&prompt[at..], tokenizer) {
        border = (matched, at);
    }
    border
}

fn opens_with_control(text: &str, tokenizer: &impl Tokenizer) -> bool {
    tokenizer.tokenize(text).first().is_some_and(|&token| tokenizer.is_control(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters are tokens, `|` is a control token, and the tokeniser writes `ab` as one token.
    struct Toy;

    const AB: Token = 1_000;

    impl Tokenizer for Toy {
        fn tokenize(&self, text: &str) -> Vec<Token> {
            let mut tokens = Vec::new();
            let mut rest = text;
            while let Some(letter) = rest.chars().next() {
                let pair = rest.starts_with("ab");
                tokens.push(if pair { AB } else { letter as Token });
                rest = &rest[if pair { 2 } else { letter.len_utf8() }..];
            }
            tokens
        }

        fn spell(&self, token: Token, to: &mut Vec<u8>) {
            match token {
                AB => to.extend(b"ab"),
                other => to.push(other as u8),
            }
        }

        fn is_control(&self, token: Token) -> bool {
            token == Token::from(b'|')
        }
    }

    fn letters(text: &str) -> Vec<Token> {
        text.bytes().map(Token::from).collect()
    }

    #[test]
    fn a_reply_in_the_models_own_spelling_stays() {
        let seat = letters("|q|ab");
        let tokens = continue_from(&seat, "|q|ab|more", &Toy);
        assert_eq!(tokens, letters("|q|ab|more"));
    }

    #[test]
    fn what_was_not_heard_of_a_reply_goes() {
        let seat = letters("|q|abxyz");
        let tokens = continue_from(&seat, "|q|abx|more", &Toy);
        assert_eq!(tokens, letters("|q|abx|more"));
    }

    #[test]
    fn a_border_inside_text_is_spelled_anew() {
        // The seat spells `a` alone; the new text goes on with `b`, which belongs to it.
        let seat = letters("|a");
        assert_eq!(continue_from(&seat, "|ab", &Toy), [letters("|"), vec![AB]].concat());
    }

    #[test]
    fn a_longer_message_keeps_its_beginning() {
        let seat = letters("|hello|");
        let tokens = continue_from(&seat, "|hello you|", &Toy);
        assert_eq!(common_prefix(&tokens, &seat), "|hello".len());
    }

    fn pictures(numbers: &[Token]) -> Vec<Arc<[Token]>> {
        numbers.iter().map(|&number| Arc::from([number, number - 1])).collect()
    }

    #[test]
    fn pictures_stand_where_their_marks_are() {
        let prompt = format!("|q{MARK}ab{MARK}{MARK}|");
        let tokens = continue_with(&[], &prompt, &pictures(&[-2, -5, -8]), &Toy);
        let expected = [letters("|q"), vec![-2, -3, AB, -5, -6, -8, -9], letters("|")].concat();
        assert_eq!(tokens, expected);
        // A mark for which there is no picture is a letter like any other.
        let tokens = continue_with(&[], "a\u{fffc}", &[], &Toy);
        assert_eq!(tokens, Toy.tokenize("a\u{fffc}"));
    }

    #[test]
    fn a_reply_behind_a_picture_stays_in_the_models_own_spelling() {
        let prompt = format!("|q{MARK}|ab");
        let seat = [letters("|q"), vec![-2, -3], letters("|ab")].concat();
        let longer = format!("{prompt}|more");
        let tokens = continue_with(&seat, &longer, &pictures(&[-2]), &Toy);
        assert_eq!(tokens, [seat.clone(), letters("|more")].concat());
        // And one before it.
        let shown = format!("{prompt}{MARK}|");
        let tokens = continue_with(&seat, &shown, &pictures(&[-2, -5]), &Toy);
        assert_eq!(tokens, [seat.clone(), vec![-5, -6], letters("|")].concat());
        let seat = [seat, vec![-5, -6]].concat();
        let tokens = continue_with(&seat, &shown, &pictures(&[-2, -5]), &Toy);
        assert_eq!(tokens, [seat, letters("|")].concat());
    }

    #[test]
    fn another_picture_and_all_behind_it_is_new() {
        let seat = [letters("|q"), vec![-2, -3], letters("|ab|")].concat();
        let prompt = format!("|q{MARK}|ab|");
        let tokens = continue_with(&seat, &prompt, &pictures(&[-5]), &Toy);
        assert_eq!(tokens, [letters("|q"), vec![-5, -6], Toy.tokenize("|ab|")].concat());
        // Of a picture only half of which is there, too.
        let half = [letters("|q"), vec![-2]].concat();
        let tokens = continue_with(&half, &prompt, &pictures(&[-2]), &Toy);
        assert_eq!(common_prefix(&tokens, &half), half.len());
        assert_eq!(tokens, [letters("|q"), vec![-2, -3], Toy.tokenize("|ab|")].concat());
    }

    #[test]
    fn another_prompt_and_an_empty_seat_give_the_plain_tokens() {
        assert_eq!(continue_from(&letters("|x"), "y|ab", &Toy), Toy.tokenize("y|ab"));
        assert_eq!(continue_from(&[], "|ab", &Toy), Toy.tokenize("|ab"));
        assert_eq!(continue_from(&letters("|ab|"), "|", &Toy), letters("|"));
    }
}
