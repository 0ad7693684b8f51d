//! A part of a tape, as a tape of its own.

use std::collections::BTreeMap;

use super::read::Tape;
use super::record::{Entry, Recognised, Record};
use super::redact::Redaction;

/// What of a tape is kept.
#[derive(Clone, Debug)]
pub struct Cut {
    pub from_us: u64,
    pub to_us: u64,
    /// Identities of humans who are hidden: their words, and their names in what others say.
    pub redact: Vec<String>,
}

/// Keeps what is between the times, which then begin at 0. Who was in the room, hosted or asleep
/// at the cut is told at the new begin; what was said before it is gone.
pub fn trim(tape: &Tape, cut: &Cut) -> Tape {
    let mut standing: BTreeMap<String, Record> = BTreeMap::new();
    let mut entries = Vec::new();
    let mut header = tape.header.clone();
    for entry in &tape.entries {
        if entry.at_us < cut.from_us {
            stand(&mut standing, &entry.record);
            // It had come to rest: what is left begins like any other.
            header.under_way &= !matches!(entry.record, Record::Scene { .. });
        } else if entry.at_us <= cut.to_us {
            let at_us = entry.at_us - cut.from_us;
            entries.push(Entry { at_us, record: shifted(&entry.record, cut.from_us) });
        }
    }
    let standing = standing.into_values().map(|record| Entry { at_us: 0, record });
    let mut entries: Vec<Entry> = standing.chain(entries).collect();
    let ends = entries.last().is_some_and(|entry| entry.record == Record::End);
    if !ends && cut.to_us < tape.last_us() {
        let at_us = cut.to_us.saturating_sub(cut.from_us);
        entries.push(Entry { at_us, record: Record::End });
    }
    Redaction::of(tape, &cut.redact).apply(&mut header, &mut entries);
    let named = entries.iter().filter_map(|entry| match &entry.record {
        Record::Picture { picture: Some(id), .. } => {
            Some((id.clone(), tape.pictures.get(id)?.clone()))
        }
        _ => None,
    });
    let pictures = named.collect();
    let named = entries.iter().filter_map(|entry| match &entry.record {
        Record::Recognised(Recognised { sound: Some(id), .. }) => {
            Some((id.clone(), tape.sounds.get(id)?.clone()))
        }
        _ => None,
    });
    let sounds = named.collect();
    Tape { header, entries, pictures, sounds, torn: tape.torn }
}

/// Remembers what is still the case when the cut comes.
fn stand(standing: &mut BTreeMap<String, Record>, record: &Record) {
    let key = match record {
        Record::Link { persona, .. } => {
            format!("0 link {}", persona.as_ref().map_or("", |persona| persona.as_str()))
        }
        Record::Mode { persona, .. } => format!("1 mode {persona}"),
        Record::Join { human, .. } => format!("2 join {human}"),
        Record::Leave { human } => {
            standing.remove(&format!("2 join {human}"));
            return;
        }
        _ => return,
    };
    standing.insert(key, record.clone());
}

/// Times within a record count from the new begin too.
fn shifted(record: &Record, by_us: u64) -> Record {
    let mut record = record.clone();
    match &mut record {
        Record::Onset { voiced_us, .. } => *voiced_us = voiced_us.saturating_sub(by_us),
        Record::Utterance(utterance) => {
            for time in [
                &mut utterance.voiced_start_us,
                &mut utterance.voiced_end_us,
                &mut utterance.endpoint_us,
            ] {
                *time = time.saturating_sub(by_us);
            }
        }
        Record::Scene { begin_us, .. } => *begin_us += by_us,
        _ => {}
    }
    record
}
