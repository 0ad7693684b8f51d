//! Who is called in a line, who is only talked about, and who is left out.

use super::names::Names;
use super::words::{Break, Word};

/// Somebody who can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Persona(usize),
    /// Another human in the room.
    Human(usize),
    Everybody,
}

/// A name in a line that speaks to its bearer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Call {
    pub who: Who,
    /// 0 to 1.
    pub confidence: f32,
}

/// What the names in a line are there for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Calls {
    /// In the order of the line.
    pub called: Vec<Call>,
    /// "Not Ada", "anybody but Ada".
    pub excluded: Vec<Who>,
}

/// Names in a row, joined by commas, "and" or "or".
#[derive(Clone, Debug)]
struct Mention {
    who: Vec<Who>,
    start: usize,
    end: usize,
    /// Spelled as the names are; else some of it may have been misheard.
    exact: bool,
}

enum Tone {
    /// With this confidence.
    To(f32),
    Excluded,
    About,
}

const SURE: f32 = 0.95;
const LIKELY: f32 = 0.85;
/// Called by a turn of phrase that does not speak to them ("a question for Ada").
const HANDED: f32 = 0.75;
const PERHAPS: f32 = 0.6;
/// A misheard name is worth this much of the real one.
const MISHEARD: f32 = 0.75;

/// Words that may stand before a name at the start of a sentence without being about it.
const OPENERS: &[&str] = &[
    "hey",
    "hi",
    "hello",
    "ok",
    "okay",
    "so",
    "well",
    "and",
    "now",
    "but",
    "yes",
    "no",
    "yeah",
    "oh",
    "um",
    "uh",
    "er",
    "please",
    "thanks",
    "thank",
    "you",
    "good",
    "morning",
    "afternoon",
    "evening",
    "night",
    "dear",
    "listen",
    "right",
    "alright",
    "sorry",
    "actually",
    "wait",
    "then",
    "welcome",
    "bye",
    "goodbye",
    "great",
    "excuse",
    "me",
    "excellent",
    "cool",
    "say",
    "look",
];
/// After a name these tell something about its bearer, unless the sentence is turned around.
const VERBS: &[&str] = &[
    "is", "was", "has", "had", "does", "did", "can", "could", "will", "would", "should", "might",
    "must", "says", "said", "thinks", "thought", "knows", "knew", "likes", "liked", "wants",
    "wanted", "told", "asked", "loves", "loved", "seems", "looks", "went", "came", "gets", "got",
    "makes", "made", "and", "with", "also", "just", "never", "always", "isnt", "wasnt", "doesnt",
    "didnt", "cant", "wont", "used", "goes", "needs", "lives", "works", "have", "are", "were",
];
/// Those of them that turn a sentence around: "can you", "is it".
const HELPERS: &[&str] = &[
    "is", "was", "has", "had", "does", "did", "can", "could", "will", "would", "should", "might",
    "must", "isnt", "wasnt", "doesnt", "didnt", "cant", "wont", "have", "are", "were", "do", "may",
    "dont", "arent",
];
const SUBJECTS: &[&str] = &[
    "you", "i", "we", "he", "she", "it", "they", "this", "that", "there", "anybody", "anyone",
    "my", "your", "our", "these", "those",
];
const QUESTIONS: &[&str] =
    &["what", "whats", "how", "hows", "why", "where", "wheres", "when", "who", "whos", "which"];
/// Before a name at the end of a sentence these make it a thing that is talked about.
const POINTERS: &[&str] = &[
    "about", "with", "for", "from", "of", "by", "like", "than", "as", "is", "was", "named",
    "called", "the", "a", "an", "see", "saw", "know", "knew", "meet", "met", "love", "loves", "at",
    "to", "ask", "asked", "tell", "told", "and", "or", "mean", "meant", "am", "im", "miss", "call",
    "not", "on", "in", "without", "hate", "my", "our", "that", "named", "said", "says",
];
const SECOND_PERSON: &[&str] = &["you", "your", "yours", "youre", "please", "yourself", "us", "me"];
/// Names that are ordinary words as well: at the start of a line without a comma they are words.
const ALSO_WORDS: &[&str] = &[
    "will",
    "may",
    "mark",
    "hope",
    "bill",
    "grace",
    "faith",
    "joy",
    "chip",
    "pat",
    "rob",
    "sue",
    "drew",
    "chase",
    "art",
    "max",
    "rose",
    "dawn",
    "sky",
    "miles",
    "rich",
    "frank",
    "june",
    "april",
    "august",
    "summer",
    "ray",
    "jack",
    "sunny",
    "everyone",
    "everybody",
];

/// Finds the calls in `line`. `personas` and `humans` are the names of those who are there, the
/// speaker left out.
pub(super) fn find(line: &[Word], personas: &[Names], humans: &[Names]) -> Calls {
    let mut calls = Calls::default();
    for mention in chained(line, mentions(line, personas, humans)) {
        match tone(line, &mention) {
            Tone::Excluded => calls.excluded.extend(mention.who),
            Tone::To(confidence) => {
                if is_correction(line, mention.start) {
                    calls.called.clear();
                }
                let confidence = confidence * if mention.exact { 1.0 } else { MISHEARD };
                calls.called.extend(mention.who.into_iter().map(|who| Call { who, confidence }));
            }
            Tone::About => {}
        }
    }
    calls
}

fn mentions(line: &[Word], personas: &[Names], humans: &[Names]) -> Vec<Mention> {
    let named = |from: usize| {
        let find = |all: &[Names]| {
            let found = all.iter().enumerate().filter_map(|(i, n)| Some((i, n.at(&line[from..])?)));
            found.max_by_key(|(_, length)| *length)
        };
        let exact = find(personas).map(|(i, length)| (Who::Persona(i), length, true));
        let human = || find(humans).map(|(i, length)| (Who::Human(i), length, true));
        let all = || everybody_at(&line[from..]).map(|length| (Who::Everybody, length, true));
        let misheard = || {
            let heard = |names: &Names| names.sounds_like(&line[from].text);
            personas.iter().position(heard).map(|i| (Who::Persona(i), 1, false))
        };
        exact.or_else(human).or_else(all).or_else(misheard)
    };
    let mut mentions = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let Some((who, length, exact)) = named(at) else {
            at += 1;
            continue;
        };
        mentions.push(Mention { who: vec![who], start: at, end: at + length, exact });
        at += length;
    }
    mentions
}

fn everybody_at(line: &[Word]) -> Option<usize> {
    const PHRASES: &[&[&str]] = &[
        &["all", "of", "you"],
        &["each", "of", "you"],
        &["both", "of", "you"],
        &["every", "one", "of", "you"],
        &["you", "all"],
        &["you", "guys"],
        &["you", "two"],
        &["you", "three"],
        &["you", "both"],
        &["yall"],
        &["everyone"],
        &["everybody"],
        &["folks"],
    ];
    let here = |phrase: &&[&str]| {
        let words = line.iter().map(|word| word.text.as_str());
        line.len() >= phrase.len() && words.zip(phrase.iter()).all(|(a, b)| a == *b)
    };
    let phrase = PHRASES.iter().find(|phrase| here(phrase)).map(|phrase| phrase.len());
    // "Hi all": the word alone says nothing in any other place.
    let alone = line.len() == 1 && line[0].text == "all";
    phrase.or(alone.then_some(1))
}

/// Joins names in a row into one mention each.
fn chained(line: &[Word], mentions: Vec<Mention>) -> Vec<Mention> {
    let mut chains: Vec<Mention> = Vec::new();
    for mention in mentions {
        match chains.last_mut() {
            Some(last) if joins(line, last, &mention) => {
                last.who.extend(mention.who);
                last.end = mention.end;
                last.exact &= mention.exact;
            }
            _ => chains.push(mention),
        }
    }
    chains
}

fn joins(line: &[Word], one: &Mention, other: &Mention) -> bool {
    match &line[one.end..other.start] {
        // "Ada, Hugo, what …" is a list; "Hugo, Ada is wrong" is not.
        [] => {
            line[one.end - 1].after == Break::Comma && line[other.end - 1].after != Break::None
                || line.get(other.end).is_some_and(|word| is_join(&word.text))
        }
        [word] => is_join(&word.text) && !line[one.end - 1].after.ends_sentence(),
        _ => false,
    }
}

fn is_join(word: &str) -> bool {
    matches!(word, "and" | "or")
}

/// What a mention does in its sentence.
fn tone(line: &[Word], mention: &Mention) -> Tone {
    let sentence = Sentence::around(line, mention);
    if mention.who == [Who::Everybody] && sentence.asks_everybody(mention.end - mention.start) {
        return Tone::To(LIKELY);
    }
    if line[mention.end - 1].owns {
        let turn = sentence.tail_is(&["turn"]);
        return if turn { Tone::To(HANDED) } else { Tone::About };
    }
    if sentence.excludes() {
        return Tone::Excluded;
    }
    if sentence.hands_over() {
        return Tone::To(HANDED);
    }
    let confidence = sentence.vocative(&line[mention.start].text);
    match confidence {
        Some(confidence) if mention.exact || sentence.at_an_edge() => Tone::To(confidence),
        _ => Tone::About,
    }
}

/// "No, I mean Hugo": what was called before does not hold.
fn is_correction(line: &[Word], start: usize) -> bool {
    let before = line[..start].last().map(|word| word.text.as_str());
    matches!(before, Some("no" | "sorry" | "mean" | "meant" | "actually" | "rather"))
}

/// The sentence around a mention, without it.
struct Sentence<'a> {
    lead: Vec<&'a str>,
    tail: Vec<&'a str>,
    before: Break,
    after: Break,
    is_question: bool,
    /// There is a comma in the tail.
    tail_pauses: bool,
}

impl<'a> Sentence<'a> {
    fn around(line: &'a [Word], mention: &Mention) -> Self {
        let lead = line[..mention.start].iter().rev();
        let mut lead: Vec<&Word> = lead.take_while(|word| !word.after.ends_sentence()).collect();
        lead.reverse();
        let last = &line[mention.end - 1];
        let mut end = last.after;
        let mut tail: Vec<&str> = Vec::new();
        let mut tail_pauses = false;
        for word in &line[mention.end..] {
            if end.ends_sentence() {
                break;
            }
            tail.push(&word.text);
            end = word.after;
            tail_pauses |= end == Break::Comma;
        }
        Self {
            before: lead.last().map_or(Break::Stop, |word| word.after),
            lead: lead.into_iter().map(|word| word.text.as_str()).collect(),
            tail,
            after: last.after,
            is_question: end == Break::Question,
            tail_pauses,
        }
    }

    fn lead_is(&self, words: &[&str]) -> bool {
        self.lead.ends_with(words)
    }

    fn tail_is(&self, words: &[&str]) -> bool {
        self.tail.starts_with(words)
    }

    fn next(&self) -> &'a str {
        self.tail.first().copied().unwrap_or_default()
    }

    fn previous(&self) -> &'a str {
        self.lead.last().copied().unwrap_or_default()
    }

    /// Next to a pause, or where the line begins or ends.
    fn at_an_edge(&self) -> bool {
        self.after != Break::None
            && (self.before != Break::None || self.lead.iter().all(|word| OPENERS.contains(word)))
            || self.lead.is_empty() && self.turns_to_somebody()
    }

    fn excludes(&self) -> bool {
        let negated: &[&[&str]] = &[
            &["not"],
            &["except"],
            &["besides"],
            &["without"],
            &["other", "than"],
            &["instead", "of"],
            &["anyone", "but"],
            &["anybody", "but"],
            &["everyone", "but"],
            &["everybody", "but"],
            &["not", "you"],
            &["of", "you", "but"],
        ];
        negated.iter().any(|words| self.lead_is(words))
    }

    /// Calls somebody without speaking to them.
    fn hands_over(&self) -> bool {
        let phrases: &[&[&str]] = &[
            &["what", "about"],
            &["how", "about"],
            &["question", "for"],
            &["question", "is", "for"],
            &["question", "to"],
            &["one", "for"],
            &["is", "for"],
            &["hear", "from"],
            &["over", "to"],
            &["back", "to"],
            &["talking", "to"],
            &["speaking", "to"],
            &["i", "mean"],
            &["i", "meant"],
        ];
        let handed = phrases.iter().any(|words| self.lead_is(words));
        let asked_to = matches!(self.previous(), "let" | "want" | "like" | "need" | "ask" | "have")
            && (matches!(self.next(), "answer" | "speak" | "explain" | "talk" | "say" | "tell")
                || self.tail_is(&["to"]));
        let in_order = matches!(self.next(), "first" | "next") || self.lead_is(&["then"]);
        handed || asked_to || in_order && !VERBS.contains(&self.next())
    }

    /// "All of you" and the like speak to everybody wherever they stand; "everyone" may be a
    /// subject ("everyone knows that").
    fn asks_everybody(&self, words: usize) -> bool {
        let helper = matches!(
            self.previous(),
            "do" | "does" | "did" | "can" | "could" | "would" | "will" | "should" | "has" | "is"
        );
        words > 1 && !self.previous_is_about() || helper && self.is_question
    }

    fn previous_is_about(&self) -> bool {
        matches!(self.previous(), "about" | "told" | "with")
    }

    /// How likely the name is spoken to its bearer, by its place in the sentence.
    fn vocative(&self, name: &str) -> Option<f32> {
        if self.lead.iter().all(|word| OPENERS.contains(word)) {
            return self.at_start(name);
        }
        if self.tail.is_empty() {
            return self.at_end();
        }
        let set_off = self.after != Break::None;
        match self.before {
            Break::Comma if set_off => Some(0.9),
            Break::Comma => self.at_start(name).map(|_| 0.8),
            _ if self.previous() == "you" => Some(LIKELY),
            _ if self.previous() == "ask" => Some(PERHAPS),
            _ if set_off && !POINTERS.contains(&self.previous()) => {
                let to_you = SECOND_PERSON.contains(&self.next());
                (to_you || QUESTIONS.contains(&self.next())).then_some(0.7)
            }
            _ => None,
        }
    }

    fn at_start(&self, name: &str) -> Option<f32> {
        if self.after != Break::None {
            return Some(SURE);
        }
        let next = self.next();
        if ALSO_WORDS.contains(&name) && self.lead.is_empty() {
            return QUESTIONS.contains(&next).then_some(LIKELY);
        }
        let is_told = VERBS.contains(&next) && !self.turns_to_somebody();
        (!is_told).then_some(LIKELY)
    }

    /// "Ada can you", "Ada is it", "Ada what": what follows the name asks.
    fn turns_to_somebody(&self) -> bool {
        let subject = self.tail.get(1).is_some_and(|word| SUBJECTS.contains(word));
        let helper = HELPERS.contains(&self.next());
        // "…, isn't it?" makes no question of what stands before it.
        let asks = self.is_question && !self.tail_pauses;
        QUESTIONS.contains(&self.next()) || helper && (subject || asks)
    }

    fn at_end(&self) -> Option<f32> {
        if self.before == Break::Comma {
            return Some(SURE);
        }
        if self.previous() == "ask" {
            return Some(PERHAPS);
        }
        if POINTERS.contains(&self.previous()) {
            return None;
        }
        let to_you = self.lead.iter().any(|word| SECOND_PERSON.contains(word));
        let greets = self.lead.first().is_some_and(|word| OPENERS.contains(word));
        let asks = self.lead.first().is_some_and(|word| QUESTIONS.contains(word));
        (to_you || greets || asks || self.is_question).then_some(0.8)
    }
}
