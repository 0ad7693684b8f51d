//! Words for all who are there, and for whoever knows.

use super::handing;
use super::lexicon::{Lexicon, Set};
use super::words::{Break, Word};

/// Nouns for the cast as a whole, where a name could stand.
const COLLECTIVES: Set = Set::new(
    "folks guys gang team crew panel people friends experts group room table council \
     class company cast squad all lads ladies gentlemen channel here leute freunde amis \
     amigos amici gente mensen mates party professionals guides specialists members",
);
/// What stands between a greeting and them.
const WHOLE: Set = Set::new("to the our this my whole entire dear lovely");
const NUMBERS: Set = Set::new("two three four five six seven eight lot of");

/// How many words from `start` on speak to everybody; none when they do not.
pub(super) fn everybody_at(line: &[Word], start: usize, lexicon: &Lexicon) -> Option<usize> {
    let text = |at: usize| line.get(at).map_or("", |word| word.text.as_str());
    // "The four of us" are the humans.
    if (0..line.len())
        .any(|at| NUMBERS.has(text(at)) && (text(at + 1), text(at + 2)) == ("of", "us"))
    {
        return None;
    }
    let word = text(start);
    let previous = start.checked_sub(1).map_or("", text);
    let pronoun = |at: usize| lexicon.second_person.has(text(at)) || text(at) == "us";
    if line[start].at && (word == "all" || word == "everyone" || COLLECTIVES.has(word)) {
        return Some(1);
    }
    if matches!(word, "all" | "each" | "both" | "everyone" | "every") {
        // "All three of you", "each of you", "every one of you", "all on yer".
        let skip = (start + 1..start + 4).find(|&at| pronoun(at) || is_article(text(at)));
        let between = |end: usize| (start + 1..end).all(|at| is_filler(text(at)));
        if let Some(end) = skip.filter(|&end| end > start + 1 && between(end) && pronoun(end)) {
            return Some(end + 1 - start);
        }
        // "From both our guides", "from each expert", "for all".
        if matches!(previous, "from" | "to" | "for") && line[start].after == Break::None {
            return (start + 1 < line.len() && previous == "from").then_some(1);
        }
    }
    let of = (start + 1..start + 3).find(|&at| text(at) == "of");
    let of = of.filter(|&of| (start + 1..of).all(|at| NUMBERS.has(text(at))));
    if let Some(of) = of.filter(|_| matches!(word, "each" | "all" | "both"))
        && matches!(text(of + 1), "our" | "these" | "those" | "my")
    {
        // "Each of our four officers", "all three of our guests".
        let numbers = (of + 2..line.len()).take_while(|&at| NUMBERS.has(text(at))).count();
        let end = of + 2 + numbers;
        return (end < line.len()).then_some(end + 1 - start);
    }
    // "All stations report."
    let every = matches!(word, "all" | "each" | "every") && !lexicon.is_function(text(start + 1));
    let begins = start == 0 || line[start - 1].after != Break::None;
    if every && begins && handing::is_speaking(text(start + 2)) {
        return Some(2);
    }
    // "Any of our experts", "the three of you".
    let of_ours = word == "any" && (text(start + 1), text(start + 2)) == ("of", "our");
    if of_ours && COLLECTIVES.has(text(start + 3)) {
        return Some(4);
    }
    if NUMBERS.has(word) && text(start + 1) == "of" && lexicon.second_person.has(text(start + 2)) {
        return Some(3);
    }
    // "Let's do a round."
    let goes = matches!(previous, "do" | "have" | "go" | "make" | "start");
    if goes && (word, text(start + 1)) == ("a", "round") {
        return Some(2);
    }
    // "Right round the panel."
    let round = matches!(word, "round" | "around") && text(start + 1) == "the";
    if round && COLLECTIVES.has(text(start + 2)) {
        return Some(3);
    }
    let pair = (word, text(start + 1));
    if matches!(pair, ("rest", "of")) && pronoun(start + 2) {
        return Some(3);
    }
    if matches!(
        pair,
        ("you", "others")
            | ("in", "turn")
            | ("take", "turns")
            | ("go" | "going" | "once", "round" | "around")
            | ("quick", "round")
            | ("one", "by")
            | ("per", "person")
            | ("each", "one")
    ) {
        return Some(2);
    }
    let turned = previous.is_empty()
        || start > 0 && line[start - 1].after != Break::None
        || matches!(previous, "from" | "and" | "for" | "to" | "about" | "hear" | "now" | "then");
    if pair == ("the", "others") && turned {
        return Some(2);
    }
    // "One word each."
    let number = |at: usize| {
        matches!(text(at), "one" | "a" | "an" | "two" | "three" | "five" | "ten" | "single")
    };
    let counted = (start.saturating_sub(3)..start).any(number);
    if word == "each" && start > 1 && (line[start].after != Break::None || counted) {
        return Some(1);
    }
    if word == "you" && matches!(text(start + 1), "all" | "both" | "guys" | "two" | "three" | "lot")
    {
        return Some(2);
    }
    if word != "all" && lexicon.everybody.has(word) {
        return Some(1);
    }
    let set_off = line[start].after != Break::None;
    let greets =
        |end: usize| end > 0 && line[..end].iter().all(|word| lexicon.openers.has(&word.text));
    let begins = begins || greets(start);
    match (word, text(start + 1), text(start + 2)) {
        ("ladies", "and", "gentlemen") if begins => return Some(3),
        ("tout", "le", "monde") if greets(start) => return Some(3),
        ("zusammen", ..) if greets(start) && set_off => return Some(1),
        _ => {}
    }
    // "Hello to the whole table."
    let lead = line[..start].iter().rposition(|word| !WHOLE.has(&word.text)).map_or(0, |at| at + 1);
    let collective = COLLECTIVES.has(word)
        && set_off
        && (greets(lead) || begins && word != "all" && word != "here")
        || word == "all" && line.len() == 1;
    collective.then_some(1)
}

/// How many a word counts; none when it counts nobody.
pub(super) fn number(word: &str) -> Option<usize> {
    const COUNTED: [&str; 7] = ["two", "three", "four", "five", "six", "seven", "eight"];
    COUNTED.iter().position(|one| *one == word).map(|at| at + 2)
}

pub(super) fn is_collective(word: &str) -> bool {
    COLLECTIVES.has(word)
}

fn is_article(word: &str) -> bool {
    matches!(word, "the" | "our" | "these")
}

fn is_filler(word: &str) -> bool {
    NUMBERS.has(word) || matches!(word, "on" | "o" | "one" | "single" | "the")
}

/// Whether the line is put to whoever knows: "does anybody know", "a question to the experts".
pub(super) fn asks_whoever(line: &[Word], lexicon: &Lexicon) -> bool {
    let text: Vec<&str> = line.iter().map(|word| word.text.as_str()).collect();
    let put = text.windows(3).any(|three| {
        matches!(three[0], "for" | "to" | "ask" | "pour" | "para" | "fur" | "an" | "voor" | "per")
            && (COLLECTIVES.has(three[1]) || COLLECTIVES.has(three[2]))
    });
    let who = text.windows(2).any(|two| {
        matches!(two[0], "who" | "whos" | "which")
            && matches!(
                two[1],
                "can" | "knows" | "could" | "here" | "of" | "would" | "wants" | "has"
            )
    });
    let of_you = text.windows(3).any(|three| {
        matches!(three[0], "any" | "one" | "some" | "either" | "which")
            && three[1] == "of"
            && lexicon.second_person.has(three[2])
    });
    put || who || of_you || text.iter().any(|word| lexicon.somebody.has(word))
}
