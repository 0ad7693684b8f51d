//! Names that are called upon without being spoken to: "I pass this on to Ada", "what would Ada
//! say?".

use super::lexicon::Set;
use super::sentence::{HANDED, Sentence, VERBS};
use super::words::Break;

const PERHAPS: f32 = 0.6;
/// What somebody does who has the floor, or what is asked of them.
const SPEAKING: Set = Set::new(
    "answer speak explain talk say tell describe comment think know help start begin go \
     take give add respond weigh advise recommend suggest share confirm state show do \
     handle have be finish continue reply like sing read agree make want opine sort field \
     judge decide",
);
/// Verbs and nouns that move a question to whoever is named behind a preposition.
const HANDING: Set = Set::new(
    "pass passing hand handing over defer leave refer turn turning call calls calling \
     question one floor back throw go going speak talking speaking direct check thats \
     better word opinion view answer thoughts hear job matter is addressed move moving \
     switch something line toss yield bow put goes up consult task know belongs input \
     bounce hello come coming from take this look vroeg frag fragt fragen frage demande \
     chiedo domando pregunto pergunto frage vraag fraga fragar yields entrust demandez demander \
     pregunta preguntale pregunten chiedi chiedete pergunte pergunta \
     vraag passe laisse laissons dejo lascio deixo geef gebe cedo defers tag",
);

/// A preposition behind which the one stands to whom something is left.
pub(super) fn moves_to(word: &str) -> bool {
    matches!(
        word,
        "to" | "for"
            | "from"
            | "on"
            | "upon"
            | "with"
            | "past"
            | "by"
            | "a"
            | "an"
            | "aan"
            | "al"
            | "alla"
            | "para"
            | "fur"
            | "pour"
            | "voor"
            | "per"
            | "bei"
            | "au"
    )
}

pub(super) fn is_speaking(word: &str) -> bool {
    SPEAKING.has(word)
}

pub(super) fn is_handing(word: &str) -> bool {
    HANDING.has(word)
}

impl Sentence<'_> {
    /// Calls somebody without speaking to them.
    pub(super) fn hands_over(&self) -> Option<f32> {
        let phrases: &[&[&str]] = &[
            &["what", "about"],
            &["how", "about"],
            &["i", "mean"],
            &["i", "meant"],
            &["und", "was", "ist", "mit"],
            &["et"],
            &["and", "you"],
        ];
        if phrases.iter().any(|words| self.lead_is(words)) && self.previous() != "et" {
            return Some(HANDED);
        }
        if self.is_who_knows() {
            return Some(HANDED);
        }
        if self.has_past() {
            return None;
        }
        let beside = self.lead.iter().rev().take(4).take_while(|word| is_article(word)).count();
        let lead = &self.lead[..self.lead.len() - beside];
        let verb = lead.last().copied().unwrap_or_default();
        let say = |word: &&str| SPEAKING.has(word);
        let reach = lead.len().saturating_sub(7);
        let moved = lead[reach..].iter().any(|word| HANDING.has(word));
        let to = moves_to(verb);
        if to && moved {
            return Some(HANDED);
        }
        let meant = matches!(verb, "meinte" | "bedoelde" | "bedoel" | "volevo" | "queria");
        if meant {
            return Some(HANDED);
        }
        let asked = matches!(
            verb,
            "let" | "want" | "like" | "need" | "have" | "invite" | "hear" | "lets" | "wants"
        );
        if asked && (verb == "hear" || self.tail_is(&["to"]) || say(&self.next())) {
            return Some(HANDED);
        }
        if matches!(verb, "ask" | "asking" | "frag" | "try" | "consult")
            && self.before == Break::None
        {
            return Some(PERHAPS);
        }
        if self.is_quoted(lead, verb) {
            return Some(HANDED);
        }
        self.asks_after(lead, verb)
    }

    /// "The mic is yours", "you're up", "your turn".
    pub(super) fn gives_the_floor(&self) -> bool {
        let pair = |two: &[&str]| {
            matches!(
                two,
                ["youre", "up" | "on" | "next"]
                    | ["your", "turn" | "go" | "move" | "floor" | "mic"]
                    | ["is", "yours"]
                    | ["floors" | "floor" | "mics" | "mic", "yours"]
                    | ["over", "to"]
                    | ["go", "on" | "ahead"]
            )
        };
        let next = matches!(self.lead[..], ["and", "now"] | ["next", "up"] | ["next"] | ["and"]);
        next && self.tail.is_empty() || self.lead.windows(2).chain(self.tail.windows(2)).any(pair)
    }

    /// "I have a question for Ada", "wake up, Ada": she is spoken to whatever else there is.
    pub(super) fn announces(&self) -> bool {
        let pair = |two: &[&str]| {
            matches!(two, ["a" | "one" | "another" | "quick", "question"] | ["wake", "up"])
        };
        let says = self.lead.windows(2).chain(self.tail.windows(2)).any(pair);
        says && !self.has_past()
    }

    /// "The one who knows it is Ada", "Ada has the answer".
    fn is_who_knows(&self) -> bool {
        let has = |words: &[&str], list: &[&str]| words.iter().any(|word| list.contains(word));
        let lead = &self.lead[..self.lead.len() - usize::from(is_article(self.previous()))];
        let copula = lead.last().is_some_and(|word| {
            matches!(*word, "is" | "e" | "es" | "est" | "ist" | "would" | "be" | "its" | "thats")
        });
        let who = ["who", "one", "person", "quem", "quien", "qui", "chi", "wer", "wie", "expert"];
        let knows =
            ["knows", "knew", "know", "sabe", "sait", "sa", "weiss", "weet", "ask", "better"];
        let holds = matches!(self.next(), "has" | "have" | "holds" | "keeps");
        copula && has(lead, &who) && has(lead, &knows)
            || holds && has(&self.tail, &["answer", "answers"]) && !self.is_question
    }

    /// "Could Ada explain that?", "What would Ada say?", "Ada would know", "Ada first".
    pub(super) fn asks_after(&self, lead: &[&str], verb: &str) -> Option<f32> {
        let say = |word: &&str| SPEAKING.has(word);
        let turned =
            matches!(verb, "can" | "could" | "would" | "will" | "does" | "should" | "might");
        let asked = lead.len() <= 3 && self.tail.iter().take(3).any(say);
        if turned && asked && self.before == Break::None && self.after == Break::None {
            return Some(HANDED);
        }
        // "I can't count. Ada can", "for odds there is Ada".
        let alone = matches!(self.tail[..], ["can" | "could" | "does" | "knows" | "will"]);
        let there = self.tail.is_empty() && self.lead_is(&["there", "is"]);
        if (alone && self.lead.is_empty() || there) && !self.is_question {
            return Some(PERHAPS);
        }
        let may =
            matches!(self.next(), "can" | "could" | "would" | "will" | "should" | "might" | "must");
        let knows = matches!(self.next(), "knows" | "handles")
            || self.tail.first() == Some(&"is")
                && self.tail.iter().take(4).any(|word| {
                    matches!(
                        *word,
                        "one" | "best" | "better" | "person" | "expert" | "man" | "woman" | "lad"
                    )
                });
        // "Ada would tell you to wait", "Ada would have made a table": what she would do is told.
        let claims = matches!(self.next(), "would" | "will")
            && matches!(self.tail.get(1), Some(&("tell" | "say" | "claim" | "have")));
        let helps = !claims
            && self.tail.iter().skip(1).take(3).any(|word| {
                matches!(
                    *word,
                    "answer"
                        | "explain"
                        | "know"
                        | "help"
                        | "tell"
                        | "say"
                        | "take"
                        | "advise"
                        | "weigh"
                        | "step"
                        | "chime"
                        | "judge"
                        | "decide"
                        | "handle"
                        | "confirm"
                        | "have"
                )
            });
        if (may && helps || knows) && self.after == Break::None && !self.is_question {
            return Some(PERHAPS);
        }
        let ordered = matches!(self.next(), "first" | "next" | "second" | "last" | "goes")
            || matches!(verb, "then" | "next");
        let told = self.tail.len() > 1 && VERBS.has(self.next());
        (ordered && !told && self.before != Break::Question).then_some(HANDED)
    }

    /// "Let's see what Ada says."
    fn is_quoted(&self, lead: &[&str], verb: &str) -> bool {
        let see = matches!(verb, "what" | "how" | "whether" | "if" | "was" | "que" | "wat" | "che");
        let opines = matches!(
            self.next(),
            "thinks"
                | "says"
                | "makes"
                | "knows"
                | "recommends"
                | "suggests"
                | "would"
                | "feels"
                | "advises"
                | "reckons"
        );
        see && opines && lead.len() <= 6
    }
}

fn is_article(word: &str) -> bool {
    matches!(
        word,
        "our"
            | "the"
            | "dear"
            | "lady"
            | "friend"
            | "old"
            | "good"
            | "der"
            | "die"
            | "la"
            | "il"
            | "o"
            | "my"
            | "learned"
            | "colleague"
            | "partner"
            | "doctor"
            | "expert"
    )
}
