//! The signs of a line that calls nobody, by which it wants an answer from the cast or not: its
//! form, whom it speaks of, and where it stands in the talk.

use super::classes::{A, AND, CAN, Class, DID, DO, HAVE, HERE, I, IT, THE, THEY, WE, WHERE, WHO};
use super::classes::{PLEASE, TAGS, TELL, is_helper, is_person};
use super::{Signs, bit};
use crate::turn::addressing::lexicon::Lexicon;
use crate::turn::addressing::reading::Reading;
use crate::turn::addressing::words::{Break, Word, is_question};
use crate::turn::addressing::{Part, Scene, silence};

/// Lines up to these many words are remarks, from these many on they tell something.
const SHORT_WORDS: usize = 5;
const LONG_WORDS: usize = 9;
/// Questions up to these many words lean on what was said before.
const LEANING_WORDS: usize = 6;

/// The sentence that asks, else the last one.
struct Core<'a> {
    lexicon: &'a Lexicon,
    /// Without what opens it.
    body: &'a [Word],
    whole: &'a [Word],
    asks: bool,
    question_word: Option<&'a str>,
    helper: Option<&'a str>,
    subject: Option<&'a str>,
}

impl<'a> Core<'a> {
    fn of(reading: &'a Reading<'_>) -> Self {
        let lexicon = reading.lexicon;
        let sentences = silence::sentences(&reading.line);
        let asking =
            sentences.iter().rposition(|range| asks(&reading.line[range.clone()], lexicon));
        let at = asking.unwrap_or(sentences.len() - 1);
        let whole = &reading.line[sentences[at].clone()];
        let body = body(whole, lexicon);
        let word = |count: usize, fits: &dyn Fn(&str) -> bool| {
            body.iter().take(count).map(|word| word.text.as_str()).find(|word| fits(word))
        };
        Self {
            lexicon,
            body,
            whole,
            asks: asking.is_some(),
            question_word: word(3, &|one| lexicon.questions.has(one)),
            helper: word(4, &|one| is_helper(lexicon, one)),
            subject: word(6, &|one| is_person(lexicon, one)),
        }
    }

    /// Whether `word` is of `class` in a sentence that asks.
    fn asks_with(&self, word: Option<&str>, class: &Class) -> bool {
        self.asks && word.is_some_and(|word| class.has(self.lexicon, word))
    }

    fn subject_is_you(&self) -> bool {
        self.asks && self.subject.is_some_and(|word| self.lexicon.second_person.has(word))
    }

    /// "…, isn't it?", "…, right?"
    fn has_tag(&self) -> bool {
        let [.., before, last] = self.whole else { return false };
        let turned =
            self.lexicon.helpers.has(&before.text) && self.lexicon.subjects.has(&last.text);
        let agrees = before.after == Break::Comma && TAGS.has(&last.text);
        last.after == Break::Question
            && self.whole.len() > 2
            && (agrees || turned && self.body.len() > 2)
    }
}

/// What is left of a sentence behind its openers.
pub(super) fn body<'a>(sentence: &'a [Word], lexicon: &Lexicon) -> &'a [Word] {
    let opens = |word: &Word| {
        let text = word.text.as_str();
        (lexicon.openers.has(text) || lexicon.joins.has(text))
            && !TELL.has(text)
            && !lexicon.questions.has(text)
    };
    let skip = sentence.iter().take_while(|word| opens(word)).count();
    &sentence[skip.min(sentence.len().saturating_sub(1))..]
}

/// A question by its mark or by its form.
pub(super) fn asks(sentence: &[Word], lexicon: &Lexicon) -> bool {
    let body = body(sentence, lexicon);
    let text = |at: usize| body.get(at).map_or("", |word| word.text.as_str());
    let subject = lexicon.subjects.has(text(1)) || lexicon.determiners.has(text(1));
    is_question(sentence)
        || lexicon.questions.has(text(0))
        || lexicon.helpers.has(text(0)) && subject
}

/// The signs of `reading` in `scene`.
pub(super) fn signs(reading: &Reading<'_>, scene: &Scene<'_>) -> Signs {
    let core = Core::of(reading);
    let mut signs = Signs::new();
    form(reading, &core, &mut signs);
    persons(reading, &core, &mut signs);
    talk(reading, scene, &core, &mut signs);
    signs
}

fn form(reading: &Reading<'_>, core: &Core<'_>, signs: &mut Signs) {
    let first = core.body.first().map_or("", |word| word.text.as_str());
    let count = reading.line.len();
    let opener = reading.line.first().map_or("", |word| word.text.as_str());
    let opens = reading.lexicon.openers.has(opener) || reading.lexicon.nods.has(opener);
    let please = reading.line.iter().any(|word| PLEASE.has(&word.text));
    let length = if core.asks { (core.whole.len() as f32).ln() } else { 0.0 };
    signs.extend([
        ("asks", bit(reading.asks())),
        ("question", bit(core.asks)),
        ("question_length", length),
        ("question_short", bit(core.asks && count <= 3)),
        ("short", bit(count <= SHORT_WORDS)),
        ("long", bit(count >= LONG_WORDS)),
        ("request", bit(TELL.has(first) || please)),
        ("whoever", bit(reading.asks_whoever())),
        ("tag", bit(core.has_tag())),
        ("opener", bit(opens)),
        ("turned", bit(core.asks && is_helper(core.lexicon, first))),
        ("who", bit(core.asks_with(core.question_word, &WHO))),
        ("where", bit(core.asks_with(core.question_word, &WHERE))),
        ("did", bit(core.asks_with(core.helper, &DID))),
        ("have", bit(core.asks_with(core.helper, &HAVE))),
        ("do", bit(core.asks_with(core.helper, &DO))),
        ("can", bit(core.asks_with(core.helper, &CAN))),
        ("english", bit(reading.lexicon.is_english())),
    ]);
}

fn persons(reading: &Reading<'_>, core: &Core<'_>, signs: &mut Signs) {
    let lexicon = reading.lexicon;
    let has = |class: &Class| reading.line.iter().any(|word| class.has(lexicon, &word.text));
    let you = core.subject_is_you();
    let can = core.asks_with(core.helper, &CAN);
    // "How high is a giraffe?": of nobody, nowhere and never.
    let anybody = |word: &Word| lexicon.second_person.has(&word.text);
    let general = core.question_word.is_some()
        && ![I, WE, THEY, HERE].iter().any(&has)
        && !reading.line.iter().any(anybody);
    let overlap = reading.scores().iter().any(|score| *score > 0.0);
    signs.extend([
        ("noun_subject", bit(core.subject.is_none())),
        ("you", bit(you)),
        ("you_can", bit(you && can)),
        ("you_do", bit(you && core.asks_with(core.helper, &DO))),
        ("i_can", bit(can && core.asks_with(core.subject, &I))),
        ("it", bit(core.asks_with(core.subject, &IT))),
        ("they", bit(has(&THEY))),
        ("a", bit(has(&A))),
        ("a_and_no_the", bit(has(&A) && !has(&THE))),
        ("here", bit(has(&HERE))),
        ("my", bit(has(&I))),
        ("general", bit(general)),
        ("general_short", bit(general && reading.line.len() <= SHORT_WORDS)),
        ("card", bit(overlap)),
        ("card_asked", bit(overlap && core.asks)),
        ("names_persona", bit(reading.names_a_persona())),
        ("names_persona_first", bit(reading.names_a_persona() && !core.asks)),
        ("names_human", bit(reading.names_a_human())),
    ]);
}

fn talk(reading: &Reading<'_>, scene: &Scene<'_>, core: &Core<'_>, signs: &mut Signs) {
    let lexicon = reading.lexicon;
    let has = |class: &Class| reading.line.iter().any(|word| class.has(lexicon, &word.text));
    let last = scene.spoke_last.is_some();
    let own = [scene.named_before, scene.answered_before].contains(&scene.partner())
        && scene.partner().is_some();
    let short = reading.line.len() <= LEANING_WORDS;
    let back = reading.points_back();
    let first = reading.line.first().map_or("", |word| word.text.as_str());
    let tells = !core.asks && !reading.asks();
    signs.extend([
        ("back", bit(back)),
        ("own_talk", bit(own)),
        ("own_talk_you", bit(own && core.asks && reading.speaks_to_you())),
        ("after_speech_back", bit(last && core.asks && back)),
        ("after_speech_short", bit(last && core.asks && short)),
        ("after_speech_it", bit(last && core.asks && has(&IT))),
        ("after_speech_we", bit(last && has(&WE))),
        ("after_speech_and", bit(last && AND.has(first))),
        ("after_speech_told", bit(last && own && tells && back)),
        ("after_human_short", bit(scene.after_human && core.asks && reading.line.len() <= 4)),
        ("among", bit(scene.among_humans.is_some())),
        ("among_member", bit(scene.among_humans == Some(Part::Member))),
        ("answers_human", bit(scene.answers_human)),
        ("opening", bit(scene.is_opening)),
        ("alone", bit(scene.humans.is_empty())),
        ("alone_after_speech", bit(scene.humans.is_empty() && last)),
        ("alone_asks", bit(scene.humans.is_empty() && core.asks)),
    ]);
    near(scene, signs);
}

/// How near the line comes to the cards; nothing where no model has read it.
fn near(scene: &Scene<'_>, signs: &mut Signs) {
    let near = scene.meaning.map_or(&[][..], |meaning| &meaning.near);
    let most = near.iter().copied().fold(0.0, f32::max);
    let partner = scene.partner().and_then(|one| near.get(one)).copied().unwrap_or(0.0);
    signs.extend([("near", most), ("near_partner", partner)]);
}
