//! What Prometheus reads. Label sets are bounded: the cast, the stages, the outcomes, the parts
//! and the queues.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::ledger::Report;
use super::state::{PartState, Parts};
use crate::latency::{Figure, Stage, TurnRecord};
use crate::llm::guard::Cuts;

/// Bucket bounds in seconds: from a cached prefill to a turn that nobody waits for.
const SECONDS: [f64; 13] = [0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 4.0, 8.0];
/// Tokens per second while decoding.
const RATES: [f64; 9] = [5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 80.0, 120.0, 240.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPersona {
    persona: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCut {
    persona: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTurn {
    persona: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    persona: String,
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTokens {
    persona: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    name: String,
}

/// Leads from a bucket to the newest turn in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Example {
    turn: String,
}

/// Makes histograms over given bounds.
#[derive(Clone)]
struct Buckets(&'static [f64]);

type Histogram = HistogramWithExemplars<Example>;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

type Histograms<L> = Family<L, Histogram, Buckets>;
type Amounts<L> = Family<L, Gauge<f64, AtomicU64>>;

pub(super) struct Metrics {
    registry: Registry,
    turns: Family<OfTurn, Counter>,
    stages: Histograms<OfStage>,
    e2e: Histograms<OfPersona>,
    livekit: Vec<(Figure, Histograms<OfPersona>)>,
    tokens: Family<OfTokens, Counter>,
    decode_rate: Histograms<OfPersona>,
    house: HouseMetrics,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::default();
        let mut livekit = Vec::new();
        let theirs = registry.sub_registry_with_prefix("lk_agents_turn");
        for figure in Figure::ALL {
            livekit.push((figure, seconds(theirs, figure.name, figure.about)));
        }
        let own = registry.sub_registry_with_prefix("troupe");
        let turns = Family::default();
        own.register("turns", "Human lines handled, for each persona", turns.clone());
        let tokens = Family::default();
        own.register("tokens", "Tokens of prompts and replies", tokens.clone());
        let decode_rate = Histograms::new_with_constructor(Buckets(&RATES));
        own.register("decode_tokens_per_second", "Speed of decoding", decode_rate.clone());
        Self {
            turns,
            stages: seconds(own, "turn_stage", "A stage of the critical path of a spoken turn"),
            e2e: seconds(own, "turn_e2e", "Last voiced sample heard to the first one spoken"),
            livekit,
            tokens,
            decode_rate,
            house: HouseMetrics::new(own),
            registry,
        }
    }

    /// Counts a settled turn. Only a granted one is timed: one that let the line pass has no
    /// time that anybody waited for.
    pub(super) fn turn(&self, record: &TurnRecord) {
        let outcome = record.outcome.as_str();
        self.turns.get_or_create(&OfTurn { persona: record.persona.to_string(), outcome }).inc();
        if record.was_granted() {
            self.time(record);
        }
        self.count_tokens(record);
    }

    fn time(&self, record: &TurnRecord) {
        let label = OfPersona { persona: record.persona.to_string() };
        for stage in Stage::ALL {
            if let Some(us) = record.stage_us(stage) {
                let label = OfStage { persona: label.persona.clone(), stage: stage.as_str() };
                observe(&self.stages.get_or_create(&label), seconds_of(us), record);
            }
        }
        for (figure, family) in &self.livekit {
            if let Some(us) = figure.of(record) {
                observe(&family.get_or_create(&label), seconds_of(us), record);
            }
        }
        if let Some(us) = record.e2e_us {
            observe(&self.e2e.get_or_create(&label), seconds_of(us), record);
        }
    }

    fn count_tokens(&self, record: &TurnRecord) {
        let counts = [
            ("prompt", record.prompt_tokens),
            ("cached", record.cached_tokens),
            ("completion", record.completion_tokens),
        ];
        for (kind, count) in counts {
            if let Some(count) = count {
                let label = OfTokens { persona: record.persona.to_string(), kind };
                self.tokens.get_or_create(&label).inc_by(u64::from(count));
            }
        }
        if let Some(rate) = record.decode_tok_s {
            let label = OfPersona { persona: record.persona.to_string() };
            observe(&self.decode_rate.get_or_create(&label), f64::from(rate), record);
        }
    }

    /// The whole exposition, OpenMetrics 1.0 text.
    pub(super) fn text(&self, report: &Report) -> String {
        self.house.set(report);
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }
}

/// What the status says, set whenever it is read.
struct HouseMetrics {
    uptime: Gauge,
    ready: Gauge,
    humans: Gauge,
    hosted: Gauge,
    persona_up: Family<OfPersona, Gauge>,
    persona_restarts: Family<OfPersona, Counter>,
    reply_cuts: Family<OfCut, Counter>,
    seat_tokens: Family<OfPersona, Gauge>,
    seat_reuse: Amounts<OfPersona>,
    part_up: Family<Named, Gauge>,
    part_restarts: Family<Named, Counter>,
    queue_len: Family<Named, Gauge>,
    queue_bound: Family<Named, Gauge>,
    queue_drops: Family<Named, Counter>,
    faces: Faces,
    pictures: Pictures,
    sounds: Sounds,
    probe_lines: Counter,
    probe_errors: Counter,
}

/// Of what was shown.
#[derive(Default)]
struct Pictures {
    looks: Counter,
    frames: Counter,
    unchanged: Counter,
    given: Counter,
    replaced: Counter,
    refused: Counter,
    dropped: Counter,
    encoded: Counter,
    shared: Counter,
    bytes: Gauge,
}

impl Pictures {
    fn new(registry: &mut Registry) -> Self {
        let it = Self::default();
        let mut counts = |name: &str, help: &str, counter: &Counter| {
            registry.register(format!("pictures_{name}"), help, counter.clone());
        };
        counts("looks", "Frames of cameras and screens that were asked for", &it.looks);
        counts("frames", "Frames that came", &it.frames);
        counts("unchanged", "Frames that showed nothing new", &it.unchanged);
        counts("given", "Pictures that went with a line", &it.given);
        counts("replaced", "Pictures that no line took", &it.replaced);
        counts("refused", "Files that were no pictures, or that nobody can see", &it.refused);
        counts("dropped", "Frames and files that found no place", &it.dropped);
        counts("encoded", "Pictures that the engine encoded, once for all seats", &it.encoded);
        counts("shared", "Times that a prompt used an encoded one again", &it.shared);
        let bytes = "Memory of encoded pictures";
        registry.register_with_unit("pictures_encoded", bytes, Unit::Bytes, it.bytes.clone());
        it
    }

    fn set(&self, pictures: &super::state::Pictures) {
        reach(&self.looks, pictures.seen.looks);
        reach(&self.frames, pictures.seen.frames);
        reach(&self.unchanged, pictures.seen.unchanged);
        reach(&self.given, pictures.seen.given);
        reach(&self.replaced, pictures.seen.replaced);
        reach(&self.refused, pictures.seen.refused);
        reach(&self.dropped, pictures.dropped);
        reach(&self.encoded, pictures.encoded);
        reach(&self.shared, pictures.shared);
        self.bytes.set(whole(pictures.bytes));
    }
}

/// Of what was heard.
#[derive(Default)]
struct Sounds {
    given: Counter,
    dropped: Counter,
    encoded: Counter,
    shared: Counter,
    bytes: Gauge,
}

impl Sounds {
    fn new(registry: &mut Registry) -> Self {
        let it = Self::default();
        let mut counts = |name: &str, help: &str, counter: &Counter| {
            registry.register(format!("sounds_{name}"), help, counter.clone());
        };
        counts("given", "Sounds that went with a line", &it.given);
        counts("dropped", "Lines that went without their sound", &it.dropped);
        counts("encoded", "Sounds that the engine encoded, once for all seats", &it.encoded);
        counts("shared", "Times that a prompt used an encoded one again", &it.shared);
        let bytes = "Memory of encoded sounds";
        registry.register_with_unit("sounds_encoded", bytes, Unit::Bytes, it.bytes.clone());
        it
    }

    fn set(&self, sounds: &super::state::SoundCounts) {
        reach(&self.given, sounds.given);
        reach(&self.dropped, sounds.dropped);
        reach(&self.encoded, sounds.encoded);
        reach(&self.shared, sounds.shared);
        self.bytes.set(whole(sounds.bytes));
    }
}

/// Of the drawing of faces.
#[derive(Default)]
struct Faces {
    drawn: Counter,
    skipped: Counter,
    late: Counter,
    unheard: Counter,
    failed: Counter,
    rate: Gauge,
}

impl Faces {
    fn new(registry: &mut Registry) -> Self {
        let it = Self::default();
        registry.register("faces_drawn", "Pictures of faces", it.drawn.clone());
        let skipped = "Pictures that were not drawn: nobody looked, or nothing had changed";
        registry.register("faces_skipped", skipped, it.skipped.clone());
        registry.register("faces_late", "Pictures of faces that came late", it.late.clone());
        let unheard = "Frames of voices that the mouths missed";
        registry.register("faces_unheard", unheard, it.unheard.clone());
        let failed = "Pictures of faces that could not be drawn";
        registry.register("faces_failed", failed, it.failed.clone());
        let rate = "Pictures a second of a face that speaks";
        registry.register("faces_rate_fps", rate, it.rate.clone());
        it
    }

    fn set(&self, faces: &super::state::Faces) {
        reach(&self.drawn, faces.drawn);
        reach(&self.skipped, faces.skipped);
        reach(&self.late, faces.late);
        reach(&self.unheard, faces.unheard);
        reach(&self.failed, faces.failed);
        self.rate.set(i64::from(faces.fps));
    }
}

impl HouseMetrics {
    fn new(registry: &mut Registry) -> Self {
        let it = Self {
            uptime: Gauge::default(),
            ready: Gauge::default(),
            humans: Gauge::default(),
            hosted: Gauge::default(),
            persona_up: Family::default(),
            persona_restarts: Family::default(),
            reply_cuts: Family::default(),
            seat_tokens: Family::default(),
            seat_reuse: Family::default(),
            part_up: Family::default(),
            part_restarts: Family::default(),
            queue_len: Family::default(),
            queue_bound: Family::default(),
            queue_drops: Family::default(),
            faces: Faces::new(registry),
            pictures: Pictures::new(registry),
            sounds: Sounds::new(registry),
            probe_lines: Counter::default(),
            probe_errors: Counter::default(),
        };
        let uptime = "Since the pages are served";
        registry.register_with_unit("uptime", uptime, Unit::Seconds, it.uptime.clone());
        registry.register("ready", "1 when the cast is hosted", it.ready.clone());
        registry.register("humans", "Humans in the room", it.humans.clone());
        registry.register("personas_hosted", "Personas in the room", it.hosted.clone());
        registry.register("persona_up", "1 when it is hosted", it.persona_up.clone());
        registry.register("persona_restarts", "Since the start", it.persona_restarts.clone());
        let cuts = "Sentences of replies that were not said";
        registry.register("reply_cuts", cuts, it.reply_cuts.clone());
        registry.register("seat_tokens", "Tokens of the last prompt", it.seat_tokens.clone());
        let reuse = "The part of all prompt tokens that was kept, 0 to 1";
        registry.register("seat_reuse_ratio", reuse, it.seat_reuse.clone());
        registry.register("part_up", "1 when the part works", it.part_up.clone());
        registry.register("part_restarts", "Since the start", it.part_restarts.clone());
        registry.register("queue_length", "Entries that wait", it.queue_len.clone());
        registry.register("queue_bound", "Entries that may wait", it.queue_bound.clone());
        registry.register("queue_drops", "Entries lost since the start", it.queue_drops.clone());
        registry.register("probe_lines", "Probes written to the file", it.probe_lines.clone());
        let errors = "Probes that could not be written";
        registry.register("probe_write_errors", errors, it.probe_errors.clone());
        it
    }

    fn set(&self, report: &Report) {
        let status = &report.status;
        self.uptime.set(whole(report.uptime_s));
        self.ready.set(i64::from(status.ready));
        self.humans.set(whole(status.humans.len() as u64));
        self.hosted.set(whole(status.personas.iter().filter(|p| p.hosted).count() as u64));
        for persona in &status.personas {
            let label = OfPersona { persona: persona.id.to_string() };
            self.persona_up.get_or_create(&label).set(i64::from(persona.hosted));
            reach(&self.persona_restarts.get_or_create(&label), persona.restarts);
            let Cuts { repeated, claimed } = persona.cuts;
            for (reason, cuts) in [("repeated", repeated), ("claimed", claimed)] {
                let label = OfCut { persona: persona.id.to_string(), reason };
                reach(&self.reply_cuts.get_or_create(&label), cuts);
            }
            self.seat_tokens.get_or_create(&label).set(i64::from(persona.seat.tokens));
            if let Some(ratio) = persona.seat.cached_ratio {
                self.seat_reuse.get_or_create(&label).set(f64::from(ratio));
            }
        }
        self.set_parts(&status.parts);
        for queue in &status.queues {
            let label = Named { name: queue.name.clone() };
            self.queue_len.get_or_create(&label).set(whole(queue.len));
            self.queue_bound.get_or_create(&label).set(whole(queue.bound));
            reach(&self.queue_drops.get_or_create(&label), queue.dropped);
        }
        if let Some(faces) = &status.faces {
            self.faces.set(faces);
        }
        if let Some(pictures) = &status.pictures {
            self.pictures.set(pictures);
        }
        if let Some(sounds) = &status.sounds {
            self.sounds.set(sounds);
        }
        if let Some(probes) = &report.probes {
            reach(&self.probe_lines, probes.written);
            reach(&self.probe_errors, probes.write_errors);
        }
    }

    fn set_parts(&self, parts: &Parts) {
        let named = [
            ("ears", &parts.ears),
            ("engine", &parts.engine),
            ("voice", &parts.voice),
            ("server", &parts.server),
        ];
        for (name, part) in named {
            let label = Named { name: name.to_owned() };
            let up = matches!(part.state, PartState::Up | PartState::Strained);
            self.part_up.get_or_create(&label).set(i64::from(up));
            reach(&self.part_restarts.get_or_create(&label), part.restarts);
        }
    }
}

fn seconds<L>(registry: &mut Registry, name: &str, help: &str) -> Histograms<L>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Histograms::new_with_constructor(Buckets(&SECONDS));
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}

fn observe(histogram: &Histogram, value: f64, record: &TurnRecord) {
    histogram.observe(value, Some(Example { turn: record.turn.to_string() }), None);
}

fn seconds_of(us: u64) -> f64 {
    us as f64 / 1e6
}

/// The host counts; this follows. A counter never goes back.
fn reach(counter: &Counter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
