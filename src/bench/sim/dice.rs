//! Chance that is the same in every run: SplitMix64 by Steele, Lea and Flood.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The numbers that belong to one thing: they do not depend on what else was thrown for, so
    /// that they stay when other parts of a room are left out.
    pub(super) fn of(seed: u64, thing: u64, number: u64) -> Self {
        let mut dice = Self(seed);
        for part in [thing, number] {
            dice.0 = dice.throw() ^ part.wrapping_mul(0x2545_f491_4f6c_dd1d);
        }
        dice
    }

    pub(super) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `from` up to `to`, both included.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.throw() % (to - from + 1)
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        (self.throw() % len as u64) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    /// True in so many of a hundred throws.
    pub(super) fn percent(&mut self, part: u64) -> bool {
        self.throw() % 100 < part
    }
}
