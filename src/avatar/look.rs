//! What a drawn face looks like: its features, chosen by a seed.

use super::colour::Palette;
use crate::persona::Rgb;

/// The features of one face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) palette: Palette,
    pub(super) skin: Rgb,
    /// Dark skin takes more colour before a blush shows.
    pub(super) dark: bool,
    pub(super) head: Head,
    pub(super) hair: Hair,
    pub(super) hair_rgb: Rgb,
    pub(super) brows: Brows,
    pub(super) eyes: Eyes,
    pub(super) iris: Rgb,
    pub(super) nose: Nose,
    pub(super) beard: Beard,
    pub(super) glasses: Glasses,
    pub(super) extra: Extra,
    pub(super) dress: Dress,
    pub(super) dress_rgb: Rgb,
    pub(super) freckles: bool,
    pub(super) earrings: bool,
}

/// Half widths at the temples, the cheeks and the jaw, and how far down the chin is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) temple: f32,
    pub(super) cheek: f32,
    pub(super) jaw: f32,
    pub(super) chin: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hair {
    Parted,
    Long,
    Bob,
    Bun,
    Curls,
    Quiff,
    Wavy,
    Cropped,
    Sides,
    Tail,
}

/// How thick, and how far they arch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Brows {
    pub(super) width: f32,
    pub(super) arch: f32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Eyes {
    pub(super) rx: f32,
    pub(super) ry: f32,
    pub(super) lashes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nose {
    Side,
    Round,
    Straight,
    Button,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beard {
    None,
    Full,
    Goatee,
    Moustache,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Glasses {
    None,
    Round(Rgb),
    Square(Rgb),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    None,
    Headband,
    Beanie,
    Flower,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dress {
    Crew,
    Collar,
    Turtleneck,
    Hood,
    Straps,
}

const SKINS: [Rgb; 6] = [
    Rgb([0xfb, 0xdc, 0xc4]),
    Rgb([0xf4, 0xc7, 0xa1]),
    Rgb([0xe7, 0xae, 0x82]),
    Rgb([0xc9, 0x8a, 0x5f]),
    Rgb([0xa0, 0x65, 0x3f]),
    Rgb([0x75, 0x48, 0x29]),
];
const BLACK: Rgb = Rgb([0x2b, 0x22, 0x26]);
const BROWN: Rgb = Rgb([0x4a, 0x31, 0x28]);
const GREY: Rgb = Rgb([0x9a, 0x94, 0x9a]);
const WHITE: Rgb = Rgb([0xe8, 0xe3, 0xdc]);
const HAIRS: [Rgb; 10] = [
    BLACK,
    BROWN,
    Rgb([0x7a, 0x4a, 0x2b]),
    Rgb([0xb5, 0x79, 0x3c]),
    Rgb([0xe2, 0xb8, 0x62]),
    Rgb([0x9c, 0x3f, 0x2b]),
    GREY,
    WHITE,
    Rgb([0x37, 0x48, 0x5f]),
    Rgb([0x6b, 0x3f, 0x66]),
];
const IRISES: [Rgb; 4] = [
    Rgb([0x4a, 0x30, 0x24]),
    Rgb([0x35, 0x60, 0x7a]),
    Rgb([0x4c, 0x6b, 0x3a]),
    Rgb([0x5a, 0x43, 0x34]),
];
const HEADS: [Head; 5] = [
    Head { temple: 20.5, cheek: 21.0, jaw: 14.0, chin: 72.0 },
    Head { temple: 19.0, cheek: 19.5, jaw: 13.5, chin: 74.0 },
    Head { temple: 20.0, cheek: 20.0, jaw: 17.0, chin: 71.5 },
    Head { temple: 21.0, cheek: 20.5, jaw: 10.5, chin: 73.5 },
    Head { temple: 20.0, cheek: 22.0, jaw: 17.0, chin: 71.0 },
];
const FRAMES: [Rgb; 3] =
    [Rgb([0x3a, 0x2a, 0x2c]), Rgb([0x8c, 0x2f, 0x3f]), Rgb([0xa0, 0x7a, 0x30])];
const SHORT: [Hair; 5] = [Hair::Parted, Hair::Quiff, Hair::Cropped, Hair::Sides, Hair::Curls];
const LONG: [Hair; 6] = [Hair::Long, Hair::Bob, Hair::Bun, Hair::Wavy, Hair::Tail, Hair::Curls];

impl Look {
    /// The same seed gives the same face, whatever the colour.
    pub(super) fn new(seed: u64, palette: Palette, dress_rgb: Option<Rgb>) -> Self {
        let mut dice = Dice(seed);
        let skin = dice.below(SKINS.len());
        // Two families of what goes together; everything else is free.
        let bearded_family = dice.one_in(2);
        let hair = if bearded_family { dice.pick(&SHORT) } else { dice.pick(&LONG) };
        let hair_rgb = hair_colour(&mut dice, skin, hair);
        let beard = match (bearded_family, hair) {
            (true, Hair::Sides) => dice.pick(&[Beard::Moustache, Beard::Full, Beard::None]),
            (true, _) => {
                dice.pick(&[Beard::None, Beard::None, Beard::Full, Beard::Goatee, Beard::Moustache])
            }
            _ => Beard::None,
        };
        let brows = Brows {
            width: if bearded_family { 2.6 } else { 1.9 } + dice.part() * 0.5,
            arch: 0.6 + dice.part() * 1.6,
        };
        Self {
            palette,
            skin: SKINS[skin],
            dark: skin >= 4,
            head: dice.pick(&HEADS),
            hair,
            hair_rgb,
            brows,
            eyes: eyes(&mut dice, bearded_family),
            iris: if skin >= 3 { IRISES[dice.below(2) * 3] } else { dice.pick(&IRISES) },
            nose: dice.pick(&[Nose::Side, Nose::Round, Nose::Straight, Nose::Button]),
            beard,
            glasses: glasses(&mut dice),
            extra: extra(&mut dice, hair, bearded_family),
            dress: dice.pick(&[
                Dress::Crew,
                Dress::Collar,
                Dress::Turtleneck,
                Dress::Hood,
                Dress::Straps,
            ]),
            dress_rgb: dress_rgb.unwrap_or_else(|| {
                palette.shade(0.56, 0.12, dice.pick(&[0.0, 35.0, -40.0, 180.0]))
            }),
            freckles: skin < 4 && dice.one_in(4),
            earrings: !bearded_family && dice.one_in(3),
        }
    }

    /// Whether the two could be mistaken for each other from afar.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.hair == other.hair && (self.hair_rgb == other.hair_rgb || self.skin == other.skin)
    }
}

fn hair_colour(dice: &mut Dice, skin: usize, hair: Hair) -> Rgb {
    match (hair, skin) {
        // What the crown has lost is grey at the sides.
        (Hair::Sides, _) => dice.pick(&[GREY, WHITE, BROWN]),
        (_, 4..) => dice.pick(&[BLACK, BLACK, BROWN, GREY]),
        (_, 3) => dice.pick(&[BLACK, BROWN, HAIRS[2], HAIRS[8]]),
        _ => dice.pick(&HAIRS),
    }
}

fn eyes(dice: &mut Dice, bearded_family: bool) -> Eyes {
    let (rx, ry) = dice.pick(&[(4.8, 5.0), (5.2, 5.0), (5.0, 4.5), (4.6, 5.3)]);
    Eyes { rx, ry, lashes: !bearded_family && !dice.one_in(4) }
}

fn glasses(dice: &mut Dice) -> Glasses {
    let frame = dice.pick(&FRAMES);
    match dice.below(6) {
        0 => Glasses::Round(frame),
        1 => Glasses::Square(frame),
        _ => Glasses::None,
    }
}

fn extra(dice: &mut Dice, hair: Hair, bearded_family: bool) -> Extra {
    let roll = dice.below(5);
    match (hair, roll) {
        (Hair::Parted | Hair::Cropped, 0) => Extra::Beanie,
        (Hair::Long | Hair::Bob | Hair::Wavy | Hair::Tail, 0) => Extra::Headband,
        (Hair::Long | Hair::Bob | Hair::Wavy | Hair::Bun, 1) if !bearded_family => Extra::Flower,
        _ => Extra::None,
    }
}

/// Numbers by a seed (SplitMix64, prng.di.unimi.it), the same on every machine.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// From 0 to 1.
    pub(super) fn part(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u32 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(seed: u64) -> Look {
        Look::new(seed, Palette::of_hue(255.0), None)
    }

    #[test]
    fn a_seed_is_a_face_whatever_its_colour() {
        assert_eq!(look(7), look(7));
        let other = Look::new(7, Palette::of_hue(15.0), None);
        assert_eq!(
            (other.hair, other.skin, other.head),
            (look(7).hair, look(7).skin, look(7).head)
        );
    }

    #[test]
    fn seeds_differ_and_use_every_feature() {
        let looks: Vec<Look> = (0..500).map(look).collect();
        let alike = looks.windows(2).filter(|pair| pair[0].is_like(&pair[1])).count();
        assert!(alike < 25, "{alike} of 499 neighbours look alike");
        let all = |has: &dyn Fn(&Look) -> bool| looks.iter().any(has);
        for hair in SHORT.into_iter().chain(LONG) {
            assert!(all(&|look| look.hair == hair), "{hair:?}");
        }
        for extra in [Extra::Headband, Extra::Beanie, Extra::Flower] {
            assert!(all(&|look| look.extra == extra), "{extra:?}");
        }
        for beard in [Beard::Full, Beard::Goatee, Beard::Moustache] {
            assert!(all(&|look| look.beard == beard), "{beard:?}");
        }
        // What does not go together.
        assert!(!all(&|look| look.beard != Beard::None && (look.earrings || look.eyes.lashes)));
        assert!(!all(&|look| look.extra == Extra::Beanie && look.hair == Hair::Curls));
    }
}
