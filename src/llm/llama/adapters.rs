//! Keeps the personas' adapters: who has which, which are loaded, which one the context uses.

use std::collections::HashMap;

use llama_cpp_2::model::LlamaModel;

use super::context::Context;
use super::lora::Lora;
use crate::id::PersonaId;
use crate::llm::adapter::shelf::{FileId, Place, Shelf};
use crate::llm::adapter::{self, Adapter, AdapterError};
use crate::llm::gguf::Gguf;
use crate::llm::scheduler::Group;

/// What became of the adapters, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub switches: u64,
    pub loads: u64,
    pub evictions: u64,
}

pub(super) struct Adapters<'m> {
    model: &'m LlamaModel,
    description: &'m Gguf,
    by_persona: HashMap<PersonaId, Adapter>,
    budget_bytes: u64,
    /// Group n is at n - 1; personas with the same adapter share one.
    groups: Vec<Entry>,
    shelf: Shelf,
    loaded: HashMap<FileId, Lora<'m>>,
    /// The context computes with this one.
    current: Group,
    pub counts: Counts,
}

struct Entry {
    adapter: Adapter,
    /// The first group with the same path: a file is loaded once, whatever its scales.
    file: FileId,
    bytes: u64,
}

impl<'m> Adapters<'m> {
    pub(super) fn new(
        model: &'m LlamaModel,
        description: &'m Gguf,
        by_persona: HashMap<PersonaId, Adapter>,
        budget_bytes: u64,
    ) -> Self {
        Self {
            model,
            description,
            by_persona,
            budget_bytes,
            groups: Vec::new(),
            shelf: Shelf::new(budget_bytes),
            loaded: HashMap::new(),
            current: Group::default(),
            counts: Counts::default(),
        }
    }

    /// The group of a persona's seat. Its adapter is checked now.
    pub(super) fn group(&mut self, persona: &PersonaId) -> Result<Group, AdapterError> {
        let Some(adapter) = self.by_persona.get(persona) else { return Ok(Group::default()) };
        let known = self.groups.iter().position(|entry| entry.adapter == *adapter);
        if let Some(known) = known {
            return Ok(Group(known + 1));
        }
        let bytes = adapter::check(adapter, self.description)?;
        if bytes > self.budget_bytes {
            return Err(AdapterError::TooLarge {
                path: adapter.path.clone(),
                needed_mib: bytes.div_ceil(1 << 20),
                budget_mib: self.budget_bytes >> 20,
            });
        }
        let same = self.groups.iter().position(|entry| entry.adapter.path == adapter.path);
        let file = same.unwrap_or(self.groups.len());
        self.groups.push(Entry { adapter: adapter.clone(), file, bytes });
        Ok(Group(self.groups.len()))
    }

    /// Has the context compute for this group from now on.
    pub(super) fn apply(
        &mut self,
        context: &mut Context<'m>,
        group: Group,
    ) -> Result<(), AdapterError> {
        if group == self.current {
            return Ok(());
        }
        self.counts.switches += 1;
        self.take_off(context);
        let Some(at) = group.0.checked_sub(1) else { return Ok(()) };
        let Entry { adapter, file, bytes } = &self.groups[at];
        let refused = || AdapterError::Native { path: adapter.path.clone() };
        if let Place::Load { leave } = self.shelf.take(*file, *bytes) {
            for left in leave {
                self.loaded.remove(&left);
                self.counts.evictions += 1;
            }
            let Some(lora) = Lora::load(self.model, &adapter.path) else {
                self.shelf.forget(*file);
                return Err(refused());
            };
            self.loaded.insert(*file, lora);
            self.counts.loads += 1;
        }
        let lora = self.loaded.get(file).ok_or_else(refused)?;
        if !lora.apply(context, adapter.scale) {
            return Err(refused());
        }
        self.current = group;
        Ok(())
    }

    /// The context uses none, so that any may leave.
    fn take_off(&mut self, context: &mut Context<'m>) {
        let Some(at) = self.current.0.checked_sub(1) else { return };
        let file = self.groups[at].file;
        if let Some(lora) = self.loaded.get(&file) {
            // Nothing to put on is never refused.
            lora.clear(context);
        }
        self.current = Group::default();
    }
}
