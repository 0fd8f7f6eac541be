//! The queue as its callers see it.

#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod it {
    mod disk;
    mod model;
    mod restarts;
}
