//! What must hold in every room: random humans, engines that always want to speak, and events in
//! any order, also about things that are not there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::id::LineId;
use crate::latency::Outcome;
use crate::llm::{Role, Score};
use crate::persona::{Hears, VoiceStyle};
use crate::turn::{Manner, SpeechEnd};

const NAMES: [&str; 16] = [
    "Ada", "Nora", "Hugo", "Felix", "Mei", "Kofi", "Zoltán", "Will", "Grace", "Dr. Otis", "Bo",
    "June", "Yuki", "Sam Reed", "Ada", "Pat",
];
const HUMANS: [&str; 3] = ["tom", "zoe", "bob"];

/// What humans say; `{}` is somebody's name.
const SAYINGS: [&str; 14] = [
    "{}, what do you think?",
    "What do you think, {}?",
    "Everyone, say hello.",
    "How far is the moon?",
    "Why?",
    "zoe, did you hear that?",
    "{} and {}, who is right?",
    "Not you, {}.",
    "Stop.",
    "Go to sleep, {}.",
    "{}, wake up!",
    "mhm",
    "",
    "\u{202e}\n\0",
];

/// What personas say when they may: they always try to go on.
const REPLIES: [&str; 4] =
    ["{}, what do you think?", "Everyone, what do you think?", "I agree with {}.", ""];

#[derive(Clone, Debug)]
enum Step {
    Join(Index),
    Leave(Index),
    SoundBegins(Index),
    SoundLasts(Index, u64),
    SoundDrops(Index),
    /// Recognised in a pause.
    Words(Index, Index),
    Says(Index, Manner, Index, Index),
    Begins,
    Finishes(Index, Index),
    Stops(bool),
    Fails,
    Hosted(Index, bool),
    Mode(Index, Mode),
    Hush(Index),
    Wake,
    Waits(u64),
    /// The engine's answer to what it was asked last, or to something else, whole or not.
    Ranks(Index, bool),
    /// A late word about a turn that is over, or never was.
    Ghost(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<Index>;
    let manner = prop::sample::select(vec![Manner::Heard, Manner::Typed]);
    let modes = vec![Mode::Open, Mode::Open, Mode::Addressed, Mode::Humans, Mode::Asleep];
    let step = prop_oneof![
        1 => index().prop_map(Step::Join),
        1 => index().prop_map(Step::Leave),
        4 => index().prop_map(Step::SoundBegins),
        3 => (index(), 300u64..1_200).prop_map(|(who, ms)| Step::SoundLasts(who, ms)),
        3 => index().prop_map(Step::SoundDrops),
        2 => (index(), index()).prop_map(|(who, what)| Step::Words(who, what)),
        6 => (index(), manner, index(), index()).prop_map(|(h, m, t, n)| Step::Says(h, m, t, n)),
        5 => Just(Step::Begins),
        6 => (index(), index()).prop_map(|(text, name)| Step::Finishes(text, name)),
        4 => any::<bool>().prop_map(Step::Stops),
        1 => Just(Step::Fails),
        1 => (index(), any::<bool>()).prop_map(|(persona, hosted)| Step::Hosted(persona, hosted)),
        1 => (index(), prop::sample::select(modes)).prop_map(|(one, mode)| Step::Mode(one, mode)),
        1 => index().prop_map(Step::Hush),
        1 => Just(Step::Wake),
        1 => (0u64..70_000).prop_map(Step::Waits),
        4 => (index(), any::<bool>()).prop_map(|(best, known)| Step::Ranks(best, known)),
        1 => (0u64..30).prop_map(Step::Ghost),
    ];
    prop::collection::vec(step, 0..150)
}

/// What the speech that has the floor was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Speak,
    Wait,
    Stop,
}

/// A human's sound that has not ended.
#[derive(Clone, Copy, Debug)]
struct Sound {
    began: Time,
    lasts: bool,
    nod: bool,
}

impl Sound {
    fn may_be_speech(&self, now: Time) -> bool {
        let options = Options::default();
        let lasts = if self.lasts { options.speech_timeout } else { options.undecided };
        !self.nod && self.began + lasts > now
    }
}

/// The room as its rules allow it, beside the core.
struct Watch {
    core: Core,
    now: Time,
    cast: Vec<PersonaId>,
    hosted: Vec<bool>,
    asleep: Vec<bool>,
    humans: BTreeMap<HumanId, Vec<Sound>>,
    lines: u64,
    human_lines: Vec<LineId>,
    /// The turn whose speech goes on.
    live: Option<(TurnId, Told)>,
    granted: HashMap<TurnId, (LineId, PersonaId)>,
    settled: BTreeSet<TurnId>,
    outcomes: BTreeMap<(LineId, PersonaId), Outcome>,
    grants: usize,
    /// What the engine was asked last: about which line, and how many seats.
    asked: Option<(LineId, usize)>,
}

impl Watch {
    fn new(personas: usize, seed: u64) -> Self {
        let persona = |index: usize| Persona {
            id: PersonaId::new(format!("p{index}")),
            name: NAMES[index % NAMES.len()].to_owned(),
            card: "A friend.".to_owned(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        };
        let cast: Vec<Persona> = (0..personas).map(persona).collect();
        let decide = if seed.is_multiple_of(2) { Decide::Both } else { Decide::Evidence };
        let options = Options { seed, lines_max: 16, decide, ..Options::default() };
        let mut watch = Self {
            cast: cast.iter().map(|persona| persona.id.clone()).collect(),
            core: Core::new(cast, options),
            now: Time::ZERO,
            hosted: vec![false; personas],
            asleep: vec![false; personas],
            humans: BTreeMap::new(),
            lines: 0,
            human_lines: Vec::new(),
            live: None,
            granted: HashMap::new(),
            settled: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            grants: 0,
            asked: None,
        };
        for persona in 0..personas {
            watch.host(persona, true);
        }
        watch.join(HUMANS[0]);
        watch
    }

    fn tell(&mut self, event: Event) {
        let effects = self.core.handle(self.now, event);
        for effect in effects {
            self.check(effect);
        }
        assert!(self.core.lines().count() <= 16, "the transcript is bounded");
        let now = self.now;
        let speaks = self.humans.values().flatten().any(|sound| sound.may_be_speech(now));
        let goes_on = matches!(self.live, Some((_, Told::Speak)));
        assert!(!(speaks && goes_on), "a persona goes on over a human");
    }

    fn check(&mut self, effect: Effect) {
        match effect {
            Effect::Reply(grant) => {
                assert!(self.live.is_none(), "two hold the floor");
                assert!(!self.a_human_speaks(), "the floor was granted over a human");
                assert!(!self.settled.contains(&grant.turn), "a settled turn is granted");
                assert_eq!(grant.messages[0].role, Role::System);
                let who = self.cast.iter().position(|id| *id == grant.persona).unwrap();
                assert!(self.hosted[who] && !self.asleep[who], "{who} cannot speak");
                let this = (grant.line, grant.persona);
                let first = self.granted.entry(grant.turn).or_insert_with(|| this.clone());
                assert_eq!(*first, this, "a turn is granted again as another one");
                self.live = Some((grant.turn, Told::Speak));
                self.grants += 1;
            }
            Effect::Hold { turn, .. } => {
                assert_eq!(self.live, Some((turn, Told::Speak)), "held, though it does not speak");
                self.live = Some((turn, Told::Wait));
            }
            Effect::Resume { turn, .. } => {
                assert_eq!(self.live, Some((turn, Told::Wait)), "resumed, though it is not held");
                self.live = Some((turn, Told::Speak));
            }
            Effect::Stop { turn, .. } => {
                let (live, told) = self.live.expect("somebody is stopped");
                assert!(live == turn && told != Told::Stop, "stopped, though it does not run");
                self.live = Some((turn, Told::Stop));
            }
            Effect::Settled(end) => {
                assert_ne!(self.live.map(|live| live.0), Some(end.turn), "it still speaks");
                assert!(self.settled.insert(end.turn), "settled twice");
                let line = (end.line, end.persona);
                assert_eq!(self.outcomes.insert(line, end.outcome), None, "two outcomes");
            }
            Effect::Mode { persona, mode } => {
                let who = self.cast.iter().position(|id| *id == persona).unwrap();
                self.asleep[who] = mode == Mode::Asleep;
            }
            Effect::Rank { line, questions, .. } => self.asked = Some((line, questions.len())),
            Effect::State { .. } | Effect::WakeAt(_) => {}
        }
    }

    fn a_human_speaks(&self) -> bool {
        let patience = Options::default().speech_timeout;
        self.humans.values().flatten().any(|sound| sound.began + patience > self.now)
    }

    fn join(&mut self, human: &str) {
        let human = HumanId::new(human);
        self.humans.entry(human.clone()).or_default();
        self.tell(Event::HumanJoined { name: human.to_string(), human });
    }

    fn host(&mut self, persona: usize, hosted: bool) {
        self.hosted[persona] = hosted;
        self.tell(Event::Hosted { persona: self.cast[persona].clone(), hosted });
    }

    fn forget_old(&mut self) {
        let (patience, now) = (Options::default().speech_timeout, self.now);
        for sounds in self.humans.values_mut() {
            sounds.retain(|sound| sound.began + patience > now);
        }
    }

    fn sound_ended(&mut self, human: &HumanId) {
        self.forget_old();
        let sounds = self.humans.get_mut(human).filter(|sounds| !sounds.is_empty());
        if let Some(sounds) = sounds {
            sounds.remove(0);
        }
    }

    fn says(&mut self, human: &str, manner: Manner, text: String) {
        let human = HumanId::new(human);
        if manner == Manner::Heard {
            self.sound_ended(&human);
        }
        self.lines += 1;
        let id = LineId(self.lines);
        self.human_lines.push(id);
        self.tell(Event::Line { id, human, manner, text, shown: Vec::new(), sound: None });
    }

    fn begins(&mut self) {
        if let Some((turn, _)) = self.live {
            self.tell(Event::SpeechBegan { turn });
        }
    }

    fn ends(&mut self, heard: String, end: SpeechEnd) {
        if let Some((turn, _)) = self.live.take() {
            self.lines += 1;
            let line = LineId(self.lines);
            self.tell(Event::SpeechEnded { turn, line, heard: heard.clone(), end });
            let entry = self.core.lines().find(|entry| entry.id == line);
            assert!(entry.is_none_or(|entry| entry.text == heard), "not what was heard: {entry:?}");
        }
    }

    fn lasts(&mut self, human: HumanId, voiced: Duration) {
        self.forget_old();
        if let Some(sound) = self.humans.get_mut(&human).and_then(|one| one.last_mut()) {
            (sound.lasts, sound.nod) = (true, false);
        }
        self.tell(Event::SpeechLasts { human, voiced });
    }

    fn words(&mut self, human: HumanId, text: &str) {
        self.forget_old();
        let nod = matches!(text, "mhm" | "" | "\u{202e}\n\0");
        let sound = self.humans.get_mut(&human).and_then(|one| one.last_mut());
        if let Some(sound) = sound.filter(|_| nod) {
            sound.nod = true;
        }
        self.tell(Event::Words { human, text: text.to_owned() });
    }

    fn step(&mut self, step: &Step) {
        let cast = self.cast.len();
        let human = |who: &Index| *who.get(HUMANS.as_slice());
        let persona = |who: &Index| who.index(cast);
        let text = |texts: &[&str], text: &Index, name: &Index| {
            text.get(texts).replace("{}", NAMES[name.index(NAMES.len())])
        };
        match step {
            Step::Join(who) => self.join(human(who)),
            Step::Leave(who) => {
                let human = HumanId::new(human(who));
                self.humans.remove(&human);
                self.tell(Event::HumanLeft { human });
            }
            Step::SoundBegins(who) => {
                let human = HumanId::new(human(who));
                if let Some(sounds) = self.humans.get_mut(&human) {
                    // The core remembers sixteen.
                    sounds.truncate(15);
                    if sounds.len() == 15 {
                        return;
                    }
                    sounds.push(Sound { began: self.now, lasts: false, nod: false });
                }
                self.tell(Event::SpeechStarted { human });
            }
            Step::SoundLasts(who, voiced_ms) => {
                self.lasts(HumanId::new(human(who)), Duration::from_millis(*voiced_ms));
            }
            Step::Words(who, what) => {
                self.words(HumanId::new(human(who)), what.get::<&str>(SAYINGS.as_slice()));
            }
            Step::SoundDrops(who) => {
                let human = HumanId::new(human(who));
                self.sound_ended(&human);
                self.tell(Event::SpeechDropped { human });
            }
            Step::Says(who, manner, what, name) => {
                self.says(human(who), *manner, text(&SAYINGS, what, name));
            }
            Step::Begins => self.begins(),
            Step::Finishes(what, name) => {
                self.ends(text(&REPLIES, what, name), SpeechEnd::Finished);
            }
            Step::Stops(heard) => {
                let heard = if *heard { "Well" } else { "" };
                self.ends(heard.to_owned(), SpeechEnd::Stopped);
            }
            Step::Fails => {
                self.ends(String::new(), SpeechEnd::Failed { reason: "broken".to_owned() });
            }
            Step::Hosted(who, hosted) => self.host(persona(who), *hosted),
            Step::Mode(who, mode) => {
                let who = persona(who);
                self.asleep[who] = *mode == Mode::Asleep;
                self.tell(Event::Mode { persona: self.cast[who].clone(), mode: *mode });
            }
            Step::Hush(who) => self.tell(Event::Hush { persona: self.cast[persona(who)].clone() }),
            Step::Wake => self.tell(Event::Wake),
            Step::Waits(time_ms) => self.now = self.now + Duration::from_millis(*time_ms),
            Step::Ranks(best, known) => {
                let Some((line, count)) = self.asked else { return };
                let line = if *known { line } else { LineId(line.0 + 1) };
                let best = best.index(count + 1);
                let score = |at: usize| Score { nats: -f64::from(u8::from(at != best)), tokens: 1 };
                self.tell(Event::Ranked { line, scores: (0..count).map(score).collect() });
            }
            Step::Ghost(turn) => self.ghost(TurnId(*turn)),
        }
    }

    /// Events of a turn that does not run; the first may bring a grant of this very turn.
    fn ghost(&mut self, turn: TurnId) {
        let (line, heard) = (LineId(u64::MAX), "Boo.".to_owned());
        let ended = Event::SpeechEnded { turn, line, heard, end: SpeechEnd::Finished };
        for event in [Event::SpeechBegan { turn }, ended] {
            if self.live.is_none_or(|(live, _)| live != turn) {
                self.tell(event);
            }
        }
    }

    /// The humans fall silent, and everybody else talks as long as they may. How many turns that
    /// took.
    fn falls_silent(&mut self) -> usize {
        let before = self.grants;
        self.now = self.now + Options::default().speech_timeout;
        self.tell(Event::Wake);
        for turn in 0.. {
            if self.live.is_none() {
                // A line that waited for the end may be ranked now, and nobody tells.
                self.now = self.now + Options::default().rank_wait;
                self.tell(Event::Wake);
            }
            if self.live.is_none() {
                break;
            }
            assert!(turn < 1_000, "they talk without end");
            self.begins();
            let to = NAMES[turn % self.cast.len().min(NAMES.len())];
            self.ends(format!("{to}, what do you think?"), SpeechEnd::Finished);
        }
        self.grants - before
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_room_keeps_the_rules(
        personas in 1usize..=16,
        seed in any::<u64>(),
        steps in steps(),
    ) {
        let mut room = Watch::new(personas, seed);
        for step in &steps {
            room.now = room.now + Duration::from_millis(20);
            room.step(step);
        }
        let turns = room.falls_silent();
        prop_assert!(turns <= personas + 1, "{turns} turns after the last line");
        prop_assert!(room.core.is_quiet());
        for line in &room.human_lines {
            for persona in &room.cast {
                prop_assert!(
                    room.outcomes.contains_key(&(*line, persona.clone())),
                    "{line} has no outcome for {persona}"
                );
            }
        }
        for turn in room.granted.keys() {
            prop_assert!(room.settled.contains(turn), "{turn} was granted and never settled");
        }
    }

    #[test]
    fn after_one_line_the_room_falls_silent_whatever_its_size(
        personas in 2usize..=64,
        saying in 0usize..SAYINGS.len(),
    ) {
        let mut room = Watch::new(personas, 0);
        room.says("tom", Manner::Typed, SAYINGS[saying].replace("{}", "Nora"));
        let begun = usize::from(room.live.is_some());
        let turns = begun + room.falls_silent();
        prop_assert!(turns <= personas + 1, "{turns} turns");
        prop_assert!(room.core.is_quiet());
    }
}
