//! Media in seats: what stands for a picture or a sound among the tokens of a prompt, and the
//! encoded ones that all seats share.
//!
//! A medium takes as many positions of a seat as its projector makes of it. In each stands a number
//! below zero in place of a token: equal numbers are equal media, so that whatever compares, keeps
//! and copies tokens does so with pictures and sounds. What a number stands for is computed from
//! the encoded medium, by whoever computes. Pictures have the upper half of these numbers and
//! sounds the lower, so that a number tells which of both it belongs to.

use std::collections::HashMap;
use std::sync::Arc;

use super::sampler::Token;
use crate::medium::MediumId;
use crate::picture::Picture;
use crate::sound::Sound;

/// What stands in a message beside its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    Picture(Picture),
    Sound(Sound),
}

impl Medium {
    pub fn id(&self) -> &MediumId {
        match self {
            Self::Picture(picture) => picture.id(),
            Self::Sound(sound) => sound.id(),
        }
    }

    pub fn picture(&self) -> Option<&Picture> {
        if let Self::Picture(picture) = self { Some(picture) } else { None }
    }

    pub fn sound(&self) -> Option<&Sound> {
        if let Self::Sound(sound) = self { Some(sound) } else { None }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Picture(_) => Kind::Picture,
            Self::Sound(_) => Kind::Sound,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Picture,
    Sound,
}

/// The numbers of pictures, highest and lowest; -1 is what llama.cpp calls no token.
const PICTURES: (Token, Token) = (-2, -(1 << 30));
/// The numbers of sounds.
const SOUNDS: (Token, Token) = (PICTURES.1 - 1, Token::MIN);

/// Whether this stands for a part of a medium.
pub fn is_media(token: Token) -> bool {
    token < 0
}

/// Whether this stands for a part of a picture.
pub fn is_picture(token: Token) -> bool {
    is_media(token) && token >= PICTURES.1
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

/// What the model takes in place of a medium's positions.
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

/// A medium that has its numbers.
#[derive(Debug)]
struct Known {
    kind: Kind,
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

/// What became of media of one kind, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub encoded: u64,
    /// Times that a prompt began to use one that was encoded before.
    pub shared: u64,
    /// Memory that they take now.
    pub bytes: u64,
}

/// Numbers that are given away from the highest down.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    first: Token,
    next: Token,
    last: Token,
}

impl Numbers {
    fn new((first, last): (Token, Token)) -> Self {
        Self { first, next: first, last }
    }
}

/// The pictures and sounds that seats hold or were given of late.
#[derive(Debug)]
pub struct Gallery {
    known: HashMap<MediumId, Known>,
    pictures: Numbers,
    sounds: Numbers,
    bytes_max: u64,
    /// Uses, for which was used last.
    clock: u64,
    picture_counts: Counts,
    sound_counts: Counts,
}

impl Gallery {
    /// Encoded media take so many bytes at most; those not used for longest leave.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            known: HashMap::new(),
            pictures: Numbers::new(PICTURES),
            sounds: Numbers::new(SOUNDS),
            bytes_max,
            clock: 0,
            picture_counts: Counts::default(),
            sound_counts: Counts::default(),
        }
    }

    /// Memory that encoded media take now.
    pub fn bytes(&self) -> u64 {
        self.picture_counts.bytes + self.sound_counts.bytes
    }

    pub fn counts(&self, kind: Kind) -> Counts {
        match kind {
            Kind::Picture => self.picture_counts,
            Kind::Sound => self.sound_counts,
        }
    }

    /// The tokens that stand for a medium.
    pub fn tokens(&self, id: &MediumId) -> Option<&Arc<[Token]>> {
        self.known.get(id).map(|known| &known.tokens)
    }

    /// Gives a medium its numbers, if it has none. Others lose theirs when they are not encoded
    /// and not `needed`: no seat holds them and no request waits for them.
    pub fn learn(
        &mut self,
        id: &MediumId,
        kind: Kind,
        parts: &[Part],
        needed: impl Fn(&MediumId, &[Token]) -> bool,
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
        let count = Token::try_from(sizes.sum::<usize>()).unwrap_or(Token::MAX);
        let mut number = self.reserve(kind, count);
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
        let known = Known { kind, tokens, parts: places, lowest, encoded: None, used: 0 };
        self.known.insert(id.clone(), known);
    }

    /// The highest of so many free numbers. They are used anew only after all others, and never
    /// while a medium has them.
    fn reserve(&mut self, kind: Kind, count: Token) -> Token {
        let numbers = match kind {
            Kind::Picture => &mut self.pictures,
            Kind::Sound => &mut self.sounds,
        };
        let mut again = 0;
        loop {
            if i64::from(numbers.next) - i64::from(count) < i64::from(numbers.last) {
                numbers.next = numbers.first;
                again += 1;
            }
            let (high, low) = (numbers.next, numbers.next.saturating_sub(count - 1));
            let taken = |known: &&Known| known.lowest <= high && low <= known.highest();
            match self.known.values().find(taken) {
                // A thousand million numbers are never all in seats.
                Some(known) if again < 2 => numbers.next = known.lowest.saturating_sub(1),
                _ => {
                    numbers.next = low.saturating_sub(1);
                    return high;
                }
            }
        }
    }

    /// Counts media that a prompt began to use, and that were encoded before.
    pub fn count_shared<'m>(&mut self, media: impl Iterator<Item = &'m Medium>) {
        for medium in media {
            self.counts_mut(medium.kind()).shared += 1;
        }
    }

    fn counts_mut(&mut self, kind: Kind) -> &mut Counts {
        match kind {
            Kind::Picture => &mut self.picture_counts,
            Kind::Sound => &mut self.sound_counts,
        }
    }

    /// A medium that is still encoded, for use now.
    pub fn encoded(&mut self, id: &MediumId) -> Option<Arc<Encoded>> {
        self.clock += 1;
        let known = self.known.get_mut(id)?;
        known.used = self.clock;
        known.encoded.clone()
    }

    /// Keeps what was made of a medium, `width` values for each of its positions, for as long as
    /// there is room. None: they are not as many, or nobody needs it any more.
    pub fn keep(&mut self, id: &MediumId, values: Vec<f32>, width: usize) -> Option<Arc<Encoded>> {
        self.clock += 1;
        let known = self.known.get_mut(id)?;
        let positions: usize = known.parts.iter().map(|part| part.1).sum();
        if values.len() != positions * width {
            return None;
        }
        let encoded = Arc::new(Encoded { parts: known.parts.clone(), values, width });
        known.used = self.clock;
        let (kind, old) = (known.kind, known.encoded.replace(Arc::clone(&encoded)));
        let counts = self.counts_mut(kind);
        counts.encoded += 1;
        counts.bytes += encoded.bytes();
        counts.bytes -= old.map_or(0, |old| old.bytes());
        while self.bytes() > self.bytes_max {
            let held = self.known.values_mut().filter(|known| known.encoded.is_some());
            let Some(oldest) = held.min_by_key(|known| known.used) else { break };
            let (kind, left) = (oldest.kind, oldest.encoded.take());
            self.counts_mut(kind).bytes -= left.map_or(0, |left| left.bytes());
        }
        Some(encoded)
    }
}

#[cfg(test)]
mod tests;
