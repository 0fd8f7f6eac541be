//! The rules of `docs/style.md` and `docs/architecture.md` that a test can check.
#![allow(clippy::unwrap_used)]

#[path = "tidy/boundaries.rs"]
mod boundaries;
#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/layout.rs"]
mod layout;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/platform.rs"]
mod platform;
#[path = "tidy/secrets.rs"]
mod secrets;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/unused.rs"]
mod unused;
#[path = "tidy/words.rs"]
mod words;
