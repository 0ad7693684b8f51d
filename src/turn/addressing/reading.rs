//! A human's line, read once: its words, its names, and the questions that mechanisms ask of it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use super::calls::{self, Calls};
use super::correction::{self, Correction};
use super::expertise;
use super::lexicon::{Lexicon, Set};
use super::mentions::{self, Mention, Present, Who};
use super::refusing::is_negated;
use super::silence::{self, Silence};
use super::words::{Break, Phrases, Word, is_question, says, words};
use super::{Scene, backchannel, completeness, group, order, roles, sentence};

pub(super) struct Reading<'a> {
    pub(super) text: &'a str,
    pub line: Vec<Word>,
    pub calls: Calls,
    mentions: Vec<Mention>,
    pub(super) lexicon: &'static Lexicon,
    present: Rc<Present<'a>>,
}

/// What a line says about silence.
pub(super) struct Hush {
    pub asked: Option<Silence>,
    pub whom: BTreeSet<usize>,
    pub sentences: Vec<Range<usize>>,
    pub lifted: bool,
}

/// An answer of so few words needs no sentence.
const ANSWER_WORDS: usize = 3;
/// So far behind what takes a line back stands whom it means.
const REPAIR_WORDS: usize = 8;
/// Words that point at what was said before.
const BACK: Set = Set::new(
    "it its that thats this they them those these he she him her one ones instead then so \
     your you such same",
);
const CONNECTORS: Set = Set::new(
    "and but why really so because then or und aber et mais y e ma en maar also ok okay \
     alors entonces allora dus",
);
const REST: Set = Set::new(
    "rest last left next remaining outstanding missing others other else yet still havent \
     hasnt remains remain ubrig rester reste queda faltan falta manca anderen autres \
     altri outros final lastly finally who forgotten waiting missed",
);
impl<'a> Reading<'a> {
    pub(super) fn of(text: &'a str, scene: &Scene<'a>) -> Self {
        let line = words(text);
        let lexicon = Lexicon::of(&line);
        let present = Present::of(scene.cast.iter().map(|one| one.card), &scene.humans);
        let present = Rc::new(Present { partner: scene.partner(), ..present });
        let mut reading = Self::in_language(text, line, lexicon, present);
        let refused = roles::refused_roles(&reading.line, &reading.present.cards);
        reading.calls.excluded.extend(refused.into_iter().map(Who::Persona));
        reading
    }

    /// The line without some of its sentences; none when nothing of it asks or calls.
    pub(super) fn without(&self, sentences: &[Range<usize>]) -> Option<Self> {
        let kept = |at: usize| !sentences.iter().any(|range| range.contains(&at));
        let line: Vec<Word> = self
            .line
            .iter()
            .enumerate()
            .filter(|(at, _)| kept(*at))
            .map(|(_, w)| w.clone())
            .collect();
        let rest = self.with(line);
        (!rest.line.is_empty() && (rest.asks() || !rest.calls.called.is_empty())).then_some(rest)
    }

    fn with(&self, line: Vec<Word>) -> Self {
        Self::in_language(self.text, line, self.lexicon, Rc::clone(&self.present))
    }

    fn in_language(
        text: &'a str,
        line: Vec<Word>,
        lexicon: &'static Lexicon,
        present: Rc<Present<'a>>,
    ) -> Self {
        let mentions = mentions::find(&line, lexicon, &present);
        let calls = calls::find(&line, lexicon, mentions.clone());
        Self { text, line, calls, mentions, lexicon, present }
    }

    pub(super) fn is_noise(&self) -> bool {
        self.line.is_empty() || backchannel::is_noise(self.text, &self.line)
    }

    pub(super) fn is_nod(&self) -> bool {
        backchannel::is_nod(self.text, &self.line, self.lexicon)
    }

    /// Who is asked something may answer in a word or two that no sentence ends on.
    pub(super) fn answers_briefly(&self) -> bool {
        self.line.len() <= ANSWER_WORDS
    }

    /// Its last word, or a clause that leans on none, says that its speaker is not done.
    pub(super) fn breaks_off(&self) -> bool {
        completeness::is_unfinished(self.text, &self.line, self.lexicon)
    }

    pub(super) fn dangles(&self) -> bool {
        completeness::dangles(self.text)
    }

    pub(super) fn silence(&self) -> Hush {
        let mut hush =
            Hush { asked: None, whom: BTreeSet::new(), sentences: Vec::new(), lifted: false };
        for range in silence::sentences(&self.line) {
            let inside = |mention: &&Mention| range.contains(&mention.start);
            let named = |at: usize| {
                let at = at + range.start;
                self.mentions.iter().any(|mention| (mention.start..mention.end).contains(&at))
            };
            match silence::read(&self.line[range.clone()], self.lexicon, named) {
                None => {}
                Some(Silence::Lifted) => hush.lifted = true,
                Some(asked) => {
                    let sentence = &self.line[range.clone()];
                    let mentioned = mentions::find(sentence, self.lexicon, &self.present);
                    let called = calls::find(sentence, self.lexicon, mentioned).called;
                    let human = |who: &Who| matches!(who, Who::Human(_));
                    if !called.is_empty() && called.iter().all(|call| human(&call.who)) {
                        continue;
                    }
                    let personas = self.mentions.iter().filter(inside).flat_map(|one| &one.who);
                    let mut whom: BTreeSet<usize> = personas.filter_map(Who::persona).collect();
                    let all = called.iter().any(|call| call.who == Who::Everybody);
                    if whom.is_empty() && range.start > 0 && !all {
                        // "Ada, thank you. Have a rest."
                        whom.extend(self.called_in(0..range.start));
                    }
                    if whom.is_empty() {
                        whom = (0..self.present.cards.len()).collect();
                        // "Please stop. Nora, do you like roses?" goes on with Nora.
                        for called in self.called_in(range.end..self.line.len()) {
                            whom.remove(&called);
                        }
                    }
                    hush.whom.extend(whom);
                    hush.asked = Some(hush.asked.map_or(asked, |before| before.min(asked)));
                    hush.sentences.push(range);
                }
            }
        }
        if silence::waives(&self.line) {
            // What is said to nobody is said to nobody up to its end, but for a name.
            let calls = |range: &Range<usize>| !self.called_in(range.clone()).is_empty();
            let aloud = silence::sentences(&self.line).into_iter().filter(|one| !calls(one));
            hush.sentences.extend(aloud);
            hush.asked = hush.asked.or(Some(Silence::Momentary));
            if hush.whom.is_empty() {
                hush.whom = (0..self.present.cards.len()).collect();
            }
        }
        hush
    }

    /// "Please stop, Ada. Do you like roses?": who was asked to be silent by name is asked
    /// something after it. What they say now ends, and the question is theirs.
    pub(super) fn asked_after_all(&self, hush: &Hush) -> Option<usize> {
        let last = hush.sentences.last()?.clone();
        let [one] = self.called_in(last.clone())[..] else { return None };
        let later = self.line.get(last.end..)?;
        let you = later.iter().any(|word| self.lexicon.second_person.has(&word.text));
        let marked = later.iter().any(|word| word.after == Break::Question);
        let first = later.first().is_some_and(|word| self.lexicon.questions.has(&word.text));
        let asks = you && marked || first && !self.wants_somebody_else();
        (asks && hush.whom.contains(&one)).then_some(one)
    }

    /// The humans who are asked something in the line, when no persona is: the sentence that asks
    /// calls them, or they are several who are called beside each other.
    pub(super) fn humans_asked(&self) -> Vec<usize> {
        let mut asked = Vec::new();
        let mut called = BTreeSet::new();
        let everybody = self.calls.called.iter().any(|call| call.who == Who::Everybody);
        for (sentences, range) in silence::sentences(&self.line).into_iter().enumerate() {
            let words = &self.line[range];
            let asks = is_question(words);
            let mentions = mentions::find(words, self.lexicon, &self.present);
            for call in calls::find(words, self.lexicon, mentions).called {
                match call.who {
                    Who::Persona(_) if asks || self.asks_without_a_mark(words) => {
                        return Vec::new();
                    }
                    Who::Human(one) if asks && (sentences > 0 || everybody) => asked.push(one),
                    Who::Human(one) => _ = called.insert(one),
                    _ => {}
                }
            }
        }
        let persona = self.calls.called.iter().any(|call| matches!(call.who, Who::Persona(_)));
        if called.len() > 1 && !persona {
            asked.extend(called);
        }
        asked
    }

    /// It is put to somebody by what only humans are to each other: "dad, what is that".
    pub(super) fn calls_kin(&self) -> bool {
        const KIN: Set = Set::new(
            "dad daddy mum mummy mom mommy mama papa grandma grandpa granny grandad nana \
             sweetheart darling honey papi mami",
        );
        let opens = self.line.iter().position(|word| !self.lexicon.openers.has(&word.text));
        let cased = self.line.iter().any(|word| word.capital);
        let first = opens.and_then(|at| self.line.get(at)).is_some_and(|word| {
            KIN.has(&word.text) && (word.after != Break::None || !cased) && self.line.len() > 1
        });
        let fond = |word: &str| KIN.has(word) || matches!(word, "love" | "dear" | "babe" | "mate");
        let last = matches!(&self.line[..], [.., before, last]
            if before.after == Break::Comma && fond(&last.text));
        (first || last) && !self.calls.called.iter().any(|call| matches!(call.who, Who::Persona(_)))
    }

    /// "You two": as many as there are other humans, and not as many as there are personas.
    pub(super) fn counts_humans(&self) -> bool {
        let count = self.line.windows(2).find_map(|two| {
            let you = self.lexicon.second_person.has(&two[0].text);
            let number = if two[1].text == "both" { 2 } else { group::number(&two[1].text)? };
            you.then_some(number)
        });
        count.is_some_and(|count| {
            count == self.present.humans.len() && count != self.present.cards.len()
        })
    }

    /// What the line says before and after the words that take back what stands before them.
    pub(super) fn taken_back(&self) -> Option<(Self, Self)> {
        let sentences = silence::sentences(&self.line);
        let corrects = |range: &&Range<usize>| {
            let rest = &self.line[range.start..];
            correction::takes_back(rest) || correction::find(rest, self.lexicon).is_some()
        };
        let sentence = sentences.iter().skip(1).find(corrects).map(|range| range.start);
        let within = (1..self.line.len()).find(|&at| correction::repairs(&self.line, at));
        let both = [within.map(|at| (at, false)), sentence.map(|at| (at, true))];
        both.into_iter().flatten().find_map(|(at, is_sentence)| {
            let (before, after) = (self.part(0..at), self.part(at..self.line.len()));
            let from = before.personas_called().into_iter().next()?;
            let called = after.personas_called().into_iter().next();
            let human = after.calls.called.iter().any(|call| call.who.human().is_some());
            let other = human || called.is_some_and(|to| to != from);
            let meant = || after.meant().is_some_and(|who| who != Who::Persona(from));
            let corrects = || is_sentence && after.correction().is_some();
            (other || meant() || corrects()).then_some((before, after))
        })
    }

    /// Whom its first words name by themselves, between pauses or at its end, or describe.
    pub(super) fn meant(&self) -> Option<Who> {
        let stands = |mention: &&Mention| {
            let last = &self.line[mention.end - 1];
            mention.start < REPAIR_WORDS && last.after != Break::None && !last.owns
        };
        let left_out = |who: &Who| self.calls.excluded.contains(who);
        let named = self.mentions.iter().find(stands).map(|mention| mention.who[0]);
        let reach = self.line.len().min(REPAIR_WORDS);
        let described = || self.part(0..reach).described().map(Who::Persona);
        named.filter(|who| !left_out(who)).or_else(described).filter(|who| !left_out(who))
    }

    /// The one persona whom it describes by what it is: "the maths lady".
    pub(super) fn described(&self) -> Option<usize> {
        roles::meant_role(&self.line, self.lexicon, &self.present.cards)
    }

    /// "Not you", said to whoever spoke last.
    pub(super) fn refuses_you(&self) -> bool {
        let not_you = |at: usize| {
            let before = at.checked_sub(1).map_or("", |at| self.line[at].text.as_str());
            let after = self.line.get(at + 2).map_or("", |word| word.text.as_str());
            let opens = before.is_empty() || self.lexicon.openers.has(before);
            let pauses = self.line[at + 1].after != Break::None || after == "please";
            matches!(self.line[at].text.as_str(), "not" | "no")
                && self.line[at + 1].text == "you"
                && (opens || pauses)
        };
        let two = self.line.len().saturating_sub(1);
        self.calls.mentioned.is_empty() && !self.is_marked() && (0..two).any(not_you)
    }

    /// "I meant you."
    pub(super) fn means_you(&self) -> bool {
        let you =
            |two: &[Word]| matches!(two[0].text.as_str(), "meant" | "mean") && two[1].text == "you";
        self.line.windows(2).any(you) && self.calls.mentioned.is_empty() && !self.is_marked()
    }

    /// What stands behind words that take a question back.
    pub(super) fn behind_withdrawal(&self) -> Option<Self> {
        let from = correction::withdrawn(&self.line)?;
        Some(self.part(from..self.line.len()))
    }

    fn part(&self, range: Range<usize>) -> Self {
        self.with(self.line[range].to_vec())
    }

    pub(super) fn text(&self) -> &str {
        self.text
    }

    /// The personas it calls, in order.
    pub(super) fn personas_called(&self) -> Vec<usize> {
        self.calls.called.iter().filter_map(|call| call.who.persona()).collect()
    }

    /// The personas that a stretch of the line calls by name.
    fn called_in(&self, range: Range<usize>) -> Vec<usize> {
        let words = &self.line[range];
        let mentions = mentions::find(words, self.lexicon, &self.present);
        let called = calls::find(words, self.lexicon, mentions).called;
        called.iter().filter_map(|call| call.who.persona()).collect()
    }

    /// Whether it lifts what silence was asked for before.
    pub(super) fn lifts(&self) -> bool {
        let all = self.calls.called.iter().any(|call| call.who == Who::Everybody);
        all || silence::sentences(&self.line).into_iter().any(|range| {
            silence::read(&self.line[range], self.lexicon, |_| false) == Some(Silence::Lifted)
        })
    }

    pub(super) fn correction(&self) -> Option<Correction> {
        correction::find(&self.line, self.lexicon)
    }

    pub(super) fn order(&self) -> Option<Vec<usize>> {
        order::find(&self.line, self.lexicon, &self.mentions, self.present.cards.len())
    }

    pub(super) fn role(&self) -> Option<usize> {
        roles::called_role(&self.line, self.lexicon, &self.present.cards)
            .or_else(|| roles::asked_role(&self.line, self.lexicon, &self.present.cards))
    }

    pub(super) fn scores(&self) -> Vec<f32> {
        expertise::scores(&self.line, self.lexicon, &self.present.cards)
    }

    /// Who of `candidates` shares most with the line, if anybody shares anything.
    pub(super) fn best_fit(&self, candidates: &[usize]) -> Option<usize> {
        let scores = self.scores();
        let fits = candidates.iter().copied().filter(|&one| scores[one] > 0.0);
        // The first of equals.
        fits.reduce(|best, one| if scores[one] > scores[best] { one } else { best })
    }

    /// Where `who` is named first.
    pub(super) fn mention_of(&self, who: Who) -> Option<&Mention> {
        self.mentions.iter().find(|mention| mention.who.contains(&who))
    }

    pub(super) fn names_a_persona(&self) -> bool {
        self.calls.mentioned.iter().any(|who| matches!(who, Who::Persona(_)))
    }

    pub(super) fn names_a_human(&self) -> bool {
        self.calls.mentioned.iter().any(|who| matches!(who, Who::Human(_)))
    }

    /// The only one of `candidates` on whose card a short word of the line is spelled out.
    pub(super) fn abbreviated(&self, candidates: &[usize]) -> Option<usize> {
        let short = self.line.iter().map(|word| word.text.as_str()).filter(|word| {
            (2..=4).contains(&word.chars().count()) && !self.lexicon.is_function(word)
        });
        short.filter(|word| !self.lexicon.nods.has(word)).find_map(|word| {
            let mut found =
                candidates.iter().filter(|&&one| self.present.cards[one].abbreviates(word));
            let only = found.next();
            only.filter(|_| found.next().is_none()).copied()
        })
    }

    pub(super) fn asks_whoever(&self) -> bool {
        group::asks_whoever(&self.line, self.lexicon)
    }

    /// "Let somebody else answer": whoever is named has said enough.
    pub(super) fn wants_somebody_else(&self) -> bool {
        const ANYBODY: Set = Set::new("someone somebody anyone anybody");
        let pair = self.line.windows(2).any(|two| {
            let (one, other) = (two[0].text.as_str(), two[1].text.as_str());
            ANYBODY.has(one) && matches!(other, "else" | "different" | "new" | "fresh")
                || one == "another" && matches!(other, "voice" | "opinion" | "expert" | "of")
        });
        let of_others = self.line.windows(3).any(|three| {
            let [one, other, last] = [0, 1, 2].map(|at| three[at].text.as_str());
            matches!(one, "of" | "o")
                && other == "the"
                && matches!(last, "other" | "others" | "rest")
        });
        pair || of_others
    }

    /// It begins with what somebody else is asked: "somebody else tell it", "no, somebody else".
    pub(super) fn asks_somebody_else(&self) -> bool {
        let sentences = silence::sentences(&self.line);
        let mut begin = sentences.into_iter().map(|range| &self.line[range]);
        self.wants_somebody_else()
            && (self.asks()
                || begin.any(|sentence| {
                    let first = sentence.iter().find(|word| !self.lexicon.openers.has(&word.text));
                    first.is_some_and(|word| {
                        self.lexicon.somebody.has(&word.text)
                            || matches!(word.text.as_str(), "one" | "wan" | "another" | "let")
                    })
                }))
    }

    /// Nobody else's turn comes in a round: "that's all we have time for".
    pub(super) fn closes(&self) -> bool {
        const CLOSES: Phrases = &[
            &["all", "we", "have", "time"],
            &["all", "weve", "time"],
            &["all", "weve", "got", "time"],
            &["out", "of", "time"],
            &["wrap", "it"],
            &["wrap", "up"],
            &["wrap", "this"],
            &["leave", "it", "there"],
            &["move", "on"],
            &["moving", "on"],
            &["thats", "all"],
            &["stop", "stop"],
            &["stop", "here"],
            &["stop", "there"],
            &["didnt", "get", "to"],
        ];
        says(&self.line, CLOSES)
    }

    /// Its speaker needs a moment: "let me think", "one second".
    pub(super) fn postpones(&self) -> bool {
        const WORDS_MAX: usize = 16;
        const AWAY: Set =
            Set::new("brb thinking pensando calma espera aspetta moment moments momento");
        let pair = |two: &[Word]| {
            matches!(
                (two[0].text.as_str(), two[1].text.as_str()),
                ("let" | "lemme", "me" | "think" | "check" | "look" | "see" | "find")
                    | ("your", "time")
                    | ("hang" | "hold", "on")
                    | ("one" | "a" | "two" | "wait" | "just", "sec" | "second" | "minute" | "min")
            )
        };
        self.line.len() <= WORDS_MAX
            && (self.line.iter().any(|word| AWAY.has(&word.text)) || self.line.windows(2).any(pair))
    }

    /// The talk goes on after a silence: "we are back", "carry on".
    pub(super) fn resumes(&self) -> bool {
        self.asks_whoever()
            || self.line.iter().any(|word| {
                matches!(
                    word.text.as_str(),
                    "back"
                        | "done"
                        | "finished"
                        | "over"
                        | "ready"
                        | "continue"
                        | "carry"
                        | "resume"
                        | "again"
                        | "awake"
                        | "anyway"
                )
            })
    }

    pub(super) fn speaks_to_you(&self) -> bool {
        self.line.iter().any(|word| self.lexicon.second_person.has(&word.text))
    }

    /// Something in it is denied.
    pub(super) fn negates(&self) -> bool {
        let denies = |word: &str| is_negated(word) || self.lexicon.negations.has(word);
        self.line.iter().any(|word| denies(&word.text))
    }

    pub(super) fn connects(&self) -> bool {
        let first = self.line.first().map_or("", |word| word.text.as_str());
        self.lexicon.joins.has(first) && self.line.len() > 1
    }

    pub(super) fn thanks(&self) -> bool {
        self.line.iter().take(4).any(|word| sentence::is_thanks(&word.text))
    }

    /// "Who else?", "somebody different": not who spoke.
    pub(super) fn asks_for_others(&self) -> bool {
        self.line.iter().any(|word| matches!(word.text.as_str(), "else" | "others"))
    }

    pub(super) fn asks_for_the_rest(&self) -> bool {
        self.line.iter().any(|word| REST.has(word.text.as_str()))
    }

    pub(super) fn greets(&self) -> bool {
        self.line.len() <= 4
            && self.line.first().is_some_and(|word| backchannel::is_greeting(&word.text))
            && self.line.iter().all(|word| {
                self.lexicon.openers.has(&word.text)
                    || group::is_collective(&word.text)
                    || word.text == "there"
            })
    }

    /// It goes back to what was said: "and why is that?"
    pub(super) fn points_back(&self) -> bool {
        let first = self.line.first().map_or("", |word| word.text.as_str());
        CONNECTORS.has(first) || self.line.iter().any(|word| BACK.has(word.text.as_str()))
    }

    /// A greeting stands in its first words.
    pub(super) fn has_greeting(&self) -> bool {
        let calls = ["say", "look", "then", "listen", "please", "excuse"];
        self.line
            .iter()
            .take(4)
            .map(|word| word.text.as_str())
            .any(|word| backchannel::is_greeting(word) && !calls.contains(&word))
    }
}
