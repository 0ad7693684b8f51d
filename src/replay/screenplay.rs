//! The effect log as people read a play.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::id::TurnId;
use crate::room::AgentState;
use crate::tape::{End, Entry, Header, Record};
use crate::turn::Manner;

/// Writes entries as a screenplay: who said what when, and what became of every turn. Captions are
/// left out, since lines say the same.
pub fn screenplay<'a>(header: &Header, entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut play = Play { header, text: String::new(), holders: HashMap::new() };
    for entry in entries {
        play.entry(entry);
    }
    play.text
}

struct Play<'a> {
    header: &'a Header,
    text: String,
    /// Who has which turn.
    holders: HashMap<TurnId, String>,
}

impl Play<'_> {
    fn entry(&mut self, entry: &Entry) {
        let Some(said) = self.sentence(&entry.record) else { return };
        let (seconds, millis) = (entry.at_us / 1_000_000, entry.at_us / 1_000 % 1_000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        // A text in memory takes every line.
        let _ = writeln!(self.text, "{minutes:02}:{seconds:02}.{millis:03}  {said}");
    }

    fn name(&self, id: &str) -> String {
        let member = self.header.cast.iter().find(|member| member.id.as_str() == id);
        member.map_or(id, |member| &member.name).to_owned()
    }

    fn sentence(&mut self, record: &Record) -> Option<String> {
        Some(match record {
            Record::Link { persona, up, cause } => {
                let who = persona.as_ref().map_or("the listener", |persona| persona.as_str());
                let what = if *up { "is in the room" } else { "is out of the room" };
                let why = cause.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("({who} {what}{why})")
            }
            Record::Join { name, .. } => format!("({name} joins)"),
            Record::Leave { human } => format!("({human} leaves)"),
            Record::Muted { human } => format!("({human} falls silent)"),
            Record::Picture { human, source, picture: Some(picture) } => {
                format!("({human} shows the picture {picture}, {})", source.as_str())
            }
            Record::Picture { human, .. } => format!("({human} shows what nobody can see)"),
            Record::Onset { human, .. } => format!("({human} makes a sound)"),
            Record::Noise { human } => format!("({human} said nothing)"),
            Record::Mode { persona, mode } | Record::Became { persona, mode } => {
                format!("({persona} is now {})", mode.as_str())
            }
            Record::Hush { persona } => format!("({persona} is hushed)"),
            Record::Scene { .. } => "(all is quiet; a replay begins here)".to_owned(),
            Record::Dropped { records } => format!("({records} records are missing)"),
            Record::Line { name, manner, text, .. } => {
                let manner = match manner {
                    Manner::Heard => "",
                    Manner::Typed => " (types)",
                    Manner::Spoken => " (was heard)",
                };
                format!("{}{manner}: {text}", name.to_uppercase())
            }
            Record::Granted { turn, persona, line, .. } => {
                let name = self.name(persona.as_str());
                self.holders.insert(*turn, name.clone());
                format!("    {name} gets the floor, to answer {line} ({turn})")
            }
            Record::Began { turn } => format!("    {} begins to speak", self.holder(*turn)),
            Record::Held { turn, .. } => format!("    {} falls silent", self.holder(*turn)),
            Record::Resumed { turn, .. } => format!("    {} goes on", self.holder(*turn)),
            Record::Stopped { turn, .. } => format!("    {} is stopped", self.holder(*turn)),
            Record::Ended { turn, end, reason, .. } => {
                let how = match (end, reason) {
                    (End::Finished, _) => "is done".to_owned(),
                    (End::Stopped, _) => "is silent".to_owned(),
                    (End::Failed, why) => format!("fails: {}", why.as_deref().unwrap_or("?")),
                };
                format!("    {} {how}", self.holder(*turn))
            }
            Record::Turn { record } => {
                let field = |key: &str| record.get(key).and_then(|value| value.as_str());
                let e2e = record.get("e2e_us").and_then(|value| value.as_u64());
                let e2e = e2e.map(|us| format!(", {} ms", us / 1_000)).unwrap_or_default();
                format!(
                    "    = {} for {}: {} {} ({}{e2e})",
                    field("turn")?,
                    field("line")?,
                    self.name(field("persona")?),
                    field("outcome")?,
                    field("reason")?,
                )
            }
            Record::State { state: AgentState::Thinking, persona } => {
                format!("    {} thinks", self.name(persona.as_str()))
            }
            Record::Chat { persona, text } => {
                format!("{} (types): {text}", self.name(persona.as_str()).to_uppercase())
            }
            _ => return None,
        })
    }

    fn holder(&self, turn: TurnId) -> String {
        self.holders.get(&turn).cloned().unwrap_or_else(|| turn.to_string())
    }
}
