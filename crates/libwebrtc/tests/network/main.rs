//! Two peer connections of ours over a network that loses or delays. A program of its own, which
//! runs alone: what a line carries is measured, and other tests on the same cores would be too.

#[path = "../support/picture.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod picture;

#[path = "../support/pair.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod pair;

mod relay;
mod weather;
