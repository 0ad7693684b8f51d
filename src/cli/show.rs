//! What the commands print.

use std::io::{self, Write};

use serde_json::json;

use crate::config::{Config, EndOfTurn, Language, LiveKit};
use crate::latency::{Stage, TurnRecord};
use crate::persona::Face;

/// The settings as they hold, in the file's own form. No secret is in it.
pub(super) fn config(config: &Config, out: &mut dyn Write) -> io::Result<()> {
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
        "[models]\nlanguage = {}\nrecognition = {:?}\nvoice = {:?}\ncontext_tokens = {}\n\
         {}step_ms = {}\nadapters_mib = {}\n",
        match &models.language {
            Language::Here(name) => format!("{name:?}"),
            Language::Server(server) => format!(
                "{{ kind = \"openai\", url = {:?}, model = {:?}, sees = {}, hears = {} }}",
                server.url, server.model, server.sees, server.hears
            ),
            Language::Scripted => "{ kind = \"scripted\" }".to_owned(),
        },
        models.recognition,
        models.voice,
        models.context_tokens,
        [
            models.projector.as_ref().map(|path| format!("projector = {:?}\n", path.display())),
            models.threads.map(|threads| format!("threads = {threads}\n")),
        ]
        .into_iter()
        .flatten()
        .collect::<String>(),
        models.step.as_millis(),
        models.adapters_bytes >> 20,
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
        "[turn]\nreply_tokens = {}\nseed = {}\ndecide = {:?}",
        config.turn.reply_tokens,
        config.turn.seed,
        config.turn.decide.as_str()
    )?;
    if let Some(turns) = config.turn.turns_per_minute {
        writeln!(out, "turns_per_minute = {turns}")?;
    }
    let words = &config.sleep_words;
    writeln!(out, "sleep_words = {:?}\nwake_words = {:?}", words.sleep, words.wake)?;
    if let Some(folder) = &config.tape.folder {
        writeln!(out, "\n[tape]\nfolder = {:?}", folder.display().to_string())?;
    }
    cast(config, out)
}

fn cast(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    for persona in &config.cast {
        let voice = persona.voice;
        writeln!(
            out,
            "\n[[persona]]\nid = {:?}\nname = {:?}\ncard = {:?}\n\
             voice = {{ pitch = {:?}, pace = {:?} }}\nmode = {:?}\nhears = {:?}",
            persona.id.as_str(),
            persona.name,
            persona.card,
            voice.pitch,
            voice.pace,
            persona.mode.as_str(),
            persona.hears.as_str()
        )?;
        if let Some(sees) = persona.sees {
            writeln!(out, "sees = {sees}")?;
        }
        if let Some(adapter) = config.models.adapters.get(&persona.id) {
            let path = adapter.path.display().to_string();
            writeln!(out, "adapter = {{ path = {path:?}, scale = {:?} }}", adapter.scale)?;
        }
        match config.faces.get(&persona.id) {
            Some(Face::Picture(path)) => writeln!(out, "face = {:?}", path.display().to_string())?,
            Some(Face::Drawn { rgb, seed }) => {
                let color = rgb.map(|rgb| format!("color = \"{rgb}\""));
                let seed = seed.map(|seed| format!("seed = {seed}"));
                let keys: Vec<String> = color.into_iter().chain(seed).collect();
                writeln!(out, "face = {{ {} }}", keys.join(", "))?;
            }
            None => {}
        }
    }
    Ok(())
}

/// The same for scripts, under the file's own keys.
pub(super) fn config_json(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let (server, own) = match &config.livekit {
        LiveKit::Local { binary } => (json!(binary), true),
        LiveKit::Remote { url, .. } => (json!(url), false),
    };
    let models = &config.models;
    let cast = config.cast.iter().map(|persona| {
        json!({
            "id": persona.id,
            "name": persona.name,
            "card": persona.card,
            "voice": { "pitch": persona.voice.pitch, "pace": persona.voice.pace },
            "mode": persona.mode.as_str(),
            "sees": persona.sees,
            "hears": persona.hears,
            "face": config.faces.get(&persona.id).map(|face| match face {
                Face::Picture(path) => json!(path),
                Face::Drawn { rgb, seed } => {
                    json!({ "color": rgb.map(|rgb| rgb.to_string()), "seed": seed })
                }
            }),
            "adapter": models.adapters.get(&persona.id).map(|adapter| {
                json!({ "path": adapter.path, "scale": adapter.scale })
            }),
        })
    });
    let whole = json!({
        "livekit": { "local": own, "server": server },
        "room": { "name": config.room },
        "pages": { "listen": config.pages.listen },
        "models": {
            "root": models.root,
            "language": language_json(&models.language),
            "projector": models.projector,
            "recognition": models.recognition,
            "voice": models.voice,
            "context_tokens": models.context_tokens,
            "threads": models.threads,
            "step_ms": models.step.as_millis() as u64,
            "adapters_mib": models.adapters_bytes >> 20,
        },
        "hearing": {
            "end_of_turn_ms": match config.hearing.end_of_turn {
                EndOfTurn::Auto => json!("auto"),
                EndOfTurn::Fixed(silence) => json!(silence.as_millis() as u64),
            },
            "early_words": config.hearing.early_words,
            "longest_s": config.hearing.longest.as_secs(),
        },
        "turn": {
            "reply_tokens": config.turn.reply_tokens,
            "seed": config.turn.seed,
            "turns_per_minute": config.turn.turns_per_minute,
            "decide": config.turn.decide,
            "sleep_words": config.sleep_words.sleep,
            "wake_words": config.sleep_words.wake,
        },
        "tape": { "folder": &config.tape.folder },
        "persona": cast.collect::<Vec<_>>(),
        "probes": config.probes.as_ref().map(|probes| &probes.file),
        "otlp": config.telemetry.is_some(),
    });
    writeln!(out, "{whole:#}")
}

fn language_json(language: &Language) -> serde_json::Value {
    match language {
        Language::Here(name) => json!(name),
        Language::Server(server) => json!({
            "kind": "openai",
            "url": server.url,
            "model": server.model,
            "sees": server.sees,
            "hears": server.hears,
        }),
        Language::Scripted => json!({ "kind": "scripted" }),
    }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Env, Flags, Options};

    #[test]
    fn both_forms_of_the_settings_show_everything_but_secrets() {
        let env = Env {
            models_root: Some("/models".into()),
            livekit_url: Some("ws://there:7880".to_owned()),
            livekit_api_key: Some("a-key-id".to_owned()),
            livekit_api_secret: Some("hush-hush".to_owned()),
            page_token: Some("page-secret".to_owned()),
            otlp_endpoint: Some("http://otlp:4318".to_owned()),
            otlp_headers: Some("key=otlp-secret".to_owned()),
            ..Env::default()
        };
        let config = Config::resolve(&Flags::default(), &env, &Options::default(), Path::new("."));
        let held = config.expect("valid");
        let (mut text, mut script) = (Vec::new(), Vec::new());
        config_json(&held, &mut script).expect("memory takes it");
        super::config(&held, &mut text).expect("memory takes it");
        for shown in [&text, &script] {
            let shown = String::from_utf8_lossy(shown);
            assert!(shown.contains("ws://there:7880") && shown.contains("Felix"), "{shown}");
            assert!(!shown.contains("hush") && !shown.contains("secret"), "{shown}");
        }
        let json: serde_json::Value = serde_json::from_slice(&script).expect("JSON");
        assert_eq!(json["hearing"]["end_of_turn_ms"], "auto");
        assert_eq!(json["otlp"], true);
        let written = String::from_utf8(text).expect("text");
        Options::parse(&written).expect("the printed settings are a settings file");
    }
}
