//! The house rules that neither the compiler nor clippy knows.
//!
//! Each rule is a function from a text to complaints, and is shown to complain before it is held
//! against the tree.

mod docs;
mod imports;
mod layers;
mod shape;
mod tree;

/// Fails with every complaint on a line of its own.
#[track_caller]
fn assert_clean(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
