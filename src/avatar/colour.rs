//! Colours: those of the pages (`web/js/face.js`, `web/css/base.css`), so that a face fits the tile
//! that it is shown on.

use crate::persona::Rgb;

/// Hues that can be told apart, in degrees; the pages deal the same ones.
const HUES: [f32; 12] =
    [15.0, 255.0, 145.0, 320.0, 75.0, 200.0, 285.0, 115.0, 350.0, 230.0, 45.0, 175.0];
/// The chroma of a colour that is as vivid as the dealt ones are.
const CHROMA: f32 = 0.14;

/// The colour of one persona, in all its shades.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Palette {
    /// Degrees in OKLCH.
    pub(super) hue: f32,
    /// 1 is as vivid as the dealt colours, 0 is grey.
    pub(super) vivid: f32,
}

impl Palette {
    pub(super) fn of_hue(hue: f32) -> Self {
        Self { hue, vivid: 1.0 }
    }

    /// The shades of a colour that was asked for.
    pub(super) fn of(rgb: Rgb) -> Self {
        let (chroma, hue) = chroma_and_hue(rgb);
        Self { hue, vivid: (chroma / CHROMA).min(1.2) }
    }

    /// A shade by its lightness and chroma, with its hue turned by so many degrees.
    pub(super) fn shade(self, lightness: f32, chroma: f32, turn: f32) -> Rgb {
        oklch(lightness, chroma * self.vivid, self.hue + turn)
    }

    /// Of the ring and of what belongs to it.
    pub(super) fn ring(self) -> Rgb {
        self.shade(0.6, 0.16, 0.0)
    }
}

/// Deals a hue to each identity, as the pages do: everybody has a place by its identity and takes
/// the next free one where two would share. In the order of `ids`.
pub(super) fn deal(ids: &[&str]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|&at| ids[at]);
    let mut taken = [false; HUES.len()];
    let mut hues = vec![0.0; ids.len()];
    for at in order {
        let mut place = hash(ids[at]) as usize % HUES.len();
        while taken[place] && taken.contains(&false) {
            place = (place + 1) % HUES.len();
        }
        taken[place] = true;
        hues[at] = HUES[place];
    }
    hues
}

/// FNV-1a with its ends folded: the place of an identity, on the pages and here.
pub(super) fn hash(text: &str) -> u32 {
    let step = |sum: u32, c| (sum ^ u32::from(c)).wrapping_mul(16_777_619);
    let sum = text.chars().fold(2_166_136_261, step);
    sum ^ (sum >> 15)
}

/// `part` (0 to 1) of the way from one colour to another.
pub(super) fn mix(Rgb(from): Rgb, Rgb(to): Rgb, part: f32) -> Rgb {
    Rgb(std::array::from_fn(|n| {
        (f32::from(from[n]) + (f32::from(to[n]) - f32::from(from[n])) * part).round() as u8
    }))
}

/// OKLCH to sRGB, by the matrices of its author (bottosson.github.io/posts/oklab), clipped.
fn oklch(lightness: f32, chroma: f32, hue: f32) -> Rgb {
    let (sin, cos) = hue.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    Rgb([
        gamma(4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s),
        gamma(-1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s),
        gamma(-0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s),
    ])
}

fn gamma(linear: f32) -> u8 {
    let linear = linear.clamp(0.0, 1.0);
    let curved =
        if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (curved * 255.0).round() as u8
}

/// The way back of [`oklch`], without the lightness.
fn chroma_and_hue(Rgb(rgb): Rgb) -> (f32, f32) {
    let [r, g, b] = rgb.map(|part| {
        let part = f32::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    let a = 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s;
    let b = 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s;
    (a.hypot(b), b.atan2(a).to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dealt_hues_are_those_of_the_pages() {
        // As `dealColours` of web/js/face.js gives them.
        let ids = ["nora", "felix", "ada"];
        assert_eq!(deal(&ids), deal_as_the_pages_do(&ids));
        let many: Vec<String> = (0..14).map(|n| format!("p{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut dealt = deal(&many);
        assert_eq!(dealt, deal_as_the_pages_do(&many));
        dealt.sort_by(f32::total_cmp);
        dealt.dedup();
        assert_eq!(dealt.len(), HUES.len());
    }

    /// The hash is the pages' to the bit: FNV-1a of "a" is a known number.
    #[test]
    fn the_hash_is_fnv() {
        let folded = |sum: u32| sum ^ (sum >> 15);
        assert_eq!(hash("a"), folded(0xe40c_292c));
        assert_eq!(hash("foobar"), folded(0xbf9c_f968));
    }

    fn deal_as_the_pages_do(ids: &[&str]) -> Vec<f32> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        let mut places: Vec<(&str, usize)> = Vec::new();
        for id in sorted {
            let mut place = hash(id) as usize % 12;
            while places.iter().any(|(_, taken)| *taken == place) && places.len() < 12 {
                place = (place + 1) % 12;
            }
            places.push((id, place));
        }
        let place = |id: &&str| places.iter().find(|(known, _)| known == id).map(|(_, at)| *at);
        ids.iter().filter_map(place).map(|at| HUES[at]).collect()
    }

    #[test]
    fn a_colour_comes_back_from_its_hue_and_chroma() {
        for hue in HUES {
            let (chroma, back) = chroma_and_hue(oklch(0.7, 0.1, hue));
            let turned = (back - hue).rem_euclid(360.0);
            assert!(turned.min(360.0 - turned) < 1.5, "{hue} came back as {back}");
            assert!((chroma - 0.1).abs() < 0.005, "{hue} has chroma {chroma}");
        }
        let (chroma, _) = chroma_and_hue(Rgb([128; 3]));
        assert!(chroma < 0.001);
        assert_eq!(oklch(1.0, 0.0, 0.0), Rgb([255; 3]));
    }
}
