//! What must hold in the turn core at every step, whatever happens to it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::id::{HumanId, LineId, PersonaId, TurnId};
use crate::room::AgentState;
use crate::time::Time;
use crate::turn::addressing::is_listening;
use crate::turn::{Core, Effect, Event, Manner, Options, Settled};

/// As many sounds as the core remembers of one human.
const SOUNDS_MAX: usize = 16;

/// Watches what is told to a core and what it says. The error of each call is the rule that does
/// not hold.
pub(super) struct Rules {
    options: Options,
    cast: Vec<PersonaId>,
    here: BTreeSet<HumanId>,
    now: Time,
    /// Everybody's open sounds, here or not.
    sounds: BTreeMap<HumanId, VecDeque<Sound>>,
    /// The newest lines with words, and whether they are humans'.
    newest: VecDeque<(LineId, bool)>,
    human_lines: Vec<LineId>,
    /// The speech that goes on.
    live: Option<(TurnId, Told)>,
    /// The end of the speech that went on.
    ended: Option<(LineId, String)>,
    granted: HashMap<TurnId, (LineId, PersonaId)>,
    settled: BTreeSet<TurnId>,
    outcomes: BTreeSet<(LineId, PersonaId)>,
    since_line: BTreeSet<TurnId>,
    states: HashMap<PersonaId, AgentState>,
}

/// What the speech that goes on was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Speak,
    Wait,
    Stop,
}

#[derive(Clone, Copy)]
struct Sound {
    began: Time,
    lasts: bool,
    nod: bool,
}

type Kept = Result<(), String>;

fn rule(holds: bool, what: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(what()) }
}

impl Rules {
    pub(super) fn new(cast: Vec<PersonaId>, options: Options) -> Self {
        Self {
            options,
            cast,
            here: BTreeSet::new(),
            now: Time::ZERO,
            sounds: BTreeMap::new(),
            newest: VecDeque::new(),
            human_lines: Vec::new(),
            live: None,
            ended: None,
            granted: HashMap::new(),
            settled: BTreeSet::new(),
            outcomes: BTreeSet::new(),
            since_line: BTreeSet::new(),
            states: HashMap::new(),
        }
    }

    pub(super) fn live(&self) -> Option<TurnId> {
        self.live.map(|(turn, _)| turn)
    }

    pub(super) fn lines(&self) -> usize {
        self.human_lines.len()
    }

    pub(super) fn turns(&self) -> usize {
        self.granted.len()
    }

    /// Before the core hears of it.
    pub(super) fn before(&mut self, now: Time, event: &Event) {
        for sounds in self.sounds.values_mut() {
            sounds.retain(|sound| sound.began + self.options.speech_timeout > now);
        }
        (self.now, self.ended) = (now, None);
        match event {
            Event::HumanJoined { human, .. } => {
                self.here.insert(human.clone());
            }
            Event::HumanLeft { human } => {
                self.here.remove(human);
            }
            Event::SpeechStarted { human } => {
                let sounds = self.sounds.entry(human.clone()).or_default();
                if sounds.len() == SOUNDS_MAX {
                    sounds.pop_front();
                }
                sounds.push_back(Sound { began: now, lasts: false, nod: false });
            }
            Event::SpeechLasts { human, .. } => {
                if let Some(sound) = self.sounds.get_mut(human).and_then(VecDeque::back_mut) {
                    (sound.lasts, sound.nod) = (true, false);
                }
            }
            Event::Words { human, text } => {
                let newest = self.sounds.get_mut(human).and_then(VecDeque::back_mut);
                if let Some(sound) = newest.filter(|_| is_listening(text)) {
                    sound.nod = true;
                }
            }
            Event::SpeechDropped { human } | Event::Line { human, manner: Manner::Heard, .. } => {
                self.sounds.get_mut(human).and_then(VecDeque::pop_front);
            }
            Event::SpeechEnded { turn, line, heard, .. } if self.live() == Some(*turn) => {
                self.live = None;
                self.ended = Some((*line, heard.clone()));
            }
            Event::Hosted { persona, hosted: false } => {
                self.states.remove(persona);
            }
            _ => {}
        }
        if let Event::Line { id, .. } = event {
            self.human_lines.push(*id);
            self.since_line.clear();
        }
    }

    pub(super) fn effect(&mut self, effect: &Effect) -> Kept {
        match effect {
            Effect::Reply(grant) => {
                rule(self.live.is_none(), || "two hold the floor".to_owned())?;
                let sound =
                    |human: &HumanId| self.sounds.get(human).is_some_and(|one| !one.is_empty());
                let sound = self.here.iter().any(sound);
                rule(!sound, || "the floor is granted over a human's sound".to_owned())?;
                let turn = grant.turn;
                rule(!self.settled.contains(&turn), || format!("{turn} is over and granted"))?;
                let this = (grant.line, grant.persona.clone());
                let first = self.granted.entry(turn).or_insert_with(|| this.clone());
                rule(*first == this, || format!("{turn} is granted again as another's"))?;
                self.since_line.insert(turn);
                let most = self.cast.len() + self.options.follow_ups as usize;
                rule(self.since_line.len() <= most, || {
                    format!("more than {most} turns after a human's line")
                })?;
                self.live = Some((turn, Told::Speak));
                Ok(())
            }
            Effect::Hold { turn, .. } => {
                let this = self.live.replace((*turn, Told::Wait));
                rule(this == Some((*turn, Told::Speak)), || format!("{turn} is held in silence"))
            }
            Effect::Resume { turn, .. } => {
                let this = self.live.replace((*turn, Told::Speak));
                rule(this == Some((*turn, Told::Wait)), || format!("{turn} goes on unheld"))
            }
            Effect::Stop { turn, .. } => {
                let this = self.live.replace((*turn, Told::Stop));
                let runs = [Told::Speak, Told::Wait].map(|told| Some((*turn, told)));
                rule(runs.contains(&this), || format!("{turn} is stopped and not running"))
            }
            Effect::Settled(settled) => self.settle(settled),
            Effect::State { persona, state } => {
                let old = self.states.insert(persona.clone(), *state);
                rule(old != Some(*state), || format!("{persona} shows {state:?} twice"))
            }
            Effect::Rank { line, questions, .. } => {
                let known = self.human_lines.contains(line);
                rule(known && questions.len() > 1, || format!("{line} cannot be ranked"))
            }
            Effect::Mode { .. } | Effect::WakeAt(_) => Ok(()),
        }
    }

    fn settle(&mut self, settled: &Settled) -> Kept {
        let Settled { turn, line, persona, .. } = settled;
        rule(self.live() != Some(*turn), || format!("{turn} is settled and still speaks"))?;
        rule(self.settled.insert(*turn), || format!("{turn} is settled twice"))?;
        let first = self.outcomes.insert((*line, persona.clone()));
        rule(first, || format!("{persona} has two outcomes for {line}"))
    }

    /// After the core has said what is to be done.
    pub(super) fn after(&mut self, core: &Core, event: &Event) -> Kept {
        if let Event::Line { id, text, .. } | Event::SpeechEnded { line: id, heard: text, .. } =
            event
            && text.chars().any(char::is_alphanumeric)
        {
            self.newest.push_back((*id, matches!(event, Event::Line { .. })));
            // When the transcript is full its older half leaves.
            if self.newest.len() > self.options.lines_max / 2 {
                self.newest.pop_front();
            }
        }
        // Lines wait for the end of the speech which they end.
        let all_here = !matches!(self.live, Some((_, Told::Stop)));
        for (id, _) in self.newest.iter().filter(|(_, human)| *human && all_here) {
            let kept = core.lines().any(|line| line.id == *id);
            rule(kept, || format!("{id} was heard and is not in the transcript"))?;
        }
        let count = core.lines().count();
        rule(count <= self.options.lines_max, || format!("the transcript has {count} lines"))?;
        if let Some((turn, Told::Speak)) = self.live {
            let sounds = self.here.iter().filter_map(|human| self.sounds.get(human)).flatten();
            let speaks = sounds.clone().any(|sound| self.may_be_speech(*sound));
            rule(!speaks, || format!("{turn} goes on over a human"))?;
        }
        if let Some((id, heard)) = &self.ended
            && let Some(line) = core.lines().find(|line| line.id == *id)
        {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            rule(words(&line.text) == words(heard), || format!("{id} is not what was heard"))?;
        }
        let active =
            |state: &&AgentState| matches!(state, AgentState::Speaking | AgentState::Thinking);
        let active = self.states.values().filter(active).count();
        rule(active <= usize::from(self.live.is_some()), || {
            format!("{active} show that they speak")
        })
    }

    fn may_be_speech(&self, sound: Sound) -> bool {
        !sound.nod && (sound.lasts || sound.began + self.options.undecided > self.now)
    }

    /// When nothing more happens.
    pub(super) fn end(&self, core: &Core) -> Kept {
        rule(self.live.is_none(), || "a speech goes on for ever".to_owned())?;
        rule(core.is_quiet(), || "somebody waits for ever".to_owned())?;
        for line in &self.human_lines {
            for persona in &self.cast {
                let has = self.outcomes.contains(&(*line, persona.clone()));
                rule(has, || format!("{line} has no outcome for {persona}"))?;
            }
        }
        let open = self.granted.keys().find(|turn| !self.settled.contains(turn));
        rule(open.is_none(), || format!("{open:?} was granted and never settled"))
    }
}
