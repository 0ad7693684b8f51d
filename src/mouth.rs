//! What a mouth does while it speaks, as the voice tells it and a face shows it.

/// The shapes that can be told apart on a face: the mouth of a group of sounds (visemes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Lips together: m, b, p, and silence.
    Closed,
    /// The upper teeth on the lower lip: f, v.
    Bite,
    /// The tongue between the teeth, or seen behind them: th, l.
    Tongue,
    /// The teeth nearly together: s, z, t, d, n.
    Teeth,
    /// Lips pushed forward: sh, zh, ch, j, r.
    Push,
    /// Made far back, the mouth a little open: k, g, ng, h.
    Back,
    /// Half open, at ease: the vowels of "but", "the", "bed".
    Mid,
    /// Wide open: the vowels of "father", "cat".
    Open,
    /// Spread: the vowels of "see", "sit", and y.
    Wide,
    /// Open and round: the vowels of "law", "go".
    Round,
    /// Nearly closed and round: the vowel of "too", and w.
    Small,
}

/// From where on in a sound the mouth has a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// In samples of the room's rate since the sound's first one.
    pub at: u32,
    pub shape: Shape,
}
