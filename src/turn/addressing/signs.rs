//! The signs of a line that calls nobody: its form, whom it speaks of, and where it stands in the
//! talk. Only closed classes of words are looked at, so that they mean the same in every room.

use super::Scene;
use super::lexicon::{Lexicon, Set};
use super::reading::Reading;
use super::silence;
use super::words::{Break, Word};

/// Each sign with its value, in the order of [`super::wanted::WEIGHTS`].
pub(super) type Signs = Vec<(&'static str, f32)>;

/// A closed class: its English words, and those of the other languages, which would mean other
/// things in an English line.
struct Class {
    english: Set,
    others: Set,
}

impl Class {
    const fn new(english: &'static str, others: &'static str) -> Self {
        Self { english: Set::new(english), others: Set::new(others) }
    }

    fn has(&self, lexicon: &Lexicon, word: &str) -> bool {
        if lexicon.is_english() { self.english.has(word) } else { self.others.has(word) }
    }
}

const I: Class = Class::new(
    "i im ive id ill me my mine myself",
    "ich mich mir mein meine meinen je j moi mon ma mes yo mi mis io mio mia miei eu meu minha ik \
     mij mijn",
);
const WE: Class = Class::new(
    "we us our ours weve lets",
    "wir uns unser unsere nous notre nos nosotros nuestro nuestra noi nostro nostra nosso nossa \
     wij ons onze",
);
const THEY: Class = Class::new(
    "he she they him her them his their hers theirs hes shes theyre theyve theyll",
    "er ihn ihm il elle ils elles lui leur leurs el ella ellos ellas ele ela elas lei loro hij \
     hun hen",
);
const IT: Class = Class::new(
    "it its this that thats these those itll",
    "es das dies ce c ca cela eso esto esso isso isto het dit dat questo quello",
);
const A: Class = Class::new("a an", "ein eine einen einem einer un une uno una um uma een");
const THE: Class =
    Class::new("the", "der die das den dem le la les l el los las lo i gli o os as de het");
/// What points at the speaker's own place and time.
const HERE: Class = Class::new(
    "today tonight tomorrow yesterday now again still yet already here there tonite later monday \
     tuesday wednesday thursday friday saturday sunday week weekend morning evening last next ago \
     back early late earlier",
    "heute morgen gestern jetzt hier noch schon gleich demain hier ici maintenant encore manana hoy \
     ayer aqui ahora oggi domani ieri qui adesso hoje amanha ontem agora vandaag gisteren nu",
);
const DID: Class = Class::new(
    "did didnt was wasnt were werent had hadnt",
    "war waren warst hattest hattet hatten etait etais estaba estabas era estava",
);
const HAVE: Class = Class::new(
    "have has havent hasnt",
    "hast habt hat habe haben as avez a ai has han ha hai heb hebt heeft hebben",
);
const BE: Class = Class::new(
    "is are isnt arent am",
    "ist sind bist seid est es sont son estas esta sei sono sao is zijn ben bent",
);
const DO: Class = Class::new("do does dont doesnt", "");
const CAN: Class = Class::new(
    "can could should would cant couldnt shouldnt wouldnt might may must",
    "kann kannst konnt konnte konntest konnten soll sollte sollten darf muss peut peux pouvez \
     pourrait pourrais pourriez puede puedes podria podrias puo puoi potrebbe potresti pode podes \
     poderia kan kun kunt kunnen zou moet mag",
);
const WILL: Class = Class::new("will wont shall", "wird werden wirst");
const WHO: Class =
    Class::new("who whos whose whom", "wer wem wen wessen qui quien quienes chi quem");
const WHERE: Class = Class::new("where wheres", "wo woher wohin ou donde dove onde waar");
/// Verbs that ask for words.
const TELL: Set = Set::new(
    "tell explain describe name list recommend suggest teach translate define compare remind read \
     sing write calculate advise spell imagine summarize summarise repeat elaborate give show play \
     say settle help erklare erklart erzahl sag dis raconte donne explique cuenta dime explica \
     dimmi racconta conta diz vertel",
);
const PLEASE: Set = Set::new("please pls plz bitte");
/// Words that ask for agreement behind a sentence.
const TAGS: Set = Set::new("right eh huh innit yeah no ok okay nicht ne oder hein verdad vero");
const AND: Set = Set::new("and but so und et y aber mais pero en maar");

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

fn is_helper(lexicon: &Lexicon, word: &str) -> bool {
    [DID, HAVE, BE, DO, CAN, WILL].iter().any(|class| class.has(lexicon, word))
}

fn is_person(lexicon: &Lexicon, word: &str) -> bool {
    lexicon.second_person.has(word)
        || [I, WE, THEY, IT].iter().any(|class| class.has(lexicon, word))
}

/// What is left of a sentence behind its openers.
fn body<'a>(sentence: &'a [Word], lexicon: &Lexicon) -> &'a [Word] {
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
fn asks(sentence: &[Word], lexicon: &Lexicon) -> bool {
    let body = body(sentence, lexicon);
    let text = |at: usize| body.get(at).map_or("", |word| word.text.as_str());
    let subject = lexicon.subjects.has(text(1)) || lexicon.determiners.has(text(1));
    sentence.last().is_some_and(|word| word.after == Break::Question)
        || lexicon.questions.has(text(0))
        || lexicon.helpers.has(text(0)) && subject
}

/// The signs of `reading` in `scene`.
pub(super) fn signs(reading: &Reading<'_>, scene: &Scene<'_>) -> Signs {
    let core = Core::of(reading);
    let mut signs = Signs::with_capacity(super::wanted::WEIGHTS.len());
    form(reading, &core, &mut signs);
    persons(reading, &core, &mut signs);
    talk(reading, scene, &core, &mut signs);
    signs
}

fn bit(is: bool) -> f32 {
    f32::from(u8::from(is))
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
        ("card", bit(overlap)),
        ("card_asked", bit(overlap && core.asks)),
        ("about", bit(reading.asks_about_somebody())),
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
        ("after_speech_back", bit(last && core.asks && back)),
        ("after_speech_short", bit(last && core.asks && short)),
        ("after_speech_it", bit(last && core.asks && has(&IT))),
        ("after_speech_we", bit(last && has(&WE))),
        ("after_speech_and", bit(last && AND.has(first))),
        ("after_speech_told", bit(last && own && tells && back)),
        ("after_human_short", bit(scene.after_human && core.asks && reading.line.len() <= 4)),
        ("among", bit(scene.among_humans.is_some())),
        ("among_member", bit(scene.among_humans == Some(super::Part::Member))),
        ("answers_human", bit(scene.answers_human)),
        ("opening", bit(scene.is_opening)),
    ]);
}
