//! Tells cargo when the pages that the binary embeds have changed.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build reads the pages from disk. A release build must see files that come after it,
    // such as the LiveKit client of `npm ci`.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=web");
    }
}
