//! A whole room on doubles and a virtual clock: the host's own code, with sound that the real voice
//! detector hears.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Tally;
use super::dice::Dice;
use super::doubles::{Ears, Hall, engine};
use super::plan::{Act, HOUSE, HUMANS, NAMES, Plan};
use crate::admin::state::{self as pages, Command};
use crate::audio::{EARS_RATE_HZ, FRAME_MS};
use crate::bench::house;
use crate::host::{Parts, Room, Server, cast};
use crate::id::{HumanId, LineId, PersonaId};
use crate::latency::TurnRecord;
use crate::room::scripted::PlayedFrame;
use crate::room::{Event, LinkState, Member};
use crate::stt::ears;
use crate::time::{Clock, Time};
use crate::tts::scripted::ScriptedVoice;

/// A question that somebody asks, mono at [`EARS_RATE_HZ`].
const QUESTION: &[u8] = include_bytes!("../../../tests/sounds/room_evening.wav");
/// Where in it the words are.
const WORDS_MS: (usize, usize) = (250, 2_250);
const CHUNK_MS: u64 = 20;
/// The frame that plays when a speech is stopped, and the fade after it.
const FADE_FRAMES: usize = 3;
/// So long after the beginning of a human's speech the cast is silent: onset, fade, and a margin
/// for soft first sounds.
const SILENT_AFTER: Duration = Duration::from_millis(900);
/// A room in which nothing happened for so long is at rest: longer than an engine's deadline.
const REST: Duration = Duration::from_secs(60);
/// A room that is not at rest so long after its last act never will be: a cast of eight that hangs
/// takes four minutes, and three grants each are twelve.
const REST_MAX: Duration = Duration::from_secs(900);

/// Runs a plan.
///
/// # Errors
/// The rule that does not hold.
pub(super) fn run(plan: &Plan) -> Result<Tally, String> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build();
    runtime.map_err(|error| error.to_string())?.block_on(play(plan))
}

async fn play(plan: &Plan) -> Result<Tally, String> {
    let clock = Clock::start();
    let hall = Arc::new(Hall::new(clock));
    let mut dice = Dice::of(plan.seed, HOUSE, 0);
    let mut engine = engine(plan.seed, clock, hall.clone());
    if dice.percent(10) {
        engine = engine.cold(PersonaId::new("p0"), "its card is too long");
    }
    let engine = Arc::new(engine);
    let config = house::config(NAMES.into_iter().take(plan.personas));
    let mut config = config.map_err(|error| error.to_string())?;
    config.hearing.early_words = dice.percent(50);
    let (publisher, _, _pages) = pages::open(Room::first_status(&config), house::no_passes());
    let cast = cast::warm_up(&*engine, &config.cast, &publisher).await;
    let (events, room_events) = mpsc::channel(64);
    let (commands, host_commands) = mpsc::channel(64);
    let (_ears, ears) = watch::channel(ears::Status::default());
    let parts = Parts {
        cast,
        transport: hall.clone(),
        events: room_events,
        recogniser: Arc::new(Ears::new(plan.seed, hall.clone())),
        ears,
        engine,
        voice: Arc::new(voice(&mut dice)),
        predictor: None,
        reader: None,
        server: Server { url: String::new(), own: None, link: LinkState::Up },
    };
    let room = Room::new(&config, clock, parts, publisher, host_commands);
    let cancel = CancellationToken::new();
    let ended = cancel.clone();
    let run = tokio::spawn(async move { room.run(&TaskTracker::new(), ended).await });
    let mut people =
        People { clock, events, commands, here: BTreeSet::new(), spoken: Vec::new(), typed: 0 };
    let acted = people.act_out(plan).await;
    let rested = if acted.is_ok() { rest(clock, &hall).await } else { Ok(()) };
    cancel.cancel();
    let records = run.await.map_err(|error| format!("the room broke: {error}"))?;
    acted?;
    rested?;
    check(plan, &hall, &people, &records, config.hearing.early_words)?;
    let lines = people.typed + hall.lines_heard();
    Ok(Tally { events: plan.acts.len() as u64, lines, turns: hall.generations() })
}

/// A voice that is slow, fails, and perhaps makes no sound that counts as voiced.
fn voice(dice: &mut Dice) -> ScriptedVoice {
    let mut voice = ScriptedVoice::default();
    voice.delay = Duration::from_millis(*dice.pick(&[0, 100, 700]));
    voice.per_char = Duration::from_millis(*dice.pick(&[5, 20]));
    voice.tone_hz = if dice.percent(5) { 0.0 } else { 200.0 };
    let failing: Vec<usize> = (0..200).filter(|_| dice.percent(4)).collect();
    voice.failing(&failing)
}

/// Waits until nothing happens any more.
async fn rest(clock: Clock, hall: &Hall) -> Result<(), String> {
    let begun = clock.now();
    while clock.now().since(begun) < REST_MAX {
        let before = clock.now();
        tokio::time::sleep(REST).await;
        if hall.active() < before {
            return Ok(());
        }
    }
    Err("the room does not fall silent".to_owned())
}

/// The humans of the room, and who works at its pages.
struct People {
    clock: Clock,
    events: mpsc::Sender<Event>,
    commands: mpsc::Sender<Command>,
    here: BTreeSet<usize>,
    /// Who spoke, from when to when, as far as they were in the room all the time.
    spoken: Vec<(usize, Time, Time)>,
    typed: u64,
}

impl People {
    async fn act_out(&mut self, plan: &Plan) -> Result<(), String> {
        for persona in 0..plan.personas {
            self.link(persona, true).await?;
        }
        for (at_ms, act) in &plan.acts {
            // The cast takes a moment to come in.
            let at = Time::from_ms(100 + at_ms);
            tokio::time::sleep_until(self.clock.instant(at)).await;
            self.act(act).await?;
        }
        Ok(())
    }

    async fn send(&self, event: Event) -> Result<(), String> {
        self.events.send(event).await.map_err(|_| "the room ended by itself".to_owned())
    }

    async fn command(&self, command: Command) -> Result<(), String> {
        self.commands.send(command).await.map_err(|_| "the room ended by itself".to_owned())
    }

    async fn link(&self, persona: usize, up: bool) -> Result<(), String> {
        let member = Member::Persona(id(persona));
        let cause = "the simulator says so".to_owned();
        let state = if up { LinkState::Up } else { LinkState::Down { cause } };
        self.send(Event::Link { member, state }).await
    }

    async fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Joins(human) => {
                self.here.insert(*human);
                let name = HUMANS[*human].to_owned();
                self.send(Event::HumanJoined { human: HumanId::new(&name), name }).await
            }
            Act::Leaves(human) => {
                self.here.remove(human);
                let now = self.clock.now();
                for (_, _, to) in self.spoken.iter_mut().filter(|(who, ..)| who == human) {
                    *to = now.min(*to);
                }
                self.send(Event::HumanLeft { human: HumanId::new(HUMANS[*human]) }).await
            }
            Act::Sounds { human, lasts_ms, .. } => {
                let now = self.clock.now();
                if self.here.contains(human) {
                    let to = now + Duration::from_millis(*lasts_ms);
                    self.spoken.push((*human, now, to));
                }
                tokio::spawn(speak(self.clock, self.events.clone(), *human, *lasts_ms));
                Ok(())
            }
            Act::Types { human, text } => {
                self.typed += 1;
                let human = HumanId::new(HUMANS[*human]);
                self.send(Event::Chat { human, text: text.clone() }).await
            }
            Act::Link { persona, up } => self.link(*persona, *up).await,
            Act::Mode { persona, mode } => {
                self.command(Command::Mode { persona: id(*persona), mode: *mode }).await
            }
            Act::Hush(persona) => self.command(Command::Hush { persona: id(*persona) }).await,
        }
    }
}

fn id(persona: usize) -> PersonaId {
    PersonaId::new(format!("p{persona}"))
}

/// One sound of a human: words, and nothing at all after them, as a microphone with DTX sends it.
async fn speak(clock: Clock, events: mpsc::Sender<Event>, human: usize, lasts_ms: u64) {
    let samples_per_ms = EARS_RATE_HZ as usize / 1_000;
    let words = words();
    let chunk = CHUNK_MS as usize * samples_per_ms;
    let begun = clock.now();
    for (index, samples) in words.chunks(chunk).cycle().enumerate() {
        let end_ms = (index as u64 + 1) * CHUNK_MS;
        if end_ms > lasts_ms {
            return;
        }
        let at = begun + Duration::from_millis(end_ms);
        tokio::time::sleep_until(clock.instant(at)).await;
        let human = HumanId::new(HUMANS[human]);
        let samples = samples.to_vec();
        if events.send(Event::Audio { human, at, samples }).await.is_err() {
            return;
        }
    }
}

/// The words of the question; none if its file is none.
fn words() -> Vec<i16> {
    let samples_per_ms = EARS_RATE_HZ as usize / 1_000;
    let (from, to) = (WORDS_MS.0 * samples_per_ms, WORDS_MS.1 * samples_per_ms);
    let samples = hound::WavReader::new(Cursor::new(QUESTION)).map(|wav| {
        wav.into_samples::<i16>().flatten().skip(from).take(to - from).collect::<Vec<_>>()
    });
    samples.unwrap_or_default()
}

fn check(
    plan: &Plan,
    hall: &Hall,
    people: &People,
    records: &[TurnRecord],
    early_words: bool,
) -> Result<(), String> {
    if let Some(broken) = hall.broken() {
        return Err(broken);
    }
    let (heard, recognised) = (hall.lines_heard(), hall.recognised());
    // What was recognised in a pause may have come to nothing.
    if heard > recognised || heard < recognised && !early_words {
        return Err(format!("{recognised} lines were recognised and {heard} came into the room"));
    }
    outcomes(plan.personas, people.typed + heard, records)?;
    let voices: Vec<_> =
        (0..plan.personas).map(|persona| (persona, hall.room.voice_of(&id(persona)))).collect();
    one_at_a_time(&voices)?;
    for (human, from, to) in &people.spoken {
        let over = voices.iter().find_map(|(persona, frames)| {
            let over = |frame: &&PlayedFrame| {
                frame.start > *from + SILENT_AFTER
                    && frame.start < *to
                    && frame.samples.iter().any(|sample| *sample != 0)
            };
            frames.iter().find(over).map(|frame| (persona, frame.start))
        });
        if let Some((persona, at)) = over {
            let human = HUMANS[*human];
            return Err(format!("p{persona} speaks at {at:?} over {human}, who began at {from:?}"));
        }
    }
    Ok(())
}

/// Every human line gives every persona one outcome; a further turn among personas is one more.
fn outcomes(cast: usize, human_lines: u64, records: &[TurnRecord]) -> Result<(), String> {
    let mut lines: BTreeMap<LineId, BTreeSet<&PersonaId>> = BTreeMap::new();
    for record in records {
        if !lines.entry(record.line).or_default().insert(&record.persona) {
            return Err(format!("{} has two outcomes for {}", record.persona, record.line));
        }
    }
    let whole = lines.values().filter(|personas| personas.len() == cast).count() as u64;
    if let Some((line, some)) = lines.iter().find(|(_, one)| one.len() != cast && one.len() != 1) {
        return Err(format!("{line} has {} outcomes for a cast of {cast}", some.len()));
    }
    if whole != human_lines {
        return Err(format!("{human_lines} lines of humans, and {whole} with everybody's outcome"));
    }
    Ok(())
}

/// Two personas are not heard together, but for what is left of a voice that fades out.
fn one_at_a_time(voices: &[(usize, Vec<PlayedFrame>)]) -> Result<(), String> {
    let mut frames: Vec<(Time, usize)> = voices
        .iter()
        .flat_map(|(persona, frames)| frames.iter().map(|frame| (frame.start, *persona)))
        .collect();
    frames.sort_unstable();
    let frame = Duration::from_millis(u64::from(FRAME_MS));
    let mut together = 0;
    for pair in frames.windows(2) {
        let [(first, one), (second, other)] = pair else { continue };
        let overlap = one != other && *second < *first + frame;
        together = if overlap { together + 1 } else { 0 };
        if together > FADE_FRAMES {
            return Err(format!("p{one} and p{other} speak together at {second:?}"));
        }
    }
    Ok(())
}
