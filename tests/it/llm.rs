//! The language engine: templates, files, the scripted engine, and the real model.

mod gguf;
mod scripted;
mod template;
