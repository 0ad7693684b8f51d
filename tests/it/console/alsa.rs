//! The console on real sound devices: ALSA's `file` plug-in over pipes, one that is a microphone
//! and one that is a speaker. ALSA reads its settings from the environment, hence a process of its
//! own for each test.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use troupe::host::console::{Options, Stage, Terminal};
use troupe::room::console::{Choice, device};
use troupe::stt::scripted::{ScriptedRecogniser, Step};
use troupe::time::Clock;

use super::{config, console, engines};

/// The plug-in takes what comes, and the console asks for this first.
const RATE_HZ: usize = 48_000;
const STEP: Duration = Duration::from_millis(20);
const STEP_SAMPLES: usize = RATE_HZ / 50;
/// The spoken question takes three seconds, the hummed answer as long.
const END_MAX: Duration = Duration::from_secs(60);

/// Two pipes as sound devices; nothing paces the plug-in but its pipes.
fn settings(folder: &Path) -> String {
    let pipe = |name: &str| folder.join(name).display().to_string();
    format!(
        "pcm.silent {{ type null }}\n\
         pcm.booth {{ type asym playback.pcm loud capture.pcm mike\n\
           hint {{ show on description \"Booth of two pipes\" }} }}\n\
         pcm.loud {{ type file slave.pcm silent file {loud:?} format raw }}\n\
         pcm.mike {{ type file slave.pcm silent file \"/dev/null\" infile {mike:?} format raw }}\n",
        loud = pipe("loud"),
        mike = pipe("mike"),
    )
}

fn open_pipe(path: &Path) -> File {
    let made = Command::new("mkfifo").arg(path).status().expect("coreutils are there");
    assert!(made.success());
    // Both ways, so that neither side waits for the other to open it.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).expect("a pipe")
}

/// "What do you like to do in the evening?", with silence around it, at the device's rate.
fn question() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sounds/room_evening.wav");
    let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
    let samples: Vec<i16> = wav.into_samples().collect::<Result<_, _>>().expect("whole samples");
    let spoken = samples.iter().flat_map(|sample| [f32::from(*sample) / 32_768.0; 3]);
    std::iter::repeat_n(0.0, RATE_HZ).chain(spoken).collect()
}

/// Plays the question into the microphone and records the speaker, at the pace of sound, until the
/// child ends.
fn attend(child: &mut Child, mike: &mut File, loud: &mut File) -> Vec<f32> {
    let mut question = question().into_iter();
    let mut recorded = Vec::new();
    let mut bytes = vec![0; STEP_SAMPLES * 4];
    let begin = Instant::now();
    for step in 1.. {
        if child.try_wait().expect("a child").is_some() {
            return recorded;
        }
        assert!(begin.elapsed() < END_MAX, "the console did not end");
        let samples: Vec<u8> =
            (0..STEP_SAMPLES).flat_map(|_| question.next().unwrap_or(0.0).to_le_bytes()).collect();
        match mike.write(&samples) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        match loud.read(&mut bytes) {
            Ok(read) => {
                let samples = bytes[..read].as_chunks().0.iter();
                recorded.extend(samples.map(|sample| f32::from_le_bytes(*sample)));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        std::thread::sleep((begin + STEP * step).saturating_duration_since(Instant::now()));
    }
    recorded
}

#[test]
fn a_spoken_question_is_heard_and_the_answer_comes_out_of_the_speaker() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut mike, mut loud) =
        (open_pipe(&folder.path().join("mike")), open_pipe(&folder.path().join("loud")));
    let alsa = folder.path().join("asound.conf");
    std::fs::write(&alsa, settings(folder.path())).expect("written");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "console::alsa::conversation", "--ignored", "--nocapture"])
        .env("ALSA_CONFIG_PATH", &alsa)
        .spawn()
        .expect("it runs again");
    let recorded = attend(&mut child, &mut mike, &mut loud);
    assert!(child.wait().expect("a child").success(), "see its panic above");

    // The scripted voice hums at 200 Hz, Felix two semitones below; the answer takes three seconds.
    // A loaded machine may tear it, so the pitch is taken from the sound and not from the time.
    let hum = voiced(&recorded);
    assert!(hum.len() > 2 * RATE_HZ, "only {} samples were played", hum.len());
    let rises = hum[..RATE_HZ].windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
    assert!((170..=186).contains(&rises), "{rises} waves in a second of sound");
}

/// Without the milliseconds in which there is nothing.
fn voiced(sound: &[f32]) -> Vec<f32> {
    let heard = |block: &&[f32]| block.iter().any(|sample| sample.abs() > 1e-4);
    sound.chunks(RATE_HZ / 1_000).filter(heard).flatten().copied().collect()
}

/// Everything that was written; a finished answer quits, once the room is quiet.
struct Paper {
    text: String,
    keyboard: mpsc::Sender<String>,
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.push_str(&String::from_utf8_lossy(bytes));
        if self.text.contains("are left.\n") {
            // A second answer finds the first one's word waiting.
            let _ = self.keyboard.try_send("/quit".to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the test above runs it, with its sound devices"]
async fn conversation() {
    let clock = Clock::start();
    let booth = Some("booth".to_owned());
    let choice = Choice { input: booth.clone(), output: booth };
    let devices = device::open(&choice, clock).expect("the devices are there");
    let step = Step::text("Felix, which soup do you cook?", Duration::from_millis(100));
    let engines = engines(clock, ScriptedRecogniser::in_order([step]));
    let (keyboard, lines) = mpsc::channel(8);
    let mut paper = Paper { text: String::new(), keyboard };
    let terminal =
        Terminal { lines, out: &mut paper, notes: std::io::sink(), typed_live: false, meter: true };
    let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
    let stage = Stage { clock, tasks: &tasks, cancel: &cancel };
    let options = Options { name: "Tom".to_owned(), ..Options::default() };
    let records = stage.play(&config(), &options, engines, Some(devices), terminal).await;
    let records = records.expect("a conversation");
    tasks.close();
    tasks.wait().await;

    let heard = "Tom: Felix, which soup do you cook?\nFelix: Fish soup";
    assert!(paper.text.starts_with(heard), "{}", paper.text);
    let spoke = records.iter().find(|record| record.persona.as_str() == "felix");
    let e2e_us = spoke.and_then(|record| record.e2e_us).expect("felix spoke");
    assert!(e2e_us > 300_000, "{e2e_us} µs, with 300 ms of silence before the end of a turn");
}

#[test]
fn the_devices_are_listed_with_what_they_can_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let _mike = open_pipe(&folder.path().join("mike"));
    let _loud = open_pipe(&folder.path().join("loud"));
    let (code, out, notes) = console(&["--list"], &settings(folder.path()));
    assert_eq!(code, Some(0), "{notes}");
    assert_eq!(out, "in, out  booth  Booth of two pipes\n");
    let (code, _, notes) = console(&["--input", "parlour"], &settings(folder.path()));
    assert_eq!(code, Some(2));
    assert!(notes.contains("no microphone matches --input \"parlour\""), "{notes}");
}
