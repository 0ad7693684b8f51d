//! The closed classes of a language: the words that carry a sentence's form and not its matter.
//! They are few, everybody uses all of them, and they change in centuries; so they, and not turns
//! of phrase, are what the mechanisms here go by.

use super::words::Word;

/// Words, divided by spaces, folded as `words` folds a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    words: &'static str,
    /// A bit for the [`mark`] of each of them.
    marks: [u64; MARKS / 64],
}

/// So many marks tell nearly all other words from those of a set of a hundred.
const MARKS: usize = 256;

/// What is seen of a word at once.
const fn mark(first: u8, last: u8, length: usize) -> usize {
    (first as usize * 5 + last as usize * 11 + length * 37) % MARKS
}

impl Set {
    pub(super) const fn new(words: &'static str) -> Self {
        let letters = words.as_bytes();
        let mut marks = [0; MARKS / 64];
        let (mut begin, mut end) = (0, 0);
        while end < letters.len() {
            end += 1;
            if end == letters.len() || letters[end] == b' ' {
                let mark = mark(letters[begin], letters[end - 1], end - begin);
                marks[mark / 64] |= 1 << (mark % 64);
                begin = end + 1;
            }
        }
        Self { words, marks }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.words.split_ascii_whitespace()
    }

    /// Every word of a line is looked up in a hundred sets and stands in few, which its mark tells.
    pub(super) fn has(&self, word: &str) -> bool {
        let word = word.as_bytes();
        let (Some(first), Some(last)) = (word.first(), word.last()) else { return false };
        let mark = mark(*first, *last, word.len());
        let may_be = self.marks[mark / 64] >> (mark % 64) & 1 == 1;
        may_be && self.words.as_bytes().split(|letter| *letter == b' ').any(|one| one == word)
    }
}

#[derive(Debug)]
pub(super) struct Lexicon {
    pub questions: Set,
    /// Auxiliaries: turned before a subject they ask, at the end of a sentence they leave it open.
    pub helpers: Set,
    /// Pronouns that can be a subject.
    pub subjects: Set,
    pub second_person: Set,
    /// What stands before a noun; at the end of a sentence it leaves it open.
    pub determiners: Set,
    /// Prepositions that need something after them.
    pub prepositions: Set,
    pub joins: Set,
    /// Words that begin a clause which needs another one.
    pub subordinators: Set,
    pub negations: Set,
    pub everybody: Set,
    pub somebody: Set,
    /// Greetings, calls, particles: they may stand before a name that is called.
    pub openers: Set,
    /// Sounds and words of listening.
    pub nods: Set,
    /// Words of order: first, then, last.
    pub order: Set,
    /// Orders to be silent, by themselves or before anything else.
    pub hush: Set,
    /// Orders to wait.
    pub wait: Set,
    /// Verbs of speaking, in any form that an order takes.
    pub speaking: Set,
}

/// The first words of a line tell its language; a long one is not read to its end for that.
const WORDS_READ: usize = 60;
/// Fewer words tell no language.
const FOREIGN_WORDS_MIN: usize = 5;

impl Lexicon {
    /// The lexicon of the language that most words of a line belong to; English when none does.
    pub(super) fn of(line: &[Word]) -> &'static Self {
        let words = &line[..line.len().min(WORDS_READ)];
        // Words that the best of them does not know. Of another it is found by fewer of these.
        let unknown = |one: &Self, fewer_than: usize| {
            words.iter().filter(|word| !one.knows(&word.text)).take(fewer_than).count()
        };
        let mut best = (&ENGLISH, unknown(&ENGLISH, words.len()));
        for other in OTHERS {
            let found = unknown(other, best.1);
            if found < best.1 {
                best = (other, found);
            }
        }
        best.0
    }

    pub(super) fn is_english(&self) -> bool {
        std::ptr::eq(self, &raw const ENGLISH)
    }

    /// Whether a line is in none of the languages that are known here.
    pub(super) fn is_foreign(&self, line: &[Word]) -> bool {
        let read = line.len().min(WORDS_READ);
        let known = line.iter().take(read).filter(|word| self.knows(&word.text)).count();
        read >= FOREIGN_WORDS_MIN && known * 4 < read
    }

    fn knows(&self, word: &str) -> bool {
        self.is_function(word)
            || [&self.everybody, &self.somebody, &self.openers, &self.nods, &self.hush, &self.wait]
                .iter()
                .any(|set| set.has(word))
    }

    /// Whether `word` says nothing about a matter.
    pub(super) fn is_function(&self, word: &str) -> bool {
        [
            &self.questions,
            &self.helpers,
            &self.subjects,
            &self.second_person,
            &self.determiners,
            &self.prepositions,
            &self.joins,
            &self.subordinators,
            &self.negations,
        ]
        .iter()
        .any(|set| set.has(word))
    }
}

/// Short, for the tables.
const fn set(words: &'static str) -> Set {
    Set::new(words)
}

static ENGLISH: Lexicon = Lexicon {
    questions: set(
        "what whats how hows why where wheres when whens who whos whom whose which wot owt",
    ),
    helpers: set("is was has had does did can could will would should might must isnt wasnt \
                  doesnt didnt cant couldnt wont wouldnt shouldnt have havent are were arent \
                  werent do dont may shall am be been"),
    subjects: set("i you he she it we they this that there ye tha thou u im ive id youre hes \
                   shes its were theyre anybody anyone somebody someone"),
    second_person: set("you your yours youre yourself yourselves u ur thee tha thy ye yer youve \
                        youd youll"),
    determiners: set("the a an my your his her our their its some any this that these those \
                      every each no t me"),
    prepositions: set("of for with from to at by into onto than between without during about \
                       like as towards against wi o"),
    joins: set("and or but nor plus n"),
    subordinators: set("if when because since although though while whereas unless whenever cos \
                        whether until till"),
    negations: set("not no never nor dont"),
    everybody: set("everyone everybody all yall"),
    somebody: set("anyone anybody someone somebody owt"),
    openers: set("hey hi hello ok okay so well and now but yes no yeah oh um uh er please thanks \
                  thank you good morning afternoon evening night dear listen right alright sorry \
                  actually wait then welcome bye goodbye great excuse me excellent cool say look \
                  ha haha yo oi psst hm hmm ah aye ee just umm er erm yep nope ooh wow fine \
                  perfect lovely mr mrs ms dr sir also maybe perhaps reyt nay quick"),
    nods: set("mhm mm mmm hm hmm uh huh um umm ah oh ooh ok okay okey right aye yeah yep yup yes \
               no nope sure see i got it gotcha cool nice great good wow fine fair enough true \
               indeed exactly quite ha haha hehe lol lmao rofl xd ouch oof aw aww ooft phew whoa \
               thanks thank you ta cheers really well so hah heh k kk oh my god gosh lovely \
               brilliant interesting amazing excellent perfect agreed understood noted that is \
               thats a point very too bless dear me hm huh eh bravo"),
    order: set("first then next after before last lastly finally followed starting start begin \
        starts begins \
                second third afterwards"),
    hush: set("quiet silent silence hush shush sh shh shhh shhhh mute ssh sshh schtum"),
    wait: set("wait stop enough halt pause hold whoa cut"),
    speaking: set("talk talking speak speaking say saying answer answering chat chatting comment \
                   comments commenting interrupt interrupting interruptions reply replying \
                   respond responding talks chatter word words noise peep advice suggestions"),
};

const OTHERS: &[&Lexicon] = &[&GERMAN, &FRENCH, &SPANISH, &ITALIAN, &PORTUGUESE, &DUTCH];

const GERMAN: Lexicon = Lexicon {
    questions: set("was wer wie wo wann warum wieso weshalb welche welcher welches welchen \
                    welchem woher wohin wem wen wessen wieviel womit wofur"),
    helpers: set("ist sind war waren hat habt haben hatte kann kannst konnt konnen konntest \
                  konntet konnte wird werden wurde wurdest soll sollte sollen sollten muss musst \
                  darf darfst magst will willst wollt hast bist seid"),
    subjects: set("ich du er sie es wir ihr man das dies"),
    second_person: set("du dir dich dein deine deinen euch euer eure ihr ihnen"),
    determiners: set("der die das den dem des ein eine einen einem einer mein meine meinen \
                      meiner unser unsere unser ihre sein seine kein keine diese dieser dieses"),
    prepositions: set("von fur mit zu zum zur bei aus nach in im am an auf uber unter vor \
                       hinter durch ohne gegen um seit"),
    joins: set("und oder aber sondern"),
    subordinators: set("wenn weil dass ob obwohl als wahrend nachdem bevor falls damit"),
    negations: set("nicht nein kein keine nie"),
    everybody: set("alle allen jeder jeden jede allesamt"),
    somebody: set("jemand jemanden irgendwer irgendjemand einer"),
    openers: set("hallo hey guten tag morgen abend danke bitte also so gut na ja nein und ach \
                  tschuss okay ok entschuldigung entschuldige sag mal moin servus gruss liebe \
                  lieber"),
    nods: set("ja nein aha ach so genau okay ok gut danke klar stimmt hm hmm mhm verstehe toll \
               super schon prima ach echt doch naja"),
    order: set("zuerst erst dann danach zuletzt nach vor zweitens beginnt anfangen fangt"),
    hush: set("ruhe still leise schweig schweigt psst pst schnauze klappe ruhig"),
    wait: set("warte wartet moment halt stopp stop genug augenblick sekunde schluss"),
    speaking: set("reden redet sprechen sprecht sagen sagt antworten antwortet wort"),
};

const FRENCH: Lexicon = Lexicon {
    questions: set("que qui quoi quel quelle quels quelles comment pourquoi ou quand combien \
                    lequel laquelle qu est-ce quest"),
    helpers: set("est sont etait a as ont avez avons peux peut pouvez pourrais pourriez pourrait \
                  veux voulez sais savez savoir dois devez faut es etes serait"),
    subjects: set("je tu il elle on nous vous ils elles ce ca cela c j"),
    second_person: set("tu te toi ton ta tes vous votre vos"),
    determiners: set("le la les l un une des du de d mon ma mes notre nos son sa ses leur leurs \
                      cet cette ces"),
    prepositions: set("a au aux en dans pour avec sans sur sous par chez vers entre contre de"),
    joins: set("et ou mais ni"),
    subordinators: set("si parce que lorsque puisque quoique bien comme car"),
    negations: set("pas non ne jamais ni"),
    everybody: set("tous toutes chacun chacune"),
    somebody: set("quelqu quelquun quelqun personne"),
    openers: set("bonjour bonsoir salut allo merci pardon bon alors oui non et eh dis dites \
                  coucou bien excusez excuse-moi desole tiens au revoir s il te plait cher chere"),
    nods: set("oui non ah oh bon d accord daccord ok merci bien super voila hm mhm ouais \
               exactement c est vrai tres genial"),
    order: set("abord dabord puis ensuite apres avant enfin premier premiere dernier commence"),
    hush: set("silence chut tais-toi taisez taisez-vous tais"),
    wait: set("attends attendez stop assez arrete arretez instant minute seconde suffit"),
    speaking: set("parler parlez parle dire dis dites repondre repondez mot"),
};

const SPANISH: Lexicon = Lexicon {
    questions: set("que quien quienes como cuando donde cual cuales cuanto cuantos cuanta \
                    cuantas porque adonde"),
    helpers: set("es son esta estan estas era puede puedes podria podrias pueden ha has han hay \
                  debo debe sabe sabes quiere quieres estamos soy eres tiene tienes"),
    subjects: set("yo tu el ella nosotros vosotros ustedes usted ellos ellas esto eso se"),
    second_person: set("tu te ti tus usted ustedes vosotros os vuestra vuestro su"),
    determiners: set("el la los las un una unos unas mi mis nuestro nuestra este esta estos ese \
                      esa su sus al del"),
    prepositions: set("de a en con por para sin sobre entre hasta desde hacia contra"),
    joins: set("y e o u pero sino ni"),
    subordinators: set("si porque cuando aunque mientras pues"),
    negations: set("no nunca ni"),
    everybody: set("todos todas cada"),
    somebody: set("alguien alguno alguna"),
    openers: set("hola buenos buenas dias tardes noches gracias perdon bueno pues si no y oye \
                  oiga eh adios vale ahora disculpa por favor querida querido entonces"),
    nods: set("si no ah oh vale bueno claro gracias ya entiendo bien exacto hm mhm de acuerdo \
               genial perfecto eso jaja jajaja"),
    order: set("primero primera luego despues antes ultimo segundo empieza"),
    hush: set("silencio callate callaos callense calla callad chito"),
    wait: set("espera espere esperad esperen basta para momento alto segundo momentito"),
    speaking: set("hablar habla hablad hablen hable decir digas digan respondas contestes palabra"),
};

const ITALIAN: Lexicon = Lexicon {
    questions: set("che chi cosa come quando dove perche quale quali quanto quanti quanta cos"),
    helpers: set("e sono era ha hai hanno puo puoi potete potrebbe potresti deve devo sa sai \
                  vuole vuoi siete sei avete c"),
    subjects: set("io tu lui lei noi voi loro questo quello si"),
    second_person: set("tu te ti tuo tua tuoi voi vi vostro vostra"),
    determiners: set("il lo la i gli le un uno una l mio mia miei nostro nostra suo sua questo \
                      questa quel quella del della dei al alla nel nella"),
    prepositions: set("di a da in con su per tra fra senza verso contro"),
    joins: set("e ed o ma ne oppure"),
    subordinators: set("se perche quando mentre anche sebbene poiche"),
    negations: set("non no mai"),
    everybody: set("tutti tutte ognuno ciascuno"),
    somebody: set("qualcuno qualcuna"),
    openers: set("ciao buongiorno buonasera grazie scusa scusi allora bene si no e eh senti \
                  senta ehi prego arrivederci ecco dunque adesso ora"),
    nods: set("si no ah oh va bene certo grazie capito ecco hm mhm giusto perfetto esatto bello \
               davvero"),
    order: set("prima poi dopo infine primo ultimo secondo comincia inizia"),
    hush: set("silenzio zitto zitta zitti zitte taci tacete"),
    wait: set("aspetta aspettate aspetti basta fermo ferma attimo momento stop secondo"),
    speaking: set("parlare parlate parla dire dite rispondere rispondete parola"),
};

const PORTUGUESE: Lexicon = Lexicon {
    questions: set("que quem como quando onde porque qual quais quanto quantos quanta porque"),
    helpers: set(
        "e sao esta estao era pode podes podia poderia podem ha tem tens deve sabe sabes \
                  quer queres foi sou es vai",
    ),
    subjects: set("eu tu ele ela nos voces voce eles elas isto isso a gente"),
    second_person: set("tu te ti teu tua voce voces vossa vosso seu sua"),
    determiners: set("o a os as um uma uns umas meu minha nosso nossa este esta esse essa ao do \
                      da dos das no na nos nas"),
    prepositions: set("de em com por para sem sobre entre ate desde"),
    joins: set("e ou mas nem"),
    subordinators: set("se porque quando embora enquanto pois"),
    negations: set("nao nunca nem"),
    everybody: set("todos todas cada"),
    somebody: set("alguem algum alguma"),
    openers: set("ola oi bom boa dia tarde noite obrigado obrigada desculpa desculpe entao sim \
                  nao e olha olhe bem pois adeus por favor agora"),
    nods: set("sim nao ah oh pois claro obrigado obrigada esta bem hm mhm certo exato entendi \
               otimo kkk rsrs"),
    order: set("primeiro primeira depois antes ultimo segundo comeca"),
    hush: set("silencio cala-te cala calem calados calado caluda quieto quietos"),
    wait: set("espera espere esperem chega para momento instante basta segundo"),
    speaking: set("falar fala falem dizer digam diz responder respondam palavra"),
};

const DUTCH: Lexicon = Lexicon {
    questions: set("wat wie hoe waar wanneer waarom welke welk hoeveel waarheen"),
    helpers: set("is zijn was waren heeft hebben heb hebt kan kun kunt kunnen zou zouden zal \
                  moet moeten mag wil wilt ben bent weet"),
    subjects: set("ik jij je hij zij ze het we wij jullie dit dat u"),
    second_person: set("jij je jou jouw jullie u uw"),
    determiners: set("de het een mijn onze ons zijn haar hun deze die dit dat geen elke"),
    prepositions: set("van voor met naar bij uit in op aan over onder door zonder tegen om te \
                       tot"),
    joins: set("en of maar"),
    subordinators: set("als omdat terwijl hoewel toen zodat voordat nadat"),
    negations: set("niet nee geen nooit"),
    everybody: set("iedereen allemaal allen"),
    somebody: set("iemand"),
    openers: set("hallo hoi dag goedemorgen goedenavond bedankt dank sorry dus nou ja nee en \
                  goed zeg he hee alsjeblieft nu beste"),
    nods: set("ja nee oke ok goed dank bedankt hm mhm aha precies inderdaad snap mooi leuk jawel"),
    order: set("eerst dan daarna daarop laatst tweede begin"),
    hush: set("stil stilte zwijg rustig ssst"),
    wait: set("wacht stop genoeg moment momentje even hou seconde"),
    speaking: set("praten praat spreken spreek zeggen zeg antwoorden antwoord woord"),
};

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn a_line_is_read_in_its_language() {
        for (line, question) in [
            ("How do I get there?", "how"),
            ("Wie komme ich dahin und was kostet das?", "wie"),
            ("Comment est-ce que je fais pour y aller ?", "comment"),
            ("¿Cómo se llega a la estación de tren?", "como"),
            ("Come si arriva alla stazione, per favore, chi lo sa?", "chi"),
            ("Como é que eu faço para chegar, alguém sabe?", "quem"),
            ("Hoe kom ik daar en waar is het station?", "hoe"),
            ("Xyzzy.", "what"),
        ] {
            assert!(Lexicon::of(&words(line)).questions.has(question), "{line}");
        }
    }
}
