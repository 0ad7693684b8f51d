//! The cast's seats, before anybody is hosted.

use std::time::Duration;

use crate::admin::state::Publisher;
use crate::llm::{Engine, prompt};
use crate::persona::Persona;

/// Puts every persona's prompt into its seat. One that fails is told and left out; the others go
/// on.
///
/// # Errors
/// The last cause, when nobody's seat is warm.
pub async fn warm_up(
    engine: &dyn Engine,
    cast: &[Persona],
    publisher: &Publisher,
) -> Result<Vec<Persona>, String> {
    let names: Vec<&str> = cast.iter().map(|persona| persona.name.as_str()).collect();
    let mut warm = Vec::new();
    let mut cause = String::new();
    for persona in cast {
        let system = prompt::system_message(persona, &names);
        match engine.warm_up(&persona.id, &[system]).await {
            Ok(warm_up) => {
                let took = Duration::from_micros(warm_up.took_us);
                let tokens = warm_up.prompt_tokens;
                tracing::info!(persona = %persona.id, tokens, ?took, "the seat is warm");
                publisher.persona(&persona.id, |status| status.seat.tokens = tokens);
                warm.push(persona.clone());
            }
            Err(error) => {
                cause = error.to_string();
                tracing::error!(persona = %persona.id, %error, "not hosted");
                publisher.persona(&persona.id, |status| status.failed_cause = Some(cause.clone()));
            }
        }
    }
    if warm.is_empty() { Err(cause) } else { Ok(warm) }
}
