//! The sentence around a name: whether it speaks to its bearer, calls upon them, leaves them out,
//! or only tells about them.

use super::lexicon::{Lexicon, Set};
use super::mentions::{Mention, Who};
use super::refusing::is_negated;
use super::words::{Break, Word};

/// What a mention does in its sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tone {
    /// With this confidence.
    To(f32),
    Handed(f32),
    Excluded,
    /// Spoken to, and not to answer.
    LetOff,
    About,
}

const SURE: f32 = 0.95;
const LIKELY: f32 = 0.85;
/// Called by a turn of phrase that does not speak to them ("a question for Ada").
pub(super) const HANDED: f32 = 0.78;
/// After a name these tell something about its bearer, unless the sentence is turned around.
pub(super) const VERBS: Set = Set::new(
    "is was has had does did can could will would should might must says said thinks \
     thought knows knew likes liked wants wanted told asked loves loved seems looks went \
     came gets got makes made with also just never always isnt wasnt doesnt didnt cant \
     wont used goes needs lives works have are were hasnt wouldnt gave hat ist a est es e \
     heeft ha dit sagt",
);
/// Before a name without a pause these make it a thing that is talked about.
const POINTERS: Set = Set::new(
    "about with for from of by like than as is was named called the a an see saw know \
     knew meet met love loves at to asked tell told and or mean meant am im miss call not \
     on in without hate my our that said says its be when if because what whats",
);
const PAST: Set = Set::new(
    "told gave asked heard said was were had did yesterday ago spoke talked came got went \
     earlier already met saw",
);
/// "Ada's turn", "Ada's view".
const OWNED: Set = Set::new(
    "turn go view opinion thoughts take area department field territory job domain \
     expertise specialty question subject trade business line perspective advice side \
     input call world thing patch",
);
/// Names that are ordinary words as well: at the start of a line without a comma they are words.
const ALSO_WORDS: Set = Set::new(
    "will may mark hope bill grace faith joy chip pat rob sue drew chase art max rose \
     dawn sky miles rich frank june april august summer ray jack sunny grant",
);

/// With more words beside it than these, thanks come with something else.
const THANKS_WORDS: usize = 3;

pub(super) fn is_thanks(word: &str) -> bool {
    matches!(
        word,
        "thanks"
            | "thank"
            | "ta"
            | "cheers"
            | "danke"
            | "merci"
            | "gracias"
            | "grazie"
            | "obrigado"
            | "obrigada"
            | "bedankt"
    )
}

fn is_kind(word: &Word) -> bool {
    let kind = matches!(word.text.as_str(), "dear" | "my" | "friend" | "mate" | "auld" | "master");
    kind && word.after == Break::None
}

/// The sentence around a mention, without it.
pub(super) struct Sentence<'a> {
    pub(super) lexicon: &'a Lexicon,
    pub(super) lead: Vec<&'a str>,
    pub(super) tail: Vec<&'a str>,
    pub(super) before: Break,
    pub(super) after: Break,
    pub(super) is_question: bool,
    /// There is a comma in the tail.
    pub(super) tail_pauses: bool,
    /// So many words of the tail stand before its first pause.
    clause: usize,
}

impl<'a> Sentence<'a> {
    pub(super) fn around(line: &'a [Word], lexicon: &'a Lexicon, mention: &Mention) -> Self {
        let lead = line[..mention.start].iter().rev();
        let mut lead: Vec<&Word> = lead.take_while(|word| !word.after.ends_sentence()).collect();
        lead.reverse();
        let last = &line[mention.end - 1];
        let mut end = last.after;
        let mut tail: Vec<&str> = Vec::new();
        let mut tail_pauses = false;
        let mut clause = None;
        for word in &line[mention.end..] {
            if end.ends_sentence() {
                break;
            }
            if end != Break::None && clause.is_none() {
                clause = Some(tail.len());
            }
            tail.push(&word.text);
            end = word.after;
            tail_pauses |= end == Break::Comma;
        }
        // "My dear Ada" is called as "Ada" is.
        while lead.len() > 1 && lead.last().is_some_and(|word| is_kind(word)) {
            lead.pop();
        }
        Self {
            lexicon,
            before: lead.last().map_or(Break::Stop, |word| word.after),
            clause: clause.unwrap_or(tail.len()),
            lead: lead.into_iter().map(|word| word.text.as_str()).collect(),
            tail,
            after: last.after,
            is_question: end == Break::Question,
            tail_pauses,
        }
    }

    /// What the mention does in its sentence.
    pub(super) fn tone(&self, line: &[Word], mention: &Mention) -> Tone {
        if line[mention.start].at {
            return Tone::To(SURE);
        }
        let each = line[mention.start].text == "each" && mention.who[0] == Who::Everybody;
        if each && mention.start > 1 {
            return Tone::To(LIKELY);
        }
        if mention.who == [Who::Everybody] && self.asks_everybody(mention.end - mention.start) {
            return Tone::To(LIKELY);
        }
        if line[mention.end - 1].owns && !self.owner_is_spoken_to() {
            let copula = matches!(self.previous(), "is" | "are" | "its" | "thats");
            let ends = copula && self.clause == 0 && !self.is_question;
            // "That is Ada's kitchen, not mine."
            let theirs = ends
                || copula && self.tail.contains(&"mine")
                || OWNED.has(self.next()) && !self.has_past();
            return if theirs { Tone::Handed(HANDED) } else { Tone::About };
        }
        if self.excludes() {
            return Tone::Excluded;
        }
        if self.lets_off() {
            return Tone::LetOff;
        }
        if mention.doubtful && !self.is_set_off() {
            return Tone::About;
        }
        let handed = if mention.who == [Who::Everybody] { None } else { self.hands_over() };
        if let Some(confidence) = handed {
            return Tone::Handed(confidence);
        }
        let edge = self.lead.len() <= 1 || self.tail.is_empty();
        if mention.exact && edge && self.lexicon.is_foreign(line) {
            // Nothing else can be read of it.
            return Tone::To(LIKELY);
        }
        match self.vocative(&line[mention.start].text) {
            Some(confidence) if mention.exact || self.at_an_edge() => Tone::To(confidence),
            _ => Tone::About,
        }
    }

    /// "Ada's" may be "Ada is", never a call; but a name may end in "s" by itself.
    pub(super) fn owner_is_spoken_to(&self) -> bool {
        self.is_set_off()
    }

    pub(super) fn lead_is(&self, words: &[&str]) -> bool {
        self.lead.ends_with(words)
    }

    pub(super) fn tail_is(&self, words: &[&str]) -> bool {
        self.tail.starts_with(words)
    }

    pub(super) fn next(&self) -> &'a str {
        self.tail.first().copied().unwrap_or_default()
    }

    pub(super) fn previous(&self) -> &'a str {
        self.lead.last().copied().unwrap_or_default()
    }

    /// Its clause tells what was.
    pub(super) fn has_past(&self) -> bool {
        let owns = |word: &str| matches!(word, "shes" | "hes" | "ive" | "weve" | "theyve" | "have");
        let got = |words: &[&str]| words.windows(2).any(|two| two[1] == "got" && !owns(two[0]));
        let clause = &self.tail[..self.clause];
        let told = |words: &[&str]| {
            words.iter().any(|word| *word != "got" && PAST.has(word)) || got(words)
        };
        told(&self.lead) || told(clause)
    }

    pub(super) fn opens(&self) -> bool {
        self.lead.iter().all(|word| self.lexicon.openers.has(word))
    }

    /// Pauses on both sides.
    pub(super) fn is_set_off(&self) -> bool {
        self.after != Break::None && (self.before != Break::None || self.opens())
    }

    /// Next to a pause, or where the line begins or ends.
    pub(super) fn at_an_edge(&self) -> bool {
        self.is_set_off()
            || self.opens() && (self.turns_to_somebody() || self.is_question || self.asks())
    }

    /// There is a question word somewhere behind the name.
    pub(super) fn asks(&self) -> bool {
        self.tail.iter().any(|word| self.lexicon.questions.has(word))
    }

    /// Nothing but greetings, thanks and nods beside the name.
    fn is_only_courtesy(&self) -> bool {
        // "Ada, please" asks her.
        let courtesy = |word: &&str| {
            *word != "please" && (self.lexicon.openers.has(word) || self.lexicon.nods.has(word))
        };
        let beside = self.lead.len() + self.tail.len();
        beside > 0 && self.lead.iter().chain(&self.tail).all(courtesy) && !self.is_question
    }

    /// Little more than thanks beside the name.
    pub(super) fn is_courtesy(&self) -> bool {
        let thanks = |word: &&str| is_thanks(word);
        let beside = self.lead.len() + self.tail.len();
        let thanked = beside <= THANKS_WORDS && self.lead.iter().chain(&self.tail).any(thanks);
        self.is_only_courtesy() || thanked && !self.is_question
    }

    pub(super) fn is_whole_line(&self, line: &[Word], mention: &Mention) -> bool {
        line.len() == self.lead.len() + self.tail.len() + mention.end - mention.start
    }

    /// "All of you" and the like speak to everybody wherever they stand; "everyone" may be a
    /// subject ("everyone knows that").
    pub(super) fn asks_everybody(&self, words: usize) -> bool {
        let about = matches!(self.previous(), "about" | "told" | "with");
        let turned = self.lexicon.helpers.has(self.previous()) && self.is_question;
        let from = matches!(
            self.previous(),
            "from" | "to" | "para" | "a" | "an" | "fur" | "pour" | "voor" | "per"
        ) && !self.has_past();
        let begins = self.opens() || self.before == Break::Comma || self.lead.len() <= 2;
        let begins = begins || self.previous() == "so";
        words > 1 && !about
            || words == 1 && begins && self.obliges()
            || turned
            || from && !self.lead_is(&["according", "to"])
    }

    /// "Everybody has to say one thing".
    fn obliges(&self) -> bool {
        let must = matches!(self.next(), "must" | "should" | "gotta" | "gets")
            || self.tail.get(1) == Some(&"to") && matches!(self.next(), "has" | "needs" | "got");
        let said =
            |word: &&str| matches!(*word, "one" | "turn") || super::handing::is_speaking(word);
        // "Everybody says one wish."
        let says = matches!(self.next(), "says" | "tells" | "gives" | "names" | "shares" | "picks");
        if says && self.tail.iter().take(5).any(|word| matches!(*word, "one" | "a" | "their")) {
            return true;
        }
        must && self.tail.iter().take(6).any(said)
    }

    /// How likely the name is spoken to its bearer, by its place in the sentence.
    pub(super) fn vocative(&self, name: &str) -> Option<f32> {
        if self.opens() {
            return self.at_start(name);
        }
        if self.tail.is_empty() {
            return self.at_end();
        }
        let set_off = self.after != Break::None;
        let to_you = self.lexicon.second_person.has(self.next())
            || matches!(self.next(), "please" | "us" | "me" | "tell")
            || self.lexicon.questions.has(self.next());
        match self.before {
            Break::Comma if set_off => Some(0.9),
            Break::Comma => self.at_start(name).map(|_| 0.8),
            _ if self.lexicon.second_person.has(self.previous()) => Some(LIKELY),
            _ if POINTERS.has(self.previous()) => None,
            _ if set_off && to_you => Some(0.7),
            // Without pauses: "okay done ada what's next".
            _ if self.lexicon.questions.has(self.next()) || self.turns_to_you() => Some(0.7),
            _ if self.lexicon.second_person.has(self.next()) => Some(0.65),
            _ if self.asks_you_before() || self.goes_on() => Some(0.7),
            _ => None,
        }
    }

    /// "What do you think, in short, ada about it": what stands before the name asks somebody.
    pub(super) fn asks_you_before(&self) -> bool {
        let first = self.lead.iter().find(|word| !self.lexicon.openers.has(word));
        let asks = first.is_some_and(|first| {
            self.lexicon.questions.has(first) || self.lexicon.helpers.has(first)
        });
        let you = self.lead.iter().any(|word| self.lexicon.second_person.has(word));
        asks && you
            || asks && self.lexicon.subordinators.has(self.next()) && self.is_subject(1)
            || self.lexicon.subordinators.has(self.next())
                && self.tail.get(1).is_some_and(|word| self.lexicon.second_person.has(word))
    }

    /// "It fell off ada and i need it now", without pauses: a whole clause stands before the name,
    /// and another one after it.
    fn goes_on(&self) -> bool {
        let joins = matches!(self.next(), "and" | "but" | "so" | "cos" | "because");
        let clause = self.tail.get(1).is_some_and(|word| {
            matches!(
                *word,
                "i" | "im" | "we" | "its" | "it" | "ive" | "can" | "could" | "do" | "is"
            )
        });
        let whole = self.lead.len() >= 4
            && !self.lexicon.prepositions.has(self.previous())
            && !self.lexicon.joins.has(self.previous())
            && !self.lexicon.determiners.has(self.previous());
        joins && clause && whole
    }

    pub(super) fn at_start(&self, name: &str) -> Option<f32> {
        if self.after != Break::None {
            return Some(SURE);
        }
        let next = self.next();
        let asks = self.lexicon.questions.has(next);
        if ALSO_WORDS.has(name) && self.lead.is_empty() {
            let spoken_to = asks
                || self.turns_to_you() && name != "will" && name != "may"
                || self.lexicon.helpers.has(next) && self.is_subject(1);
            return (spoken_to || self.is_question && !self.is_subject(0)).then_some(LIKELY);
        }
        let third = next.len() > 3 && next.ends_with('s') && !next.ends_with("ss") && !asks;
        let told = VERBS.has(next) || next.len() > 4 && next.ends_with("ed");
        let told = told || third && next != "please" && !self.lexicon.is_function(next);
        let everybody = self.lexicon.everybody.has(name);
        // "Ada from work came by."
        let told = told || matches!(next, "from" | "of" | "at");
        let told = told || everybody && next.len() > 3 && next.ends_with('s');
        let told = told && !self.turns_to_somebody();
        (!told || asks).then_some(LIKELY)
    }

    /// "Isn't it" stands before the name.
    fn tags(&self) -> bool {
        let [.., helper, subject] = self.lead[..] else { return false };
        let helper = self.lexicon.helpers.has(helper) || is_negated(helper);
        helper && self.lexicon.subjects.has(subject) && self.lead.len() > 3
    }

    pub(super) fn is_subject(&self, at: usize) -> bool {
        self.tail.get(at).is_some_and(|word| {
            self.lexicon.subjects.has(word) || self.lexicon.determiners.has(word)
        })
    }

    /// "Ada can you", "Ada is it", "Ada what": what follows the name asks.
    pub(super) fn turns_to_somebody(&self) -> bool {
        let helper = self.lexicon.helpers.has(self.next());
        // "…, isn't it?" makes no question of what stands before it.
        let asks = self.is_question && !self.tail_pauses;
        self.lexicon.questions.has(self.next()) || helper && (self.is_subject(1) || asks)
    }

    pub(super) fn turns_to_you(&self) -> bool {
        let you = self.tail.get(1).is_some_and(|word| self.lexicon.second_person.has(word));
        self.lexicon.helpers.has(self.next()) && you
    }

    pub(super) fn at_end(&self) -> Option<f32> {
        if self.before == Break::Comma {
            return Some(SURE);
        }
        if self.tags() {
            return Some(0.8);
        }
        if POINTERS.has(self.previous()) {
            return None;
        }
        let first = self.lead.first().copied().unwrap_or_default();
        let to_you = self.lead.iter().any(|word| self.lexicon.second_person.has(word));
        let greets = self.lexicon.openers.has(first);
        let asks = self.lexicon.questions.has(first) || self.lexicon.helpers.has(first);
        (to_you || greets || asks || self.is_question).then_some(0.8)
    }
}
