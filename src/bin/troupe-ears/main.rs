//! The ears: a process of its own that turns clips into text.
//!
//! It reads clips from stdin and writes texts to stdout, as `wire` says, one at a time, and ends
//! when stdin does. It names nothing of the library, because that may carry the other engine.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[cfg(feature = "whisper")]
mod engine;
#[cfg(not(feature = "whisper"))]
#[path = "no_engine.rs"]
mod engine;
#[allow(unreachable_pub, reason = "the library has it as a public module")]
#[path = "../../stt/wire.rs"]
mod wire;

use engine::Engine;
use wire::{Decoder, Message};

/// Turns speech into text for `troupe`, which starts it by itself.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A whisper.cpp model.
    #[arg(long)]
    model: PathBuf,
    /// The language that is spoken, as ISO 639-1.
    #[arg(long, default_value = "en")]
    language: String,
    /// Threads for one clip.
    #[arg(long, default_value_t = 2)]
    threads: u16,
    /// Encoder positions beyond the clip's own 50 a second. Fewer are faster, until words repeat:
    /// with tiny.en 128 looped whole sentences, and from 320 on nothing was gained.
    #[arg(long, default_value_t = 320)]
    margin: u32,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("{cause}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let mut engine = Engine::load(arguments)?;
    let mut stdout = io::stdout().lock();
    write(&mut stdout, &Message::Ready { load_ms: engine.load_ms() })?;
    let mut stdin = io::stdin().lock();
    let mut decoder = Decoder::default();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        while let Some(message) = decoder.next_message().map_err(|error| error.to_string())? {
            let Message::Clip { id, samples } = message else {
                return Err("the host sent something else than a clip".to_owned());
            };
            write(&mut stdout, &engine.answer(id, &samples))?;
        }
        match stdin.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => decoder.push(&bytes[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("stdin cannot be read: {error}")),
        }
    }
}

fn write(stdout: &mut impl Write, message: &Message) -> Result<(), String> {
    let bytes = wire::encode(message).map_err(|error| error.to_string())?;
    let written = stdout.write_all(&bytes).and_then(|()| stdout.flush());
    written.map_err(|error| format!("stdout cannot be written: {error}"))
}
