//! Requests to be silent, and the words that lift them.

use super::lexicon::{Lexicon, Set};
use super::refusing::is_negated;
use super::words::{Break, Word, is_question};

/// What a sentence asks of those who speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Silence {
    /// Until it is lifted: "be quiet".
    Lasting,
    /// For now: "hold on".
    Momentary,
    Lifted,
}

/// Verbs that mean silence with the particle behind them.
const CLOSING: Set = Set::new(
    "shut pipe zip button belt give knock pack cool back butt simmer settle clam leave \
     drop cut hang hold stand",
);
const PARTICLES: Set = Set::new("up down it off over out on in by still");
/// A pair of them that opens and does not close: "back up", "give it" and the like are not meant.
pub(super) const TIME: Set = Set::new(
    "second seconds sec secs minute minutes min moment tick mo bit while momento attimo \
     segundo instante instant minuto momentje",
);
const KEPT: Set = Set::new(
    "comments comment thoughts thought tongue tongues horses breath questions answers \
     fire voices peace opinions remarks applause quiet silence",
);
/// What somebody does for whom others keep silent.
const OWN_WORK: Set = Set::new(
    "think finish talk speak concentrate work read handle present answer do breathe be \
     focus listen",
);
const ORDERS_BEFORE: Set = Set::new(
    "be stay keep remain please kindly and everyone everybody just now some absolute \
     complete total lets have need go to mal seid sei soyez sois bitte",
);

/// The sentences of `line`, as ranges of words.
pub(super) fn sentences(line: &[Word]) -> Vec<std::ops::Range<usize>> {
    let mut from = 0;
    let mut all = Vec::new();
    for (at, word) in line.iter().enumerate() {
        if word.after.ends_sentence() || at + 1 == line.len() {
            all.push(from..at + 1);
            from = at + 1;
        }
    }
    all
}

/// What one sentence asks for. `named` tells which of its words are names.
pub(super) fn read(
    sentence: &[Word],
    lexicon: &Lexicon,
    named: impl Fn(usize) -> bool,
) -> Option<Silence> {
    let asks = is_question(sentence);
    let kept = |from: usize| -> Vec<&str> {
        let rest = sentence.iter().enumerate().skip(from);
        let kept = rest.filter(|(at, word)| !named(*at) && !is_soft(&word.text));
        kept.map(|(_, word)| word.text.as_str()).collect()
    };
    if lifts(&kept(0)) {
        return Some(Silence::Lifted);
    }
    // An order may follow a call: "Right, story people, no more talking".
    let starts = sentence.iter().enumerate().filter(|(_, word)| word.after == Break::Comma);
    let starts = std::iter::once(0).chain(starts.map(|(at, _)| at + 1));
    let mut opening = sentence.iter().take(6);
    let polite = asks && opening.any(|word| lexicon.second_person.has(&word.text));
    let whole = kept(0);
    let away = asks && pauses(&whole) || wants_to_be_alone(&whole);
    let mut asked = away.then_some(Silence::Lasting);
    for words in starts.map(kept) {
        let call = words.iter().position(|word| !is_call(word, lexicon)).unwrap_or(words.len());
        let order = &words[call..];
        let order = if polite { after_request(order, lexicon) } else { order };
        if !asks || polite {
            asked = asked.or(orders(order, &words, asks, lexicon));
        }
    }
    asked
}

/// What nobody is to do when nobody is to speak.
const HELPS: Set = Set::new(
    "tell help say answer speak talk start guess whisper ajuda fala diz sagt hilft ayuda habla \
     aiuta parla",
);
/// Verbs of wanting, and what nobody is to give then: "I need no answer", "I'm not asking for
/// advice".
const WANTING: Set = Set::new("need want expect require asking ask looking after seeking");
const GIVEN: Set = Set::new(
    "answer answers reply replies response responses advice opinion opinions comment comments \
     input help suggestions commentary feedback",
);

/// Whether its speaker wants no answer from anybody: "I'm only thinking aloud".
pub(super) fn waives(line: &[Word]) -> bool {
    let words: Vec<&str> = line.iter().map(|word| word.text.as_str()).collect();
    let aloud = words.windows(2).any(|two| {
        matches!(
            two,
            ["thinking" | "musing" | "wondering", "aloud"]
                | ["to", "myself"]
                | ["ignore", "me"]
                | ["mind", "me"]
                | ["rhetorical", _]
                | ["rhetorically", _]
        )
    }) || words.windows(3).any(|three| matches!(three, ["thinking", "out", "loud"]));
    let refuses = (0..words.len()).any(|at| {
        let not = is_negated(words[at]) || matches!(words[at], "not" | "no" | "never");
        let rest = &words[at + 1..];
        let wants = rest.iter().take(3).position(|word| WANTING.has(word));
        not && wants
            .is_some_and(|wants| rest[wants + 1..].iter().take(3).any(|word| GIVEN.has(word)))
    });
    // "I do not want to hear from anybody about it."
    let unheard = (0..words.len()).any(|at| {
        let not = is_negated(words[at]) || matches!(words[at], "not" | "never");
        let rest = &words[at + 1..words.len().min(at + 7)];
        let hear = rest.iter().position(|word| *word == "hear");
        not && hear.is_some_and(|hear| {
            let whom = &rest[hear + 1..];
            whom.iter().any(|word| matches!(*word, "anybody" | "anyone" | "any"))
        })
    });
    let asks = line.iter().take(2).any(|word| matches!(word.text.as_str(), "do" | "did" | "why"));
    (aloud || refuses || unheard) && !asks
}

/// "Could the planners take a break": what somebody else is asked to do.
fn pauses(words: &[&str]) -> bool {
    let polite = matches!(words.first(), Some(&("could" | "can" | "would" | "will" | "may")));
    let own = matches!(words.get(1), Some(&("i" | "we" | "he" | "she" | "it" | "they")));
    let takes = words.iter().take(5).position(|word| matches!(*word, "take" | "have"));
    polite && !own && takes.is_some_and(|at| rests(&words[at..]))
}

/// "Leave us alone", "could we have the room to ourselves".
fn wants_to_be_alone(words: &[&str]) -> bool {
    let leaves = words.iter().position(|word| matches!(*word, "leave" | "let"));
    let alone = leaves.is_some_and(|at| {
        let reach = &words[at + 1..words.len().min(at + 5)];
        reach.iter().any(|word| matches!(*word, "us" | "me" | "them" | "him" | "her"))
            && reach.iter().any(|word| matches!(*word, "alone" | "peace"))
    });
    let ours = words.windows(2).any(|two| matches!(two, ["to", "ourselves"]));
    let has = words.iter().any(|word| matches!(*word, "have" | "give" | "need" | "keep"));
    alone || ours && has
}

/// "Have yourself a rest", "go to bed", "sit this one out", "you are excused".
fn rests(order: &[&str]) -> bool {
    let Some(first) = order.first() else { return false };
    let near = |list: &[&str]| order.iter().take(5).any(|word| list.contains(word));
    let takes = matches!(*first, "have" | "take" | "get" | "grab");
    takes && near(&["rest", "break", "breather", "nap", "backseat"])
        || matches!(*first, "rest" | "relax") && order.len() <= 4
        || matches!(order, ["go", "to", "bed" | "rest", ..])
        || *first == "sit" && near(&["out"])
        || matches!(order, ["step", "aside" | "back" | "out" | "down", ..]) && order.len() <= 5
        || order.len() <= 6 && near(&["excused", "dismissed"])
}

/// "Could you all be quiet": the order in a polite question.
fn after_request<'a, 'b>(order: &'a [&'b str], lexicon: &Lexicon) -> &'a [&'b str] {
    let asked = |word: &&str| lexicon.helpers.has(word) && *word != "be" && *word != "dont";
    let skip = order.iter().take_while(|word| asked(word) || is_call(word, lexicon)).count();
    &order[skip..]
}

fn orders(order: &[&str], words: &[&str], asks: bool, lexicon: &Lexicon) -> Option<Silence> {
    let rests = rests(order);
    if is_hushed(words, lexicon) || forbids_speech(order, lexicon) || keeps(order) || rests {
        return Some(Silence::Lasting);
    }
    // "Bots, zip it", "planners take a break": whom it is put to stands before it.
    let subject = order.iter().take(3).position(|word| CLOSING.has(word)).filter(|_| !asks);
    let put = subject.is_some_and(|at| {
        at > 0
            && order[at..].len() >= 2
            && PARTICLES.has(order[at + 1])
            && !order[..at].iter().any(|word| {
                lexicon.subjects.has(word)
                    || lexicon.helpers.has(word)
                    || lexicon.questions.has(word)
            })
            && matches!(order[at], "zip" | "shut" | "pipe" | "button" | "belt" | "clam")
    });
    if put {
        return Some(Silence::Lasting);
    }
    let short = order.len() <= 4;
    let closing = order.len() >= 2
        && CLOSING.has(order[0])
        && (PARTICLES.has(order[1]) || order.get(2) == Some(&"rest"))
        && (short || !matches!(order[0], "back" | "give" | "cut") || order[1] == "over");
    if closing {
        let waits = matches!(order[0], "hang" | "hold" | "stand");
        return Some(if waits { Silence::Momentary } else { Silence::Lasting });
    }
    (!asks && waits(order, words, lexicon, short)).then_some(Silence::Momentary)
}

/// Words that change nothing about an order.
fn is_soft(word: &str) -> bool {
    matches!(word, "please" | "kindly" | "just" | "really" | "bitte" | "favor" | "pls")
}

fn is_call(word: &str, lexicon: &Lexicon) -> bool {
    lexicon.openers.has(word) && !lexicon.wait.has(word) && !lexicon.negations.has(word)
        || lexicon.everybody.has(word)
        || lexicon.second_person.has(word)
        || matches!(word, "panel" | "of" | "team" | "guys" | "gang" | "folks" | "both" | "people")
}

fn lifts(words: &[&str]) -> bool {
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let speak = ["talk", "speak", "chat", "answer", "comment", "respond", "back", "join", "reply"];
    let may = has(&["can", "may", "could", "free", "allowed"]);
    let returned =
        may && words.last() == Some(&"back") && has(&["tongues", "tongue", "voice", "voices"]);
    let pair = |one: &str, other: &str| words.windows(2).any(|two| two == [one, other]);
    returned
        || may && has(&speak) && has(&["again", "now", "freely"])
        || has(&speak) && words.last() == Some(&"again")
        || has(&["unmute", "unmuted"])
        || words.first() == Some(&"resume")
        || pair("as", "you") && has(&["were"])
        || pair("silence", "over")
        || pair("silence", "lifted")
        || pair("floor", "open")
}

/// "Be quiet", "silence please", "shh": and not "it is so quiet here".
fn is_hushed(words: &[&str], lexicon: &Lexicon) -> bool {
    let Some(at) = words.iter().position(|word| lexicon.hush.has(word)) else { return false };
    let before = at.checked_sub(1).map_or("", |at| words[at]);
    let ordered = ORDERS_BEFORE.has(before);
    let first = words[..at].iter().all(|word| is_call(word, lexicon));
    let told = words[..at].len() <= 1 && matches!(words.get(at + 1), Some(&("from" | "in")));
    let described =
        !told && matches!(words.get(at + 1), Some(&("place" | "room" | "one" | "night" | "day")));
    // "Two minutes of silence."
    let measured = before == "of" && at >= 2 && TIME.has(words[at - 2]);
    (first
        || ordered
        || told
        || measured
        || lexicon.helpers.has(before) && at <= 2 && before == "be")
        && !described
}

/// "No more talking", "don't say anything", "stop answering".
fn forbids_speech(order: &[&str], lexicon: &Lexicon) -> bool {
    let Some(first) = order.first() else { return false };
    let stops = lexicon.negations.has(first)
        || matches!(*first, "stop" | "quit" | "nobody" | "cease" | "enough" | "less");
    // "No more talking" is one; "no, or do you talk to them?" is none.
    let bare = matches!(*first, "no" | "nor" | "not" | "non" | "nein" | "nee" | "nao" | "não");
    let reach = order.len().min(if bare { 3 } else { 5 });
    let said = order[1..reach].iter().position(|word| lexicon.speaking.has(word));
    let stops = stops || *first == "do" && order.get(1) == Some(&"not");
    let nobody = matches!(*first, "nobody" | "noone" | "ninguem" | "niemand" | "nadie" | "nessuno");
    let helps = order.get(1).is_some_and(|word| HELPS.has(word));
    if nobody && helps {
        return true;
    }
    let told = |word: &&str| matches!(*word, "i" | "idea" | "if" | "know" | "want" | "care");
    stops && *first != "never" && said.is_some_and(|at| !order[1..=at].iter().any(told))
}

/// "Hold your comments", "keep that thought to yourself", "save it".
fn keeps(order: &[&str]) -> bool {
    let Some(first) = order.first() else { return false };
    matches!(*first, "hold" | "save" | "keep" | "spare" | "mind" | "bite" | "curb")
        && (order.iter().skip(1).take(4).any(|word| KEPT.has(word))
            || order.get(1..3) == Some(&["it", "down"])
            || *first == "save" && order.get(1) == Some(&"it"))
}

fn waits(order: &[&str], words: &[&str], lexicon: &Lexicon, short: bool) -> bool {
    let Some(first) = order.first() else { return false };
    let asks = order.iter().any(|word| lexicon.questions.has(word));
    let time = order.iter().any(|word| TIME.has(word));
    let stretch = order.iter().any(|word| TIME.has(word) && !matches!(*word, "bit" | "while"));
    // "Wait, before it goes read me the list": it asks for words.
    let wants = |word: &&str| matches!(*word, "say" | "tell" | "read" | "show" | "explain");
    if order.iter().skip(2).any(wants) {
        return false;
    }
    if lexicon.wait.has(first) && !asks {
        let until = order.iter().any(|word| matches!(*word, "until" | "till" | "while" | "for"));
        return short
            || time
            || until
            || order.len() <= 9 && lexicon.wait.has(first) && !matches!(*first, "hold" | "stop");
    }
    let gives = matches!(
        *first,
        "give" | "one" | "a" | "gimme" | "un" | "um" | "ein" | "een" | "nur" | "noch" | "i" | "two"
    );
    if gives && stretch && !asks && (short || *first == "give" || *first == "gimme") {
        return true;
    }
    let lets =
        matches!(*first, "let" | "lemme") && order.iter().skip(1).take(3).any(|w| OWN_WORK.has(w));
    let over = words.windows(2).any(|two| {
        matches!(
            two,
            ["time", "up"]
                | ["not", "now"]
                | ["not", "yet"]
                | ["will", "do"]
                | ["ll", "do"]
                | ["thats", "enough"]
                | ["thats", "all"]
                | ["that", "enough"]
                | ["is", "enough"]
                | ["be", "all"]
                | ["thats" | "that" | "is", "plenty" | "sufficient"]
                | ["had" | "heard", "enough" | "plenty"]
                | ["non", "ancora"]
                | ["pas", "encore"]
                | ["nog", "niet"]
                | ["noch", "nicht"]
                | ["nicht", "jetzt"]
        )
    }) || words.windows(3).any(|three| matches!(three, ["time", "is", "up"]));
    lets && !order.contains(&"you")
        || over && words.len() <= 10
        || order == ["thatll", "do"]
        || order == ["never", "mind"]
        || order == ["nevermind"]
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn sentences_that_ask_for_silence_or_lift_it() {
        use Silence::{Lasting, Lifted, Momentary};
        for (line, want) in [
            ("Stop.", Some(Momentary)),
            ("be quiet for a bit, we are eating", Some(Lasting)),
            ("Shh, the baby sleeps.", Some(Lasting)),
            ("Please remain silent while she presents.", Some(Lasting)),
            ("No more talking now.", Some(Lasting)),
            ("Don't say anything until I ask.", Some(Lasting)),
            ("Kindly hold your comments.", Some(Lasting)),
            ("Zip it!", Some(Lasting)),
            ("Could you be quiet?", Some(Lasting)),
            ("Hold on.", Some(Momentary)),
            ("Give me a second, I need to think.", Some(Momentary)),
            ("Let me finish.", Some(Momentary)),
            ("Your time is up.", Some(Momentary)),
            ("Aspetta, non ancora.", Some(Momentary)),
            ("Okay, you can talk again.", Some(Lifted)),
            ("The panel may speak again.", Some(Lifted)),
            ("Stop here or push on?", None),
            ("It is so quiet in here.", None),
            ("Wait, what did you say?", None),
            ("Is that enough?", None),
            ("I don't know what to say.", None),
            ("Let me ask you something.", None),
            ("Give me a recipe.", None),
        ] {
            let line_words = words(line);
            let lexicon = Lexicon::of(&line_words);
            assert_eq!(read(&line_words, lexicon, |_| false), want, "{line}");
        }
    }
}
