//! The memory that password hashing uses, measured in a separate process.

// Test helpers may unwrap, like tests.
#![allow(clippy::unwrap_used)]

use domain::Password;
use futures::future::join_all;
use storefront::passwords::Passwords;

const MIB: u64 = 1 << 20;

/// The memory that one hash needs.
const HASH: u64 = 19 * MIB;

/// The resident memory of this process, as counted by the kernel.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test]
async fn many_logins_leave_memory_near_where_it_began() {
    let passwords = Passwords::new();
    let began = resident();
    for _ in 0..3 {
        let burst = (0..40).map(|_| async {
            let password = Password::parse("correct horse").unwrap();
            let place = passwords.queue().unwrap();
            place.hash(password).await.unwrap()
        });
        join_all(burst).await;
    }
    let grown = resident().saturating_sub(began);
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    let bound = cores.min(4) * HASH + 8 * MIB;
    assert!(grown < bound, "{} MiB, bound {}", grown / MIB, bound / MIB);
}
