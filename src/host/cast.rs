//! The cast's boot: a prompt for everybody, then a warm seat for everybody, and who is hosted.
//!
//! The steps are types. A [`Prepared`] persona has a prompt and a cold seat, a [`Live`] one has it
//! in its seat; nothing but [`Prepared::warm_up`] makes a [`Live`] one, and a room serves no other.

use std::time::Duration;

use tracing::{Instrument as _, Span, info_span};

use super::HostError;
use crate::admin::state::Publisher;
use crate::id::PersonaId;
use crate::llm::{Engine, EngineError, Message, WarmUp, prompt};
use crate::persona::Persona;

/// A persona whose prompt is made and whose seat is cold.
#[derive(Debug)]
pub struct Prepared {
    persona: Persona,
    system: Message,
}

/// A persona whose seat holds its prompt.
#[derive(Debug)]
pub struct Live {
    persona: Persona,
    warm_up: WarmUp,
}

/// What the boot came to: everybody of the cast is in one of the two.
#[derive(Debug, Default)]
pub struct BootSummary {
    pub hosted: Vec<Live>,
    /// Those left out, and why, in one sentence.
    pub failed: Vec<(PersonaId, String)>,
}

impl Prepared {
    /// Makes the prompts of a whole cast: each names the others.
    pub fn cast(cast: &[Persona]) -> Vec<Self> {
        let names: Vec<&str> = cast.iter().map(|persona| persona.name.as_str()).collect();
        let prepared = |persona: &Persona| Self {
            persona: persona.clone(),
            system: prompt::system_message(persona, &names),
        };
        cast.iter().map(prepared).collect()
    }

    /// Puts the prompt into the seat.
    ///
    /// # Errors
    /// When the engine cannot: the persona is not to be hosted.
    pub async fn warm_up(self, engine: &dyn Engine) -> Result<Live, EngineError> {
        let warm_up = engine.warm_up(&self.persona.id, &[self.system]).await?;
        Ok(Live { persona: self.persona, warm_up })
    }
}

impl Live {
    pub fn persona(&self) -> &Persona {
        &self.persona
    }

    /// What warming its seat cost.
    pub fn warm_up(&self) -> WarmUp {
        self.warm_up
    }
}

impl BootSummary {
    /// Passes a cast of which somebody is hosted.
    ///
    /// # Errors
    /// [`HostError::NobodyHosted`] with the last cause.
    pub fn somebody(self) -> Result<Self, HostError> {
        match (self.hosted.is_empty(), self.failed.last()) {
            (true, Some((_, cause))) => Err(HostError::NobodyHosted(cause.clone())),
            (true, None) => Err(HostError::NobodyHosted("there is no cast".to_owned())),
            (false, _) => Ok(self),
        }
    }
}

/// What every line of the log about a persona stands in. `publisher` knows the room and the model;
/// the caller's span becomes its parent.
pub(super) fn span(persona: &Persona, publisher: &Publisher) -> Span {
    let status = publisher.status();
    let shown = status.personas.iter().find(|shown| shown.id == persona.id);
    info_span!(
        "persona",
        id = %persona.id,
        // `name` is a span's own in JSON.
        display_name = persona.name,
        room = status.room,
        model = status.parts.engine.detail,
        adapter = shown.and_then(|shown| shown.adapter.as_deref()).unwrap_or("none"),
    )
}

/// Warms everybody's seat, one after the other. One that fails is told and left out; the others go
/// on.
pub async fn warm_up(engine: &dyn Engine, cast: &[Persona], publisher: &Publisher) -> BootSummary {
    let mut summary = BootSummary::default();
    for prepared in Prepared::cast(cast) {
        let id = prepared.persona.id.clone();
        let span = span(&prepared.persona, publisher);
        let warmed = prepared.warm_up(engine).instrument(span.clone()).await;
        let _in_span = span.entered();
        match warmed {
            Ok(live) => {
                let took = Duration::from_micros(live.warm_up.took_us);
                let tokens = live.warm_up.prompt_tokens;
                tracing::info!(persona = %id, tokens, ?took, "the seat is warm");
                publisher.persona(&id, |status| status.seat.tokens = tokens);
                summary.hosted.push(live);
            }
            Err(error) => {
                let cause = error.to_string();
                tracing::error!(persona = %id, cause, "not hosted");
                publisher.persona(&id, |status| status.failed_cause = Some(cause.clone()));
                summary.failed.push((id, cause));
            }
        }
    }
    summary
}
