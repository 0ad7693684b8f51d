use proptest::prelude::*;

use super::*;

fn id(number: usize) -> MediumId {
    MediumId::parse(&format!("{number:032x}")).unwrap()
}

const WORDS: [Token; 2] = [7, 8];

/// A picture of two tiles, with words around them.
fn tiled() -> Vec<Part> {
    let words = || Part::Words(WORDS.to_vec());
    vec![words(), Part::Positions(3), Part::Positions(2), words()]
}

fn nobody(_: &MediumId, _: &[Token]) -> bool {
    false
}

fn gallery(bytes_max: u64) -> Gallery {
    Gallery::new(bytes_max)
}

#[test]
fn a_picture_has_the_same_tokens_each_time_and_shares_them_with_none() {
    let mut gallery = gallery(1_000);
    gallery.learn(&id(1), Kind::Picture, &tiled(), nobody);
    let tokens = gallery.tokens(&id(1)).unwrap().clone();
    assert_eq!(tokens[..], [7, 8, -2, -3, -4, -6, -7, 7, 8]);
    gallery.learn(&id(1), Kind::Picture, &tiled(), nobody);
    assert_eq!(gallery.tokens(&id(1)), Some(&tokens));
    gallery.learn(&id(2), Kind::Picture, &tiled(), |_, _| true);
    let other = gallery.tokens(&id(2)).unwrap();
    assert_eq!(other[..], [7, 8, -9, -10, -11, -13, -14, 7, 8]);
    assert_eq!([&tokens[2..], &tokens[5..], &tokens[7..]].map(part_length), [3, 2, 0]);
}

#[test]
fn sounds_have_numbers_of_their_own() {
    let mut gallery = gallery(1_000);
    gallery.learn(&id(1), Kind::Picture, &tiled(), nobody);
    gallery.learn(&id(2), Kind::Sound, &tiled(), |_, _| true);
    let numbers = |number| {
        let tokens = gallery.tokens(&id(number)).unwrap().iter().copied();
        tokens.filter(|token| is_media(*token)).collect::<Vec<_>>()
    };
    assert!(numbers(1).into_iter().all(is_picture) && !numbers(2).into_iter().any(is_picture));
    assert_eq!(part_length(&gallery.tokens(&id(2)).unwrap()[2..]), 3);
    gallery.keep(&id(2), vec![0.0; 10], 2).unwrap();
    let counts = (gallery.counts(Kind::Picture).encoded, gallery.counts(Kind::Sound).encoded);
    assert_eq!(counts, (0, 1));
}

#[test]
fn its_values_are_found_by_its_numbers() {
    let mut gallery = gallery(1_000);
    gallery.learn(&id(1), Kind::Picture, &tiled(), nobody);
    assert_eq!(gallery.encoded(&id(1)), None);
    assert_eq!(gallery.keep(&id(1), vec![0.0; 9], 2), None, "of another size");
    assert_eq!(gallery.keep(&id(9), vec![0.0; 10], 2), None, "of nobody");
    let values: Vec<f32> = (0..10u8).map(f32::from).collect();
    let encoded = gallery.keep(&id(1), values, 2).unwrap();
    assert_eq!(encoded.values(-3, 2), Some(&[2.0, 3.0, 4.0, 5.0][..]));
    assert_eq!(encoded.values(-6, 2), Some(&[6.0, 7.0, 8.0, 9.0][..]));
    for (from, count) in [(-2, 4), (-5, 1), (-8, 1), (7, 1), (Token::MIN, 1), (Token::MAX, 1)] {
        assert_eq!(encoded.values(from, count), None, "{count} from {from}");
    }
    assert_eq!(gallery.encoded(&id(1)), Some(encoded));
    assert_eq!((gallery.bytes(), gallery.counts(Kind::Picture).encoded), (40, 1));
}

#[test]
fn the_one_not_used_for_longest_leaves_and_keeps_its_numbers_where_a_seat_holds_them() {
    let mut gallery = gallery(100);
    for number in 1..=2 {
        gallery.learn(&id(number), Kind::Picture, &tiled(), nobody);
        gallery.keep(&id(number), vec![0.5; 10], 2).unwrap();
    }
    gallery.encoded(&id(1)).unwrap();
    let tokens = gallery.tokens(&id(2)).unwrap().clone();
    gallery.learn(&id(3), Kind::Picture, &tiled(), nobody);
    gallery.keep(&id(3), vec![0.5; 10], 2).unwrap();
    assert!(gallery.bytes() <= 100 && gallery.encoded(&id(2)).is_none());
    assert!(gallery.encoded(&id(1)).is_some() && gallery.encoded(&id(3)).is_some());
    gallery.learn(&id(4), Kind::Picture, &tiled(), |_, held| held == tokens.as_ref());
    assert_eq!(gallery.tokens(&id(2)), Some(&tokens));
    gallery.learn(&id(5), Kind::Picture, &tiled(), nobody);
    assert_eq!(gallery.tokens(&id(2)), None);
    // One that is larger than all room is used once, and not kept.
    assert!(gallery.keep(&id(5), vec![0.5; 100], 20).is_some());
    assert_eq!(gallery.encoded(&id(5)), None);
    assert_eq!(gallery.bytes(), 0);
}

proptest! {
    /// Numbers come round again, and then pass over those that seats hold.
    #[test]
    fn no_two_needed_pictures_share_a_number(
        sizes in proptest::collection::vec((1..6usize, any::<bool>()), 1..60),
    ) {
        let mut gallery = gallery(1_000);
        gallery.pictures.last = -400;
        let mut held: Vec<(usize, Arc<[Token]>)> = Vec::new();
        for (number, (size, holds)) in sizes.into_iter().enumerate() {
            let parts = vec![Part::Positions(size); 2];
            let needs = |_: &MediumId, tokens: &[Token]| {
                held.iter().any(|(_, held)| held.as_ref() == tokens)
            };
            gallery.learn(&id(number), Kind::Picture, &parts, needs);
            let tokens = gallery.tokens(&id(number)).unwrap().clone();
            prop_assert_eq!(part_length(tokens.iter()), size);
            let mut all = held.iter().flat_map(|(_, held)| held.iter());
            prop_assert!(!all.any(|token| tokens.contains(token)), "{:?} in {:?}", tokens, held);
            prop_assert!(tokens.iter().all(|&token| is_media(token)));
            if holds && held.len() < 12 {
                held.push((number, tokens));
            } else if held.len() > 6 {
                held.remove(0);
            }
        }
    }
}
