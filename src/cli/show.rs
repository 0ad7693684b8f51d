//! What the commands print.

use std::io::{self, Write};

use crate::config::{Config, EndOfTurn, LiveKit};
use crate::latency::{Stage, TurnRecord};

/// The settings as they hold, in the file's own form. No secret is in it.
pub(super) fn config(config: &Config, out: &mut impl Write) -> io::Result<()> {
    let livekit = match &config.livekit {
        LiveKit::Local { binary: Some(binary) } => format!("a local one, {}", binary.display()),
        LiveKit::Local { binary: None } => "a local one, but none is installed".to_owned(),
        LiveKit::Remote { url, .. } => url.clone(),
    };
    writeln!(out, "# LiveKit server: {livekit}")?;
    writeln!(out, "# models are in {}", config.models.root.display())?;
    writeln!(out, "[room]\nname = {:?}\n", config.room)?;
    writeln!(out, "[pages]\nlisten = \"{}\"\n", config.pages.listen)?;
    let models = &config.models;
    writeln!(
        out,
        "[models]\nlanguage = {:?}\nrecognition = {:?}\nvoice = {:?}\ncontext_tokens = {}\n\
         {}",
        models.language,
        models.recognition,
        models.voice,
        models.context_tokens,
        models.threads.map_or(String::new(), |threads| format!("threads = {threads}\n")),
    )?;
    writeln!(
        out,
        "[hearing]\nend_of_turn_ms = {}\nearly_words = {}\nlongest_s = {}\n",
        match config.hearing.end_of_turn {
            EndOfTurn::Auto => "\"auto\"".to_owned(),
            EndOfTurn::Fixed(silence) => silence.as_millis().to_string(),
        },
        config.hearing.early_words,
        config.hearing.longest.as_secs()
    )?;
    writeln!(
        out,
        "[turn]\nreply_tokens = {}\nseed = {}",
        config.turn.reply_tokens, config.turn.seed
    )?;
    for persona in &config.cast {
        let voice = persona.voice;
        writeln!(
            out,
            "\n[[persona]]\nid = {:?}\nname = {:?}\ncard = {:?}\n\
             voice = {{ pitch = {:?}, pace = {:?} }}\nmode = {:?}",
            persona.id.as_str(),
            persona.name,
            persona.card,
            voice.pitch,
            voice.pace,
            persona.mode.as_str()
        )?;
    }
    Ok(())
}

/// The turns of a run as a table, milliseconds.
pub(super) fn turns(records: &[TurnRecord], out: &mut impl Write) -> io::Result<()> {
    let stages = Stage::ALL.map(|stage| stage.as_str().replace('_', " "));
    write!(out, "{:<5} {:<5} {:<12} {:<12}", "turn", "line", "persona", "outcome")?;
    for stage in &stages {
        write!(out, " {stage:>14}")?;
    }
    writeln!(out, " {:>7}  heard", "e2e")?;
    let ms = |us: Option<u64>| us.map_or("–".to_owned(), |us| (us / 1_000).to_string());
    for record in records {
        write!(
            out,
            "{:<5} {:<5} {:<12} {:<12}",
            record.turn.to_string(),
            record.line.to_string(),
            record.persona.to_string(),
            record.outcome.as_str()
        )?;
        for stage in Stage::ALL {
            write!(out, " {:>14}", ms(record.stages_us.get(&stage).copied().flatten()))?;
        }
        writeln!(out, " {:>7}  {}", ms(record.e2e_us), record.heard_text)?;
    }
    Ok(())
}
