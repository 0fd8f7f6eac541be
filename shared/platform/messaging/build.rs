//! The migrations are embedded, so a changed one has to rebuild the crate.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
