//! `bench crowd`: what casts of several sizes cost, with and without somebody who sees their faces.
//!
//! The program runs `up` as a process of its own, and this process looks on: what it spends on
//! decoding does not count. Nobody subscribes to a face at first; then one viewer looks at all of
//! them: while everybody rests, and while one persona answers typed questions with its voice. What
//! the models cost is in both, so the difference is the faces'.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::machine::processes::Processes;
use super::{BenchError, Report, row};
use crate::room::livekit::viewer::Viewer;
use crate::room::livekit::visitor::States;

/// The first of them is asked.
const NAMES: [&str; 12] = [
    "Ada", "Bruno", "Clara", "David", "Edith", "Felix", "Grete", "Hugo", "Irma", "Jonas", "Klara",
    "Linus",
];
const QUESTIONS: [&str; 3] = [
    "what do you see when you look out of the window in the morning?",
    "tell us about the best day of your holidays.",
    "how do you cook a soup that everybody likes?",
];
/// Models load, and twelve seats are warmed up.
const START_MAX: Duration = Duration::from_secs(120);
const STOP_MAX: Duration = Duration::from_secs(15);
/// From a typed line to its voice, and to its end.
const BEGINS_MAX: Duration = Duration::from_secs(20);
const ENDS_MAX: Duration = Duration::from_secs(60);
/// Joining, key frames and the first estimates of the network are over by then.
const SETTLE: Duration = Duration::from_secs(4);
/// At rest a face moves about once in three seconds.
const REST: Duration = Duration::from_secs(15);

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// This program.
    pub program: PathBuf,
    /// Sizes of casts, up to 12.
    pub sizes: Vec<usize>,
}

/// One stretch of time.
struct Spell {
    /// Part of all cores' time.
    cpu: f64,
    rss_mb: f64,
    /// Of the persona that spoke, else of all in the mean.
    fps: f64,
    kbit_s: f64,
}

/// Opens a room for every size, and looks at it.
///
/// # Errors
/// When the program does not start, or nobody answers.
pub async fn run(options: &Options) -> Result<Report, BenchError> {
    let mut report = Report::new("crowd");
    for &size in &options.sizes {
        let names = NAMES.get(..size).filter(|names| !names.is_empty()).ok_or_else(|| {
            BenchError::Wrong(format!("a crowd has 1 to {} personas, not {size}", NAMES.len()))
        })?;
        let settings = Settings::keep(&cast(names), size)?;
        let mut host = Host::start(&options.program, &settings.0, size).await?;
        let measured = measure(&host, size).await;
        host.stop().await;
        for (manner, spell) in measured.map_err(BenchError::Wrong)? {
            note(&mut report, size, manner, &spell);
        }
        tell_apart(&mut report.figures, size);
    }
    Ok(report)
}

fn cast(names: &[&str]) -> String {
    let mut text = String::new();
    for name in names {
        let id = name.to_lowercase();
        let _ = writeln!(text, "[[persona]]\nid = \"{id}\"\nname = \"{name}\"");
        let _ =
            writeln!(text, "card = \"{name} lives in a small town and likes to tell of it.\"\n");
    }
    text
}

/// A settings file of its own, which is removed with this.
struct Settings(PathBuf);

impl Settings {
    fn keep(text: &str, size: usize) -> std::io::Result<Self> {
        let name = format!("troupe-crowd-{size}-{}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        // Not through a link that somebody laid there.
        let mut file = std::fs::File::create_new(&path)?;
        let settings = Self(path);
        file.write_all(text.as_bytes())?;
        Ok(settings)
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What was done in a spell, as the columns and figures have it: whether faces were seen, and
/// whether one persona spoke.
type Manner = (&'static str, &'static str);

async fn measure(host: &Host, size: usize) -> Result<Vec<(Manner, Spell)>, String> {
    let (url, token) = host.pass().await?;
    let viewer = Viewer::join(&url, &token).await?;
    let faces = timeout(START_MAX, viewer.await_faces(size)).await;
    faces.map_err(|_| format!("not all of {size} personas show a face"))?;
    let mut spells = Vec::new();
    // First the rest: what was said is computed into all seats for a while.
    for seen in ["unseen", "seen"] {
        viewer.look(seen == "seen");
        sleep(SETTLE).await;
        let watch = Watch::start(host, &viewer).await;
        sleep(REST).await;
        spells.push(((seen, "rest"), watch.end(host, &viewer, None).await));
    }
    for seen in ["unseen", "seen"] {
        viewer.look(seen == "seen");
        sleep(SETTLE).await;
        spells.push(((seen, "speaking"), speak(host, &viewer).await?));
    }
    viewer.leave().await;
    Ok(spells)
}

/// All the time that the first persona speaks, of all answers together.
async fn speak(host: &Host, viewer: &Viewer) -> Result<Spell, String> {
    let who = NAMES[0].to_lowercase();
    let mut states = viewer.states();
    let mut spells = Vec::new();
    for question in QUESTIONS {
        viewer.say(&format!("{}, {question}", NAMES[0])).await?;
        let begun = until(&mut states, BEGINS_MAX, |states| speaks(states, &who)).await;
        begun.map_err(|why| format!("{} did not answer: {why}", NAMES[0]))?;
        let watch = Watch::start(host, viewer).await;
        let ended = until(&mut states, ENDS_MAX, |states| !speaks(states, &who)).await;
        ended.map_err(|why| format!("an answer went on and on: {why}"))?;
        spells.push((watch.at.elapsed(), watch.end(host, viewer, Some(&who)).await));
    }
    let whole: f64 = spells.iter().map(|(took, _)| took.as_secs_f64()).sum();
    let mean = |value: fn(&Spell) -> f64| {
        spells.iter().map(|(took, spell)| took.as_secs_f64() * value(spell)).sum::<f64>() / whole
    };
    Ok(Spell {
        cpu: mean(|spell| spell.cpu),
        rss_mb: mean(|spell| spell.rss_mb),
        fps: mean(|spell| spell.fps),
        kbit_s: mean(|spell| spell.kbit_s),
    })
}

fn speaks(states: &States, who: &str) -> bool {
    states.get(who).is_some_and(|state| state == "speaking")
}

async fn until(
    states: &mut watch::Receiver<States>,
    most: Duration,
    holds: impl FnMut(&States) -> bool,
) -> Result<(), String> {
    let found = timeout(most, states.wait_for(holds)).await;
    let seen = found.map_err(|_| format!("{most:?} have passed"))?;
    seen.map(drop).map_err(|_| "the viewer sees no states any more".to_owned())
}

/// The beginning of a spell.
struct Watch {
    at: Instant,
    processes: Processes,
    pictures: HashMap<String, u64>,
    bytes: u64,
}

impl Watch {
    async fn start(host: &Host, viewer: &Viewer) -> Self {
        let bytes = viewer.bytes().await;
        Self {
            at: Instant::now(),
            processes: Processes::of(host.id),
            pictures: viewer.pictures(),
            bytes,
        }
    }

    async fn end(self, host: &Host, viewer: &Viewer, who: Option<&str>) -> Spell {
        let took_s = self.at.elapsed().as_secs_f64();
        let processes = Processes::of(host.id);
        let (pictures, bytes) = (viewer.pictures(), viewer.bytes().await);
        let came = |(who, now): (&String, &u64)| now - self.pictures.get(who).unwrap_or(&0);
        let came: Vec<u64> = pictures
            .iter()
            .filter(|(name, _)| who.is_none_or(|who| who == name.as_str()))
            .map(came)
            .collect();
        let per_s = |sum: f64| sum / took_s;
        Spell {
            cpu: processes.cpu_share_since(&self.processes),
            rss_mb: processes.rss_mb,
            fps: per_s(came.iter().sum::<u64>() as f64 / came.len().max(1) as f64),
            kbit_s: per_s(bytes.saturating_sub(self.bytes) as f64 * 8.0 / 1_000.0),
        }
    }
}

fn note(report: &mut Report, size: usize, (seen, talk): Manner, spell: &Spell) {
    let unseen = seen == "unseen";
    let or_none = |value: f64| if unseen { Value::Null } else { value.into() };
    report.rows.push(row([
        ("personas", size.into()),
        ("faces", seen.into()),
        ("cast", talk.into()),
        ("cpu_share", spell.cpu.into()),
        ("rss_mb", spell.rss_mb.into()),
        ("fps", or_none(spell.fps)),
        ("kbit_s", or_none(spell.kbit_s)),
    ]));
    let mut figure = |key: &str, value| {
        report.figures.insert(format!("{key}_{size}"), value);
    };
    figure(&format!("cpu_share_{seen}_{talk}"), spell.cpu);
    if !unseen {
        figure(&format!("fps_{talk}"), spell.fps);
        figure("rss_mb", spell.rss_mb);
    }
}

/// What the faces cost: seen less unseen.
fn tell_apart(figures: &mut BTreeMap<String, f64>, size: usize) {
    for talk in ["rest", "speaking"] {
        let share = |seen| figures.get(&format!("cpu_share_{seen}_{talk}_{size}")).copied();
        if let (Some(seen), Some(unseen)) = (share("seen"), share("unseen")) {
            figures.insert(format!("faces_cpu_share_{talk}_{size}"), seen - unseen);
        }
    }
}

/// `troupe up` in a process of its own.
struct Host {
    child: Child,
    id: u32,
    page: String,
    /// Kept open: a host that can print no more may end.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Host {
    async fn start(program: &Path, settings: &Path, size: usize) -> Result<Self, BenchError> {
        let mut child = Command::new(program)
            .args(["up", "--listen", "127.0.0.1:0", "--room"])
            .arg(format!("crowd-{size}-{}", std::process::id()))
            .arg("--config")
            .arg(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let wrong = |what: &str| {
            BenchError::Wrong(format!("{what}: run `{} up` to see why", program.display()))
        };
        let lines = child.stdout.take().ok_or_else(|| wrong("the host says nothing"))?;
        let id = child.id().ok_or_else(|| wrong("the host ended at once"))?;
        let mut lines = BufReader::new(lines).lines();
        let page = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(page) = line.strip_prefix("join") {
                    return Ok(Some(page.trim().to_owned()));
                }
            }
            Ok::<_, std::io::Error>(None)
        };
        let page = timeout(START_MAX, page).await;
        let page = page.map_err(|_| wrong("the host was not ready in time"))??;
        let page = page.ok_or_else(|| wrong("the host ended before its cast was there"))?;
        Ok(Self { child, id, page, _lines: lines })
    }

    /// A visitor's way into the room: the server's address and a token.
    async fn pass(&self) -> Result<(String, String), String> {
        let address = format!("{}api/token", self.page);
        let answer = tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::new_with_defaults();
            let request = agent.post(&address).header("content-type", "application/json");
            request.send(r#"{"name":"Vera"}"#)?.body_mut().read_to_string()
        });
        let answer = answer.await.map_err(|error| error.to_string())?;
        let answer = answer.map_err(|error| format!("the host gives no token: {error}"))?;
        let pass: Map<String, Value> = serde_json::from_str(&answer)
            .map_err(|error| format!("the host's token is no JSON: {error}"))?;
        let text = |key: &str| pass.get(key).and_then(Value::as_str).map(str::to_owned);
        text("url").zip(text("token")).ok_or_else(|| "the host's token lacks a part".to_owned())
    }

    /// Lets it end in order, with its server.
    async fn stop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.id.to_string()]).status().await;
        if asked.is_ok_and(|status| status.success())
            && timeout(STOP_MAX, self.child.wait()).await.is_ok()
        {
            return;
        }
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "the host could not be ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_hold_the_cast() {
        let table: toml::Table = cast(&NAMES).parse().unwrap();
        let personas = table["persona"].as_array().unwrap();
        let ids: Vec<_> = personas.iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!((ids.len(), ids[0], ids[11]), (12, "ada", "linus"));
    }

    #[test]
    fn faces_are_told_from_the_rest() {
        let mut report = Report::new("crowd");
        let spell = |cpu| Spell { cpu, rss_mb: 100.0, fps: 15.0, kbit_s: 200.0 };
        note(&mut report, 3, ("unseen", "rest"), &spell(0.25));
        note(&mut report, 3, ("seen", "rest"), &spell(0.75));
        tell_apart(&mut report.figures, 3);
        assert_eq!(report.figures["faces_cpu_share_rest_3"], 0.5);
        assert_eq!(report.rows[0]["fps"], Value::Null, "nobody looked");
        assert_eq!(report.rows[1]["fps"], 15.0);
        assert!(!report.figures.contains_key("faces_cpu_share_speaking_3"));
    }
}
