//! Who is to answer a line: by who is called in it, else by who was talked with before, else by
//! rotation. A pure function of the line and of what is known around it.

mod calls;
mod names;
mod words;

use calls::{Calls, Who};
use names::Names;
use words::Word;

use crate::latency::{Outcome, Reason};

/// What is known when a line comes.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// Everybody who is configured, in order.
    pub cast: Vec<Candidate<'a>>,
    /// The names of the humans in the room, the speaker left out.
    pub humans: Vec<&'a str>,
    /// Whom the speaker last called by name, if that is not long ago: an index of `cast`.
    pub named_before: Option<usize>,
    /// Who last answered the speaker, if that is not long ago: an index of `cast`.
    pub answered_before: Option<usize>,
    /// The line before called the speaker, who is human, by name, and another human said it.
    pub asked_by_human: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub name: &'a str,
    /// May answer lines that name nobody.
    pub open: bool,
    /// Rotation: among the open ones the lowest comes next.
    pub rank: u64,
}

/// Somebody who is to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Addressee {
    /// An index of [`Scene::cast`].
    pub persona: usize,
    /// 0 to 1.
    pub confidence: f32,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// In the order in which they are to speak, nobody twice; often one, perhaps none.
    pub addressees: Vec<Addressee>,
    /// The line called them; else they were chosen without being called.
    pub named: bool,
    /// What becomes of the line for everybody else.
    pub others: (Outcome, Reason),
}

/// A name that is called less surely than another by this much is only mentioned beside it.
const CONFIDENCE_GAP: f32 = 0.2;
/// A question of so few words ("and why is that?") is put to who has just answered.
const FOLLOW_UP_WORDS_MAX: usize = 4;

/// Decides who answers `line`.
pub fn addressees(line: &str, scene: &Scene<'_>) -> Verdict {
    let personas: Vec<Names> = scene.cast.iter().map(|one| Names::of(one.name)).collect();
    let humans: Vec<Names> = scene.humans.iter().map(|name| Names::of(name)).collect();
    let words = words::words(line);
    let calls = calls::find(&words, &personas, &humans);
    if asks_for_silence(&words, &personas) {
        return Verdict::nobody("asked to be quiet");
    }
    let addressed = addressed(&calls, scene);
    if addressed.humans {
        return Verdict::nobody("addressed to a human");
    }
    if let Some(first) = addressed.personas.first() {
        let others = if addressed.everybody {
            Reason::Borrowed("left out")
        } else {
            Reason::Owned(format!("addressed to {}", scene.cast[first.persona].name))
        };
        return Verdict {
            addressees: addressed.personas,
            named: true,
            others: (Outcome::Passed, others),
        };
    }
    if is_nothing_to_answer(&words) {
        return Verdict::nobody("nothing to answer");
    }
    if scene.asked_by_human {
        return Verdict::nobody("answers a human");
    }
    unnamed(&words, &calls, scene)
}

/// The personas whom a persona's own `line` calls surely enough that they may follow it.
pub fn follow_up(line: &str, cast: &[&str], speaker: usize) -> Option<usize> {
    const SURE_ENOUGH: f32 = 0.8;
    let personas: Vec<Names> = cast.iter().map(|name| Names::of(name)).collect();
    let calls = calls::find(&words::words(line), &personas, &[]);
    calls.called.iter().find_map(|call| match call.who {
        Who::Persona(other) if other != speaker && call.confidence >= SURE_ENOUGH => Some(other),
        _ => None,
    })
}

/// Whether a human's `line` calls `name` rather than a persona.
pub fn calls_human(line: &str, name: &str) -> bool {
    let calls = calls::find(&words::words(line), &[], &[Names::of(name)]);
    calls.called.iter().any(|call| call.who == Who::Human(0))
}

impl Verdict {
    fn nobody(why: &'static str) -> Self {
        Self {
            addressees: Vec::new(),
            named: false,
            others: (Outcome::Passed, Reason::Borrowed(why)),
        }
    }
}

struct Addressed {
    personas: Vec<Addressee>,
    everybody: bool,
    /// Only humans are called.
    humans: bool,
}

fn addressed(calls: &Calls, scene: &Scene<'_>) -> Addressed {
    let best = calls.called.iter().map(|call| call.confidence).fold(0.0, f32::max);
    let meant: Vec<_> =
        calls.called.iter().filter(|call| call.confidence > best - CONFIDENCE_GAP).collect();
    let mut personas: Vec<Addressee> = Vec::new();
    let mut add = |persona, confidence, reason| {
        let left_out = calls.excluded.contains(&Who::Persona(persona));
        if !left_out && personas.iter().all(|one| one.persona != persona) {
            personas.push(Addressee { persona, confidence, reason: Reason::Borrowed(reason) });
        }
    };
    let mut everybody = false;
    for call in &meant {
        match call.who {
            Who::Persona(persona) => add(persona, call.confidence, "called by name"),
            Who::Everybody => {
                everybody = true;
                for persona in (0..scene.cast.len()).filter(|&one| scene.cast[one].open) {
                    add(persona, call.confidence, "everybody was asked");
                }
            }
            Who::Human(_) => {}
        }
    }
    let humans = personas.is_empty() && !meant.is_empty() && !everybody;
    Addressed { personas, everybody, humans }
}

/// Nobody was called: the talk goes on with whom it was, else by rotation.
fn unnamed(words: &[Word], calls: &Calls, scene: &Scene<'_>) -> Verdict {
    let may = |persona: usize| {
        scene.cast.get(persona).is_some_and(|one| one.open)
            && !calls.excluded.contains(&Who::Persona(persona))
    };
    let named_before = scene.named_before.filter(|&one| may(one));
    let answered_before = scene.answered_before.filter(|&one| may(one) && is_follow_up(words));
    let next =
        (0..scene.cast.len()).filter(|&one| may(one)).min_by_key(|&one| scene.cast[one].rank);
    let chosen = named_before
        .map(|one| (one, 0.6, "talked with before"))
        .or(answered_before.map(|one| (one, 0.5, "answered before")))
        .or(next.map(|one| (one, 0.4, "next by rotation")));
    let Some((persona, confidence, reason)) = chosen else {
        return Verdict::nobody("not named");
    };
    Verdict {
        addressees: vec![Addressee { persona, confidence, reason: Reason::Borrowed(reason) }],
        named: false,
        others: (Outcome::Outbid, Reason::Borrowed("another's turn")),
    }
}

fn is_follow_up(words: &[Word]) -> bool {
    let starts = words.first().is_some_and(|word| {
        matches!(word.text.as_str(), "and" | "but" | "why" | "really" | "so" | "because" | "then")
    });
    starts || words.len() <= FOLLOW_UP_WORDS_MAX
}

/// "Stop.", "Ada, be quiet please": a short order to everybody who might speak.
fn asks_for_silence(words: &[Word], personas: &[Names]) -> bool {
    const ORDERS: &[&[&str]] = &[
        &["stop"],
        &["stop", "it"],
        &["stop", "talking"],
        &["quiet"],
        &["be", "quiet"],
        &["silence"],
        &["hush"],
        &["shush"],
        &["shut", "up"],
        &["enough"],
        &["thats", "enough"],
        &["that", "enough"],
        &["never", "mind"],
        &["nevermind"],
        &["hold", "on"],
        &["wait"],
        &["one", "moment"],
    ];
    let mut said: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match personas.iter().find_map(|names| names.at(&words[at..])) {
            Some(length) => at += length,
            None => {
                said.push(&words[at].text);
                at += 1;
            }
        }
    }
    said.retain(|word| {
        !matches!(
            *word,
            "please"
                | "ok"
                | "okay"
                | "now"
                | "everyone"
                | "everybody"
                | "a"
                | "all"
                | "just"
                | "hey"
                | "oh"
                | "no"
                | "thank"
                | "thanks"
                | "you"
        )
    });
    ORDERS.contains(&said.as_slice())
}

/// Sounds of listening, which want no answer.
fn is_nothing_to_answer(words: &[Word]) -> bool {
    const NODS: &[&[&str]] = &[
        &["mhm"],
        &["mm"],
        &["mmm"],
        &["hm"],
        &["hmm"],
        &["uh", "huh"],
        &["um"],
        &["uh"],
        &["ah"],
        &["oh"],
        &["ok"],
        &["okay"],
        &["right"],
        &["i", "see"],
        &["got", "it"],
    ];
    let said: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    said.is_empty() || NODS.contains(&said.as_slice())
}

#[cfg(test)]
mod tests;
