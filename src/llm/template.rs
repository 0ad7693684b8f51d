//! A model's own chat template, rendered as its publisher renders it.
//!
//! Templates are Jinja texts inside the GGUF, written against Python. What they lean on is here:
//! Python's string methods, `tojson` in Python's spelling, `raise_exception`, `strftime_now`,
//! `break` and `continue`.

use minijinja::{Environment, Error, ErrorKind, Value, context};

use super::{EngineError, Message, Role};
use crate::probe::time_probe;

mod control;
mod date;
mod json;

pub use control::Controls;

/// What a template needs from the model beside its text.
#[derive(Clone, Debug, Default)]
pub struct Specials {
    /// The text of the model's first token, empty when it has none.
    pub bos: String,
    /// The text of the token that ends a turn or a text.
    pub eos: String,
    /// Texts that the tokeniser turns into control tokens. They never pass from a message.
    pub controls: Controls,
    /// Seconds since 1970 for `strftime_now`; fixed, so that a seat's prefix stays the same.
    pub now_s: u64,
}

/// A compiled chat template.
#[derive(Debug)]
pub struct Template {
    env: Environment<'static>,
    specials: Specials,
    /// The template has no place for a system message: it goes into the first user message.
    folds_system: bool,
    /// The template wants user and assistant to alternate, user first.
    alternates: bool,
}

const NAME: &str = "chat";

impl Template {
    /// Compiles `source` and learns what it supports.
    ///
    /// # Errors
    /// [`EngineError::Template`] for a syntax error, and for a template that cannot even render a
    /// user's greeting.
    pub fn new(source: &str, specials: Specials) -> Result<Self, EngineError> {
        let mut env = environment(specials.now_s);
        env.add_template_owned(NAME, source.to_owned())
            .map_err(|error| broken("has an error", &error))?;
        let mut template = Self { env, specials, folds_system: false, alternates: false };
        template.probe()?;
        Ok(template)
    }

    /// The conversation as the text that the model reads. With `open`, it ends where the
    /// assistant begins to speak; when the last message is the assistant's, that is after its
    /// words: the model goes on from them.
    ///
    /// # Errors
    /// [`EngineError::Template`] when the template refuses the conversation.
    pub fn render(&self, messages: &[Message], open: bool) -> Result<String, EngineError> {
        time_probe!(RenderChat, self.rendered(messages, open), |took_us, text| {
            messages: messages.len() as u64,
            bytes: text.as_ref().ok().map(|text| text.len() as u64),
            took_us,
        })
    }

    fn rendered(&self, messages: &[Message], open: bool) -> Result<String, EngineError> {
        let begun = messages.split_last().filter(|(last, _)| open && last.role == Role::Assistant);
        let messages = self.fit(begun.map_or(messages, |(_, before)| before));
        let mut text = self
            .raw(&messages, open)
            .map_err(|error| broken("cannot render this conversation", &error))?;
        if let Some((last, _)) = begun {
            text += &self.specials.controls.defuse(&last.content);
        }
        Ok(text)
    }

    /// What a model has published as its control texts.
    pub fn controls(&self) -> &Controls {
        &self.specials.controls
    }

    fn raw(&self, messages: &[Message], open: bool) -> Result<String, Error> {
        self.env.get_template(NAME)?.render(context! {
            messages => messages,
            add_generation_prompt => open,
            bos_token => self.specials.bos,
            eos_token => self.specials.eos,
        })
    }

    /// Tries the template on small conversations instead of guessing from its text.
    fn probe(&mut self) -> Result<(), EngineError> {
        let say = |role, content: &str| Message::new(role, content);
        let user = say(Role::User, "hello");
        self.raw(std::slice::from_ref(&user), true)
            .map_err(|error| broken("cannot render a greeting", &error))?;
        // A word that no template contains, so that a template which drops it is found out.
        let system = say(Role::System, "zyzzyva");
        let with_system = self.raw(&[system, user.clone()], true);
        self.folds_system = !with_system.is_ok_and(|text| text.contains("zyzzyva"));
        self.alternates = self.raw(&[say(Role::Assistant, "hello"), user], true).is_err();
        Ok(())
    }

    /// Brings the messages into a shape that this template takes, without control texts.
    fn fit(&self, messages: &[Message]) -> Vec<Message> {
        let mut fitted: Vec<Message> = Vec::with_capacity(messages.len() + 1);
        let mut system = None;
        for message in messages {
            let content = self.specials.controls.defuse(&message.content);
            if message.role == Role::System && self.folds_system {
                system = Some(content);
                continue;
            }
            let first = fitted.iter().all(|earlier| earlier.role == Role::System);
            if self.alternates && first && message.role == Role::Assistant {
                // It began the talk by itself; a silent listener makes that a legal turn.
                fitted.push(Message::new(Role::User, "..."));
            }
            match fitted.last_mut() {
                Some(last) if last.role == message.role => {
                    last.content.push('\n');
                    last.content.push_str(&content);
                }
                _ => fitted.push(Message::new(message.role, content)),
            }
        }
        if let Some(system) = system {
            fold(&mut fitted, &system);
        }
        fitted
    }
}

fn fold(messages: &mut Vec<Message>, system: &str) {
    match messages.first_mut() {
        Some(first) if first.role == Role::User => {
            first.content = format!("{system}\n\n{}", first.content);
        }
        _ => messages.insert(0, Message::new(Role::User, system)),
    }
}

fn environment(now_s: u64) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // Publishers compile with these two.
    env.set_trim_blocks(true);
    env.set_lstrip_blocks(true);
    env.add_filter("tojson", json::to_json);
    env.add_function("raise_exception", |why: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, why))
    });
    env.add_function("strftime_now", move |format: String| date::format(now_s, &format));
    env
}

fn broken(what: &str, error: &Error) -> EngineError {
    let cause = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    EngineError::Template(format!(
        "the model's chat template {what}{line}: {cause}; use a model file with a working template"
    ))
}
