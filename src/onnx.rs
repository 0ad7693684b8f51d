//! Networks in ONNX, run by `rten`. A damaged file and a defect of the runtime are errors, not the
//! end of the host.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView};

/// A network in memory.
pub struct Network {
    model: Model,
    options: RunOptions,
}

impl Network {
    /// `threads` share the work of one run.
    ///
    /// # Errors
    /// Why the file cannot be used.
    pub fn open(path: &Path, threads: usize) -> Result<Self, String> {
        Self::new(std::fs::read(path).map_err(|error| error.to_string())?, threads)
    }

    /// As [`Self::open`], of what is in a file.
    ///
    /// # Errors
    /// As there.
    pub fn new(file: Vec<u8>, threads: usize) -> Result<Self, String> {
        let model = catch_unwind(|| Model::load(file))
            .map_err(|_| "the file is damaged".to_owned())?
            .map_err(|error| error.to_string())?;
        let pool = Arc::new(ThreadPool::with_num_threads(threads.max(1)));
        Ok(Self { model, options: RunOptions::default().with_thread_pool(Some(pool)) })
    }

    /// An input, an output or anything between, by its name.
    ///
    /// # Errors
    /// When it has none of this name.
    pub fn node(&self, name: &str) -> Result<NodeId, String> {
        self.model.node_id(name).map_err(|_| format!("it has no {name}"))
    }

    /// The first output.
    ///
    /// # Errors
    /// When it has none.
    pub fn output(&self) -> Result<NodeId, String> {
        self.model.output_ids().first().copied().ok_or_else(|| "it has no output".to_owned())
    }

    /// The values of `wanted`, in their order.
    ///
    /// # Errors
    /// What the runtime says, also when it panicked.
    pub fn run(
        &self,
        inputs: Vec<(NodeId, ValueOrView<'_>)>,
        wanted: &[NodeId],
    ) -> Result<impl Iterator<Item = Value>, String> {
        let run = || self.model.run(inputs, wanted, Some(self.options.clone()));
        let outputs = catch_unwind(AssertUnwindSafe(run));
        let outputs = outputs.map_err(|_| "its runtime panicked".to_owned())?;
        Ok(outputs.map_err(|error| error.to_string())?.into_iter())
    }
}
