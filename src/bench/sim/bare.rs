//! The turn core alone: a room of events in virtual time, with speeches that come, stop, fail and
//! are told of late or twice.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use super::Tally;
use super::dice::Dice;
use super::plan::{Act, Becomes, HUMANS, NAMES, Plan, SPEECH, reply};
use super::rules::Rules;
use crate::bench::house;
use crate::id::{HumanId, LineId, PersonaId, TurnId};
use crate::llm::Score;
use crate::time::Time;
use crate::turn::endpointing::{LASTING, LONG};
use crate::turn::{Core, Decide, Effect, Event, Grant, Manner, Options, SpeechEnd};

/// Short, so that it overflows in a simulated room.
const LINES_MAX: usize = 12;
/// How long after a sound its words so far are known.
const WORDS_MS: u64 = 200;
/// When a speech that is held tries again to begin.
const LOOKS_AGAIN: Duration = Duration::from_millis(100);
/// A room that has more to do than this never comes to an end.
const STEPS_MAX: u64 = 20_000;

/// Runs a plan.
///
/// # Errors
/// The rule that does not hold.
pub(super) fn run(plan: &Plan) -> Result<Tally, String> {
    let mut room = Bare::new(plan);
    for persona in 0..plan.personas {
        room.later(Duration::ZERO, Due::Tell(room.hosted(persona, true)));
    }
    for (index, (at_ms, _)) in plan.acts.iter().enumerate() {
        room.later(Duration::from_millis(*at_ms), Due::Act(index));
    }
    while let Some(Reverse((at, number))) = room.queue.pop() {
        room.now = room.now.max(at);
        room.steps += 1;
        if room.steps > STEPS_MAX {
            return Err("the room never comes to rest".to_owned());
        }
        if let Some(due) = room.due.remove(&number) {
            room.happen(due)?;
        }
    }
    room.rules.end(&room.core)?;
    let (lines, turns) = (room.rules.lines() as u64, room.rules.turns() as u64);
    Ok(Tally { events: room.steps, lines, turns })
}

enum Due {
    Act(usize),
    Tell(Event),
    Line {
        human: usize,
        manner: Manner,
        text: String,
    },
    /// The speech of a grant ends, unless it ended otherwise before.
    Ends {
        turn: TurnId,
        timer: u64,
    },
    Wake {
        wish: u64,
    },
}

/// A speech under way.
struct Speech {
    grant: u64,
    /// The timer that ends it.
    timer: u64,
    held: bool,
    began_at: Option<Time>,
    text: String,
    end: SpeechEnd,
    stopped: bool,
}

struct Bare<'a> {
    plan: &'a Plan,
    core: Core,
    rules: Rules,
    now: Time,
    queue: BinaryHeap<Reverse<(Time, u64)>>,
    due: HashMap<u64, Due>,
    speeches: BTreeMap<TurnId, Speech>,
    steps: u64,
    numbers: u64,
    grants: u64,
    timers: u64,
    wishes: u64,
    lines: u64,
}

impl<'a> Bare<'a> {
    fn new(plan: &'a Plan) -> Self {
        let cast = house::cast(NAMES.into_iter().take(plan.personas));
        // Every other room asks a model who answers.
        let decide = if plan.seed.is_multiple_of(2) { Decide::Both } else { Decide::Evidence };
        let seed = plan.seed;
        let options = Options { seed, lines_max: LINES_MAX, decide, ..Options::default() };
        let ids = cast.iter().map(|persona| persona.id.clone()).collect();
        Self {
            plan,
            core: Core::new(cast, options),
            rules: Rules::new(ids, options),
            now: Time::ZERO,
            queue: BinaryHeap::new(),
            due: HashMap::new(),
            speeches: BTreeMap::new(),
            steps: 0,
            numbers: 0,
            grants: 0,
            timers: 0,
            wishes: 0,
            lines: 0,
        }
    }

    fn later(&mut self, after: Duration, due: Due) {
        self.numbers += 1;
        self.queue.push(Reverse((self.now + after, self.numbers)));
        self.due.insert(self.numbers, due);
    }

    fn persona(index: usize) -> PersonaId {
        PersonaId::new(format!("p{index}"))
    }

    fn hosted(&self, persona: usize, hosted: bool) -> Event {
        Event::Hosted { persona: Self::persona(persona), hosted }
    }

    fn new_line(&mut self) -> LineId {
        self.lines += 1;
        LineId(self.lines)
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        self.rules.before(self.now, &event);
        for effect in self.core.handle(self.now, event.clone()) {
            self.rules.effect(&effect)?;
            match effect {
                Effect::Reply(grant) => self.speak(&grant),
                Effect::Hold { turn, .. } => self.hold(turn),
                Effect::Resume { turn, .. } => self.resume(turn),
                Effect::Stop { turn, .. } => self.stop(turn),
                Effect::WakeAt(at) => {
                    self.wishes += 1;
                    self.later(at.since(self.now), Due::Wake { wish: self.wishes });
                }
                Effect::Rank { line, questions, wait } => {
                    // Every other answer comes too late.
                    let after = if line.0 % 2 == 0 { wait / 3 } else { wait * 2 };
                    let score = |at: usize| Score { nats: -(at as f64), tokens: 1 };
                    let scores = (0..questions.len()).rev().map(score).collect();
                    self.later(after, Due::Tell(Event::Ranked { line, scores }));
                }
                Effect::Settled(_) | Effect::State { .. } | Effect::Mode { .. } => {}
            }
        }
        self.rules.after(&self.core, &event)
    }

    fn happen(&mut self, due: Due) -> Result<(), String> {
        match due {
            Due::Act(index) => {
                let act = self.plan.acts[index].1.clone();
                self.act(act)
            }
            Due::Tell(Event::SpeechBegan { turn }) => {
                let now = self.now;
                if self.speeches.get(&turn).is_some_and(|speech| speech.held) {
                    // It begins when it goes on.
                    self.later(LOOKS_AGAIN, Due::Tell(Event::SpeechBegan { turn }));
                    return Ok(());
                }
                if let Some(speech) = self.speeches.get_mut(&turn) {
                    speech.began_at.get_or_insert(now);
                }
                self.tell(Event::SpeechBegan { turn })
            }
            Due::Tell(event) => self.tell(event),
            Due::Line { human, manner, text } => {
                let (id, human) = (self.new_line(), HumanId::new(HUMANS[human]));
                self.tell(Event::Line { id, human, manner, text, shown: Vec::new(), sound: None })
            }
            Due::Ends { turn, timer } => self.end(turn, timer),
            Due::Wake { wish } if wish == self.wishes => self.tell(Event::Wake),
            Due::Wake { .. } => Ok(()),
        }
    }

    fn act(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Joins(human) => {
                let name = HUMANS[human].to_owned();
                self.tell(Event::HumanJoined { human: HumanId::new(&name), name })
            }
            Act::Leaves(human) => {
                self.tell(Event::HumanLeft { human: HumanId::new(HUMANS[human]) })
            }
            Act::Sounds { human, lasts_ms, becomes } => {
                let who = HumanId::new(HUMANS[human]);
                let lasts = Duration::from_millis(lasts_ms);
                for voiced in [LASTING, LONG].into_iter().filter(|voiced| *voiced <= lasts) {
                    let human = who.clone();
                    self.later(voiced, Due::Tell(Event::SpeechLasts { human, voiced }));
                }
                match becomes {
                    Becomes::Nothing => {
                        let dropped = Event::SpeechDropped { human: who.clone() };
                        self.later(lasts, Due::Tell(dropped));
                    }
                    Becomes::Lost => {}
                    Becomes::Line { text, after_ms } => {
                        let manner = Manner::Heard;
                        if after_ms > WORDS_MS {
                            let (human, text) = (who.clone(), text.clone());
                            let words = Due::Tell(Event::Words { human, text });
                            self.later(lasts + Duration::from_millis(WORDS_MS), words);
                        }
                        let after = lasts + Duration::from_millis(after_ms);
                        self.later(after, Due::Line { human, manner, text });
                    }
                }
                self.tell(Event::SpeechStarted { human: who })
            }
            Act::Types { human, text } => {
                self.happen(Due::Line { human, manner: Manner::Typed, text })
            }
            Act::Link { persona, up } => self.tell(self.hosted(persona, up)),
            Act::Mode { persona, mode } => {
                self.tell(Event::Mode { persona: Self::persona(persona), mode })
            }
            Act::Hush(persona) => self.tell(Event::Hush { persona: Self::persona(persona) }),
        }
    }

    /// The engine and the voice of one grant.
    fn speak(&mut self, grant: &Grant) {
        self.grants += 1;
        let mut dice = Dice::of(self.plan.seed, SPEECH, self.grants);
        let ms = Duration::from_millis;
        let begins = ms(*dice.pick(&[20, 400, 1_500, 8_000]));
        let mut text = reply(&mut dice);
        let mut lasts = ms(dice.between(200, 5_000));
        let mut end = SpeechEnd::Finished;
        match dice.between(0, 99) {
            // The engine fails, with or without a word before; or it hangs until its deadline.
            0..=5 => end = SpeechEnd::Failed { reason: "it broke".to_owned() },
            6..=9 => {
                (text, end) = (String::new(), SpeechEnd::Failed { reason: "it broke".to_owned() });
            }
            10..=12 => lasts = ms(30_000),
            _ => {}
        }
        let turn = grant.turn;
        // Its beginning may be told late, even after its end, or twice, or never.
        if !dice.percent(4) {
            let late = if dice.percent(4) { lasts + ms(100) } else { Duration::ZERO };
            self.later(begins + late, Due::Tell(Event::SpeechBegan { turn }));
            if dice.percent(3) {
                self.later(begins + ms(30), Due::Tell(Event::SpeechBegan { turn }));
            }
        }
        let (held, began_at, stopped) = (false, None, false);
        let speech = Speech { grant: self.grants, timer: 0, held, began_at, text, end, stopped };
        self.speeches.insert(turn, speech);
        self.ends_after(turn, begins + lasts);
    }

    fn ends_after(&mut self, turn: TurnId, after: Duration) {
        self.timers += 1;
        let timer = self.timers;
        if let Some(speech) = self.speeches.get_mut(&turn) {
            speech.timer = timer;
            self.later(after, Due::Ends { turn, timer });
        }
    }

    /// It waits for ever, unless it was just about to end.
    fn hold(&mut self, turn: TurnId) {
        let Some(speech) = self.speeches.get_mut(&turn) else { return };
        let mut dice = Dice::of(self.plan.seed, SPEECH + 300, speech.grant);
        if !dice.percent(10) {
            speech.held = true;
            speech.timer = 0;
        }
    }

    fn resume(&mut self, turn: TurnId) {
        let Some(speech) = self.speeches.get_mut(&turn).filter(|speech| speech.held) else {
            return;
        };
        speech.held = false;
        let mut dice = Dice::of(self.plan.seed, SPEECH + 400, speech.grant);
        let rest = Duration::from_millis(dice.between(200, 5_000));
        self.ends_after(turn, rest);
    }

    fn stop(&mut self, turn: TurnId) {
        let Some(speech) = self.speeches.get_mut(&turn) else { return };
        (speech.stopped, speech.held) = (true, false);
        let mut dice = Dice::of(self.plan.seed, SPEECH + 100, speech.grant);
        let fade = Duration::from_millis(dice.between(0, 150));
        self.ends_after(turn, fade);
    }

    fn end(&mut self, turn: TurnId, timer: u64) -> Result<(), String> {
        let this = self.speeches.get(&turn).is_some_and(|speech| speech.timer == timer);
        let Some(speech) = this.then(|| self.speeches.remove(&turn)).flatten() else {
            return Ok(());
        };
        let mut dice = Dice::of(self.plan.seed, SPEECH + 200, speech.grant);
        // Of a stopped speech the first words were heard, if any; the stop may have come too late.
        let (heard, end) = if speech.stopped && !dice.percent(5) {
            let words = speech.text.split_inclusive(' ').take(dice.index(3));
            let heard = if speech.began_at.is_some() { words.collect() } else { String::new() };
            (heard, SpeechEnd::Stopped)
        } else {
            (speech.text, speech.end)
        };
        let line = self.new_line();
        let ended = Event::SpeechEnded { turn, line, heard, end };
        // A ghost: the end is told a second time.
        if dice.percent(3) {
            self.later(Duration::from_millis(40), Due::Tell(Event::Wake));
            let line = self.new_line();
            let again = Event::SpeechEnded {
                turn,
                line,
                heard: "Boo.".to_owned(),
                end: SpeechEnd::Finished,
            };
            self.tell(ended)?;
            // Not while the same turn speaks once more: a ghost of that one would be its end.
            return if self.rules.live() == Some(turn) { Ok(()) } else { self.tell(again) };
        }
        self.tell(ended)
    }
}
