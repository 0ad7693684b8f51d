//! Media in seats: what stands for a picture among the tokens of a prompt, and the encoded
//! pictures that all seats share.
//!
//! A picture takes as many positions of a seat as its projector makes of it. In each stands a
//! number below zero in place of a token: equal numbers are equal pictures, so that whatever
//! compares, keeps and copies tokens does so with pictures. What a number stands for is computed
//! from the encoded picture, by whoever computes.

use std::collections::HashMap;
use std::sync::Arc;

use super::sampler::Token;
use crate::picture::PictureId;

/// -1 is what llama.cpp calls no token.
const FIRST: Token = -2;

/// Whether this stands for a part of a medium.
pub fn is_media(token: Token) -> bool {
    token < 0
}

/// How many positions `tokens` begin with that belong to one part of a medium: their numbers fall
/// one by one, and beside every part one is left out.
pub fn part_length<'t>(tokens: impl IntoIterator<Item = &'t Token>) -> usize {
    let mut next = None;
    let same = |token: &&Token| {
        let goes_on = is_media(**token) && next.is_none_or(|next| **token == next);
        next = token.checked_sub(1);
        goes_on
    };
    tokens.into_iter().take_while(same).count()
}

/// A piece of what a projector makes of a medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Tokens of the model that stand before, between or behind.
    Words(Vec<Token>),
    /// So many positions, computed together.
    Positions(usize),
}

/// What the model takes in place of a picture's positions.
#[derive(Debug, PartialEq)]
pub struct Encoded {
    /// The first number of each part, and how many it has.
    parts: Vec<(Token, usize)>,
    /// `width` values for each position, in order.
    values: Vec<f32>,
    width: usize,
}

impl Encoded {
    /// The values for `count` positions from the one with this number on, all of one part.
    pub fn values(&self, from: Token, count: usize) -> Option<&[f32]> {
        let mut before = 0;
        for &(first, positions) in &self.parts {
            let at = usize::try_from(i64::from(first) - i64::from(from)).unwrap_or(usize::MAX);
            if at < positions && count <= positions - at {
                return self.values.get((before + at) * self.width..)?.get(..count * self.width);
            }
            before += positions;
        }
        None
    }

    fn bytes(&self) -> u64 {
        size_of_val(self.values.as_slice()) as u64
    }
}

/// A picture that has its numbers.
#[derive(Debug)]
struct Known {
    tokens: Arc<[Token]>,
    parts: Vec<(Token, usize)>,
    /// The lowest number, which it leaves out.
    lowest: Token,
    encoded: Option<Arc<Encoded>>,
    used: u64,
}

impl Known {
    fn highest(&self) -> Token {
        self.parts.first().map_or(self.lowest, |part| part.0)
    }
}

/// What became of pictures, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub encoded: u64,
    /// Times that a prompt began to use one that was encoded before.
    pub shared: u64,
}

/// The pictures that seats hold or were shown of late.
#[derive(Debug)]
pub struct Gallery {
    known: HashMap<PictureId, Known>,
    /// Numbers begin here, and none is below `last`.
    next: Token,
    last: Token,
    bytes: u64,
    bytes_max: u64,
    /// Uses, for which was used last.
    clock: u64,
    pub counts: Counts,
}

impl Gallery {
    /// Encoded pictures take so many bytes at most; those not used for longest leave.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            known: HashMap::new(),
            next: FIRST,
            last: Token::MIN,
            bytes: 0,
            bytes_max,
            clock: 0,
            counts: Counts::default(),
        }
    }

    /// Memory that encoded pictures take now.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The tokens that stand for a picture.
    pub fn tokens(&self, id: &PictureId) -> Option<&Arc<[Token]>> {
        self.known.get(id).map(|known| &known.tokens)
    }

    /// Gives a picture its numbers, if it has none. Others lose theirs when they are not encoded
    /// and not `needed`: no seat holds them and no request waits for them.
    pub fn learn(
        &mut self,
        id: &PictureId,
        parts: &[Part],
        needed: impl Fn(&PictureId, &[Token]) -> bool,
    ) {
        if self.known.contains_key(id) {
            return;
        }
        self.known.retain(|id, known| known.encoded.is_some() || needed(id, known.tokens.as_ref()));
        let sizes = parts.iter().map(|part| match part {
            Part::Words(_) => 0,
            // One is left out behind each.
            Part::Positions(count) => *count + 1,
        });
        let mut number = self.reserve(Token::try_from(sizes.sum::<usize>()).unwrap_or(Token::MAX));
        let (mut tokens, mut places) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Words(words) => tokens.extend(words),
                Part::Positions(count) => {
                    places.push((number, *count));
                    tokens.extend((0..*count as Token).map(|at| number - at));
                    number -= *count as Token + 1;
                }
            }
        }
        let (tokens, lowest) = (tokens.into(), number + 1);
        let known = Known { tokens, parts: places, lowest, encoded: None, used: 0 };
        self.known.insert(id.clone(), known);
    }

    /// The highest of so many free numbers. They are used anew only after all others, and never
    /// while a picture has them.
    fn reserve(&mut self, count: Token) -> Token {
        let mut again = 0;
        loop {
            if i64::from(self.next) - i64::from(count) < i64::from(self.last) {
                self.next = FIRST;
                again += 1;
            }
            let (high, low) = (self.next, self.next.saturating_sub(count - 1));
            let taken = |known: &&Known| known.lowest <= high && low <= known.highest();
            match self.known.values().find(taken) {
                // Two thousand million numbers are never all in seats.
                Some(known) if again < 2 => self.next = known.lowest.saturating_sub(1),
                _ => {
                    self.next = low.saturating_sub(1);
                    return high;
                }
            }
        }
    }

    /// A picture that is still encoded, for use now.
    pub fn encoded(&mut self, id: &PictureId) -> Option<Arc<Encoded>> {
        self.clock += 1;
        let known = self.known.get_mut(id)?;
        known.used = self.clock;
        known.encoded.clone()
    }

    /// Keeps what was made of a picture, `width` values for each of its positions, for as long as
    /// there is room. None: they are not as many, or nobody needs it any more.
    pub fn keep(&mut self, id: &PictureId, values: Vec<f32>, width: usize) -> Option<Arc<Encoded>> {
        self.clock += 1;
        let known = self.known.get_mut(id)?;
        let positions: usize = known.parts.iter().map(|part| part.1).sum();
        if values.len() != positions * width {
            return None;
        }
        let encoded = Arc::new(Encoded { parts: known.parts.clone(), values, width });
        known.used = self.clock;
        self.counts.encoded += 1;
        self.bytes += encoded.bytes();
        if let Some(old) = known.encoded.replace(Arc::clone(&encoded)) {
            self.bytes -= old.bytes();
        }
        while self.bytes > self.bytes_max {
            let held = self.known.values_mut().filter(|known| known.encoded.is_some());
            let Some(oldest) = held.min_by_key(|known| known.used) else { break };
            self.bytes -= oldest.encoded.take().map_or(0, |encoded| encoded.bytes());
        }
        Some(encoded)
    }
}

#[cfg(test)]
mod tests;
