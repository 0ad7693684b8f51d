//! Classes of words by what they say of persons, time and place, in all languages that are read.

use crate::turn::addressing::lexicon::{Lexicon, Set};

/// A closed class: its English words, and those of the other languages, which would mean other
/// things in an English line.
pub(super) struct Class {
    english: Set,
    others: Set,
}

impl Class {
    const fn new(english: &'static str, others: &'static str) -> Self {
        Self { english: Set::new(english), others: Set::new(others) }
    }

    pub(super) fn has(&self, lexicon: &Lexicon, word: &str) -> bool {
        if lexicon.is_english() { self.english.has(word) } else { self.others.has(word) }
    }
}

pub(super) const I: Class = Class::new(
    "i im ive id ill me my mine myself",
    "ich mich mir mein meine meinen je j moi mon ma mes yo mi mis io mio mia miei eu meu minha ik \
     mij mijn",
);
pub(super) const WE: Class = Class::new(
    "we us our ours weve lets",
    "wir uns unser unsere nous notre nos nosotros nuestro nuestra noi nostro nostra nosso nossa \
     wij ons onze",
);
pub(super) const THEY: Class = Class::new(
    "he she they him her them his their hers theirs hes shes theyre theyve theyll",
    "er ihn ihm il elle ils elles lui leur leurs el ella ellos ellas ele ela elas lei loro hij \
     hun hen",
);
pub(super) const IT: Class = Class::new(
    "it its this that thats these those itll",
    "es das dies ce c ca cela eso esto esso isso isto het dit dat questo quello",
);
pub(super) const A: Class =
    Class::new("a an", "ein eine einen einem einer un une uno una um uma een");
pub(super) const THE: Class =
    Class::new("the", "der die das den dem le la les l el los las lo i gli o os as de het");
/// What points at the speaker's own place and time.
pub(super) const HERE: Class = Class::new(
    "today tonight tomorrow yesterday now again still yet already here there tonite later monday \
     tuesday wednesday thursday friday saturday sunday week weekend morning evening last next ago \
     back early late earlier",
    "heute morgen gestern jetzt hier noch schon gleich demain hier ici maintenant encore manana \
     hoy ayer aqui ahora oggi domani ieri qui adesso hoje amanha ontem agora vandaag gisteren nu",
);
pub(super) const DID: Class = Class::new(
    "did didnt was wasnt were werent had hadnt",
    "war waren warst hattest hattet hatten etait etais estaba estabas era estava",
);
pub(super) const HAVE: Class = Class::new(
    "have has havent hasnt",
    "hast habt hat habe haben as avez a ai has han ha hai heb hebt heeft hebben",
);
pub(super) const BE: Class = Class::new(
    "is are isnt arent am",
    "ist sind bist seid est es sont son estas esta sei sono sao is zijn ben bent",
);
pub(super) const DO: Class = Class::new("do does dont doesnt", "");
pub(super) const CAN: Class = Class::new(
    "can could should would cant couldnt shouldnt wouldnt might may must",
    "kann kannst konnt konnte konntest konnten soll sollte sollten darf muss peut peux pouvez \
     pourrait pourrais pourriez puede puedes podria podrias puo puoi potrebbe potresti pode podes \
     poderia kan kun kunt kunnen zou moet mag",
);
pub(super) const WILL: Class = Class::new("will wont shall", "wird werden wirst");
pub(super) const WHO: Class =
    Class::new("who whos whose whom", "wer wem wen wessen qui quien quienes chi quem");
pub(super) const WHERE: Class =
    Class::new("where wheres", "wo woher wohin ou donde dove onde waar");
/// Verbs that ask for words.
pub(super) const TELL: Set = Set::new(
    "tell explain describe name list recommend suggest teach translate define compare remind read \
     sing write calculate advise spell imagine summarize summarise repeat elaborate give show play \
     say settle help erklare erklart erzahl sag dis raconte donne explique cuenta dime explica \
     dimmi racconta conta diz vertel",
);
pub(super) const PLEASE: Set = Set::new("please pls plz bitte");
/// Words that ask for agreement behind a sentence.
pub(super) const TAGS: Set =
    Set::new("right eh huh innit yeah no ok okay nicht ne oder hein verdad vero");
pub(super) const AND: Set = Set::new("and but so und et y aber mais pero en maar");

pub(super) fn is_helper(lexicon: &Lexicon, word: &str) -> bool {
    [DID, HAVE, BE, DO, CAN, WILL].iter().any(|class| class.has(lexicon, word))
}

pub(super) fn is_person(lexicon: &Lexicon, word: &str) -> bool {
    lexicon.second_person.has(word)
        || [I, WE, THEY, IT].iter().any(|class| class.has(lexicon, word))
}
