//! Who is called in a line, who is only talked about, and who is left out.

use super::lexicon::Lexicon;
use super::mentions::{Mention, Who};
use super::words::{Break, Word};

/// A name in a line that speaks to its bearer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Call {
    pub who: Who,
    /// 0 to 1.
    pub confidence: f32,
    /// It is called upon without being spoken to: "I pass this on to Ada".
    pub handed: bool,
}

/// What the names in a line are there for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Calls {
    /// In the order of the line.
    pub called: Vec<Call>,
    /// "Not Ada", "anybody but Ada".
    pub excluded: Vec<Who>,
    /// Named, whether called or not.
    pub mentioned: Vec<Who>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tone {
    /// With this confidence.
    To(f32),
    Handed(f32),
    Excluded,
    About,
}

const SURE: f32 = 0.95;
const LIKELY: f32 = 0.85;
/// Called by a turn of phrase that does not speak to them ("a question for Ada").
const HANDED: f32 = 0.78;
const PERHAPS: f32 = 0.6;
/// A misheard name is worth this much of the real one.
const MISHEARD: f32 = 0.8;
/// Thanks and the like call nobody who is to answer when the line goes on.
const IN_PASSING: f32 = 0.4;

/// After a name these tell something about its bearer, unless the sentence is turned around.
const VERBS: &[&str] = &[
    "is", "was", "has", "had", "does", "did", "can", "could", "will", "would", "should", "might",
    "must", "says", "said", "thinks", "thought", "knows", "knew", "likes", "liked", "wants",
    "wanted", "told", "asked", "loves", "loved", "seems", "looks", "went", "came", "gets", "got",
    "makes", "made", "with", "also", "just", "never", "always", "isnt", "wasnt", "doesnt", "didnt",
    "cant", "wont", "used", "goes", "needs", "lives", "works", "have", "are", "were", "hasnt",
    "wouldnt", "gave", "hat", "ist", "a", "est", "es", "e", "heeft", "ha", "dit", "sagt",
];
/// Before a name without a pause these make it a thing that is talked about.
const POINTERS: &[&str] = &[
    "about", "with", "for", "from", "of", "by", "like", "than", "as", "is", "was", "named",
    "called", "the", "a", "an", "see", "saw", "know", "knew", "meet", "met", "love", "loves", "at",
    "to", "asked", "tell", "told", "and", "or", "mean", "meant", "am", "im", "miss", "call", "not",
    "on", "in", "without", "hate", "my", "our", "that", "said", "says", "its", "be", "when", "if",
    "because", "what", "whats",
];
/// What somebody does who has the floor, or what is asked of them.
const SPEAKING: &[&str] = &[
    "answer",
    "speak",
    "explain",
    "talk",
    "say",
    "tell",
    "describe",
    "comment",
    "think",
    "know",
    "help",
    "start",
    "begin",
    "go",
    "take",
    "give",
    "add",
    "respond",
    "weigh",
    "advise",
    "recommend",
    "suggest",
    "share",
    "confirm",
    "state",
    "show",
    "do",
    "handle",
    "have",
    "be",
    "finish",
    "continue",
    "reply",
    "like",
    "sing",
    "read",
    "agree",
    "make",
    "want",
    "opine",
    "sort",
    "field",
    "judge",
    "decide",
];
/// Verbs and nouns that move a question to whoever is named behind a preposition.
const HANDING: &[&str] = &[
    "pass",
    "passing",
    "hand",
    "handing",
    "over",
    "defer",
    "leave",
    "refer",
    "turn",
    "turning",
    "call",
    "calls",
    "calling",
    "question",
    "one",
    "floor",
    "back",
    "throw",
    "go",
    "going",
    "speak",
    "talking",
    "speaking",
    "direct",
    "check",
    "thats",
    "better",
    "word",
    "opinion",
    "view",
    "answer",
    "thoughts",
    "hear",
    "job",
    "matter",
    "is",
    "addressed",
    "move",
    "moving",
    "switch",
    "something",
    "line",
    "toss",
    "yield",
    "bow",
    "put",
    "goes",
    "up",
    "consult",
    "task",
    "know",
    "belongs",
    "input",
    "bounce",
    "hello",
    "come",
    "coming",
    "from",
    "take",
    "this",
    "look",
    "frag",
    "fragt",
    "fragen",
    "frage",
    "demande",
    "demandez",
    "demander",
    "pregunta",
    "preguntale",
    "pregunten",
    "chiedi",
    "chiedete",
    "pergunte",
    "pergunta",
    "vraag",
    "passe",
    "laisse",
    "laissons",
    "dejo",
    "lascio",
    "deixo",
    "geef",
    "gebe",
    "cedo",
    "defers",
    "tag",
];
const PAST: &[&str] = &[
    "told",
    "gave",
    "asked",
    "heard",
    "said",
    "was",
    "were",
    "had",
    "did",
    "yesterday",
    "ago",
    "spoke",
    "talked",
    "came",
    "got",
    "went",
    "earlier",
    "already",
    "met",
    "saw",
];
/// "Ada's turn", "Ada's view".
const OWNED: &[&str] = &[
    "turn",
    "go",
    "view",
    "opinion",
    "thoughts",
    "take",
    "area",
    "department",
    "field",
    "territory",
    "job",
    "domain",
    "expertise",
    "specialty",
    "question",
    "subject",
    "trade",
    "business",
    "line",
    "perspective",
    "advice",
    "side",
    "input",
    "call",
    "world",
    "thing",
    "patch",
];
/// Names that are ordinary words as well: at the start of a line without a comma they are words.
const ALSO_WORDS: &[&str] = &[
    "will", "may", "mark", "hope", "bill", "grace", "faith", "joy", "chip", "pat", "rob", "sue",
    "drew", "chase", "art", "max", "rose", "dawn", "sky", "miles", "rich", "frank", "june",
    "april", "august", "summer", "ray", "jack", "sunny", "grant",
];

/// Finds the calls in `line` among its `mentions`.
pub(super) fn find(line: &[Word], lexicon: &Lexicon, mentions: Vec<Mention>) -> Calls {
    let mut calls = Calls::default();
    for mention in mentions {
        let sentence = Sentence::around(line, lexicon, &mention);
        calls.mentioned.extend(mention.who.iter().copied());
        let (confidence, handed) = match sentence.tone(line, &mention) {
            Tone::Excluded => {
                calls.excluded.extend(mention.who);
                continue;
            }
            Tone::To(confidence) => (confidence, false),
            Tone::Handed(confidence) => (confidence, true),
            Tone::About => continue,
        };
        if is_correction(line, mention.start) {
            calls.called.clear();
        }
        let passing = sentence.is_only_courtesy() && !sentence.is_whole_line(line, &mention);
        let confidence = confidence * if mention.exact { 1.0 } else { MISHEARD };
        let confidence = if passing { confidence.min(IN_PASSING) } else { confidence };
        let call = |who| Call { who, confidence, handed };
        calls.called.extend(mention.who.into_iter().map(call));
    }
    calls
}

/// "No, I mean Hugo": what was called before does not hold.
fn is_correction(line: &[Word], start: usize) -> bool {
    let before = line[..start].last().map(|word| word.text.as_str());
    matches!(before, Some("no" | "sorry" | "mean" | "meant" | "actually" | "rather"))
}

/// The sentence around a mention, without it.
struct Sentence<'a> {
    lexicon: &'a Lexicon,
    lead: Vec<&'a str>,
    tail: Vec<&'a str>,
    before: Break,
    after: Break,
    is_question: bool,
    /// There is a comma in the tail.
    tail_pauses: bool,
}

impl<'a> Sentence<'a> {
    fn around(line: &'a [Word], lexicon: &'a Lexicon, mention: &Mention) -> Self {
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
            lexicon,
            before: lead.last().map_or(Break::Stop, |word| word.after),
            lead: lead.into_iter().map(|word| word.text.as_str()).collect(),
            tail,
            after: last.after,
            is_question: end == Break::Question,
            tail_pauses,
        }
    }

    /// What the mention does in its sentence.
    fn tone(&self, line: &[Word], mention: &Mention) -> Tone {
        if line[mention.start].at {
            return Tone::To(SURE);
        }
        if mention.who == [Who::Everybody] && self.asks_everybody(mention.end - mention.start) {
            return Tone::To(LIKELY);
        }
        if line[mention.end - 1].owns && !self.owner_is_spoken_to() {
            let theirs = OWNED.contains(&self.next()) && !self.has_past();
            return if theirs { Tone::Handed(HANDED) } else { Tone::About };
        }
        if self.excludes() {
            return Tone::Excluded;
        }
        if mention.doubtful && !self.is_set_off() {
            return Tone::About;
        }
        let handed = if mention.who == [Who::Everybody] { None } else { self.hands_over() };
        if let Some(confidence) = handed {
            return Tone::Handed(confidence);
        }
        match self.vocative(&line[mention.start].text) {
            Some(confidence) if mention.exact || self.at_an_edge() => Tone::To(confidence),
            _ => Tone::About,
        }
    }

    /// "Ada's" may be "Ada is", never a call; but a name may end in "s" by itself.
    fn owner_is_spoken_to(&self) -> bool {
        self.is_set_off()
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

    fn has_past(&self) -> bool {
        self.lead.iter().chain(&self.tail).any(|word| PAST.contains(word))
    }

    fn opens(&self) -> bool {
        self.lead.iter().all(|word| self.lexicon.openers.has(word))
    }

    /// Pauses on both sides.
    fn is_set_off(&self) -> bool {
        self.after != Break::None && (self.before != Break::None || self.opens())
    }

    /// Next to a pause, or where the line begins or ends.
    fn at_an_edge(&self) -> bool {
        self.is_set_off()
            || self.opens() && (self.turns_to_somebody() || self.is_question || self.asks())
    }

    /// There is a question word somewhere behind the name.
    fn asks(&self) -> bool {
        self.tail.iter().any(|word| self.lexicon.questions.has(word))
    }

    /// Nothing but greetings, thanks and nods beside the name.
    fn is_only_courtesy(&self) -> bool {
        let courtesy = |word: &&str| self.lexicon.openers.has(word) || self.lexicon.nods.has(word);
        let beside = self.lead.len() + self.tail.len();
        beside > 0 && self.lead.iter().chain(&self.tail).all(courtesy) && !self.is_question
    }

    fn is_whole_line(&self, line: &[Word], mention: &Mention) -> bool {
        line.len() == self.lead.len() + self.tail.len() + mention.end - mention.start
    }

    fn excludes(&self) -> bool {
        let negated: &[&[&str]] = &[
            &["except"],
            &["besides"],
            &["without"],
            &["other", "than"],
            &["instead", "of"],
            &["anyone", "but"],
            &["anybody", "but"],
            &["but"],
            &["but"],
            &["of", "you", "but"],
            &["all", "but"],
            &["apart", "from"],
            &["except", "for"],
            &["sauf"],
            &["excepto"],
            &["ausser"],
            &["behalve"],
            &["tranne"],
            &["exceto"],
            &["rather", "than"],
            &["bar"],
        ];
        let not = |word: &str| word != "no" && self.lexicon.negations.has(word);
        let near = self.lead.iter().rev().take(2).any(|word| not(word));
        let second = self.lexicon.second_person.has(self.previous());
        let denied = not(self.previous()) || second && near;
        // "Ada, not you", "Ada, you may rest": spoken to, and let off.
        let let_off =
            ["rest", "skip", "excused", "off"].iter().any(|end| self.tail.last() == Some(end))
                && self.lexicon.second_person.has(self.next());
        let after = self.tail_is(&["not", "you"]) || self.tail_is(&["not", "this", "time"]);
        // "Anyone but not Ada again": what was heard enough of.
        denied || let_off || after || negated.iter().any(|words| self.lead_is(words))
    }

    /// Calls somebody without speaking to them.
    fn hands_over(&self) -> Option<f32> {
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
        if self.has_past() {
            return None;
        }
        let article = matches!(self.previous(), "our" | "the" | "dear");
        let lead = &self.lead[..self.lead.len() - usize::from(article)];
        let verb = lead.last().copied().unwrap_or_default();
        let say = |word: &&str| SPEAKING.contains(word);
        let reach = lead.len().saturating_sub(7);
        let moved = lead[reach..].iter().any(|word| HANDING.contains(word));
        let to = matches!(
            verb,
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
        );
        if to && moved {
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
        // "Let's see what Ada says."
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
        if see && opines && lead.len() <= 6 {
            return Some(HANDED);
        }
        self.asks_after(lead, verb)
    }

    /// "Could Ada explain that?", "What would Ada say?", "Ada would know", "Ada first".
    fn asks_after(&self, lead: &[&str], verb: &str) -> Option<f32> {
        let say = |word: &&str| SPEAKING.contains(word);
        let turned =
            matches!(verb, "can" | "could" | "would" | "will" | "does" | "should" | "might");
        let asked = lead.len() <= 3 && self.tail.iter().take(3).any(say);
        if turned && asked && self.before == Break::None && self.after == Break::None {
            return Some(HANDED);
        }
        let may = matches!(self.next(), "can" | "could" | "would" | "will" | "should" | "might");
        let knows =
            matches!(self.next(), "knows" | "handles")
                || self.tail.first() == Some(&"is")
                    && self.tail.iter().take(4).any(|word| {
                        matches!(*word, "one" | "best" | "better" | "person" | "expert")
                    });
        let helps = self.tail.iter().skip(1).take(3).any(|word| {
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
        let told = self.tail.len() > 1 && VERBS.contains(&self.next());
        (ordered && !told && self.before != Break::Question).then_some(HANDED)
    }

    /// "All of you" and the like speak to everybody wherever they stand; "everyone" may be a
    /// subject ("everyone knows that").
    fn asks_everybody(&self, words: usize) -> bool {
        let about = matches!(self.previous(), "about" | "told" | "with");
        let turned = self.lexicon.helpers.has(self.previous()) && self.is_question;
        let from = matches!(
            self.previous(),
            "from" | "to" | "para" | "a" | "an" | "fur" | "pour" | "voor" | "per"
        ) && !self.has_past();
        words > 1 && !about || turned || from && !self.lead_is(&["according", "to"])
    }

    /// How likely the name is spoken to its bearer, by its place in the sentence.
    fn vocative(&self, name: &str) -> Option<f32> {
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
            _ if POINTERS.contains(&self.previous()) => None,
            _ if set_off && to_you => Some(0.7),
            // Without pauses: "okay done ada what's next".
            _ if self.lexicon.questions.has(self.next()) || self.turns_to_you() => Some(0.7),
            _ if self.lexicon.second_person.has(self.next()) => Some(0.65),
            _ if self.asks_you_before() => Some(0.7),
            _ => None,
        }
    }

    /// "What do you think, in short, ada about it": what stands before the name asks somebody.
    fn asks_you_before(&self) -> bool {
        let first = self.lead.iter().find(|word| !self.lexicon.openers.has(word));
        let asks = first.is_some_and(|first| {
            self.lexicon.questions.has(first) || self.lexicon.helpers.has(first)
        });
        let you = self.lead.iter().any(|word| self.lexicon.second_person.has(word));
        asks && you
            || self.lexicon.subordinators.has(self.next())
                && self.tail.get(1).is_some_and(|word| self.lexicon.second_person.has(word))
    }

    fn at_start(&self, name: &str) -> Option<f32> {
        if self.after != Break::None {
            return Some(SURE);
        }
        let next = self.next();
        let asks = self.lexicon.questions.has(next);
        if ALSO_WORDS.contains(&name) && self.lead.is_empty() {
            let spoken_to = asks
                || self.turns_to_you() && name != "will" && name != "may"
                || self.lexicon.helpers.has(next) && self.is_subject(1);
            return (spoken_to || self.is_question && !self.is_subject(0)).then_some(LIKELY);
        }
        let told = VERBS.contains(&next) || next.len() > 4 && next.ends_with("ed");
        let everybody = self.lexicon.everybody.has(name);
        let told = told || everybody && next.len() > 3 && next.ends_with('s');
        let told = told && !self.turns_to_somebody();
        (!told || asks).then_some(LIKELY)
    }

    fn is_subject(&self, at: usize) -> bool {
        self.tail.get(at).is_some_and(|word| {
            self.lexicon.subjects.has(word) || self.lexicon.determiners.has(word)
        })
    }

    /// "Ada can you", "Ada is it", "Ada what": what follows the name asks.
    fn turns_to_somebody(&self) -> bool {
        let helper = self.lexicon.helpers.has(self.next());
        // "…, isn't it?" makes no question of what stands before it.
        let asks = self.is_question && !self.tail_pauses;
        self.lexicon.questions.has(self.next()) || helper && (self.is_subject(1) || asks)
    }

    fn turns_to_you(&self) -> bool {
        let you = self.tail.get(1).is_some_and(|word| self.lexicon.second_person.has(word));
        self.lexicon.helpers.has(self.next()) && you
    }

    fn at_end(&self) -> Option<f32> {
        if self.before == Break::Comma {
            return Some(SURE);
        }
        if POINTERS.contains(&self.previous()) {
            return None;
        }
        let first = self.lead.first().copied().unwrap_or_default();
        let to_you = self.lead.iter().any(|word| self.lexicon.second_person.has(word));
        let greets = self.lexicon.openers.has(first);
        let asks = self.lexicon.questions.has(first) || self.lexicon.helpers.has(first);
        (to_you || greets || asks || self.is_question).then_some(0.8)
    }
}
