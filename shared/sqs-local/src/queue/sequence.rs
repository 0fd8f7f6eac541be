//! A message's place in its queue, and a map by it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A message's place in its queue, and on a FIFO queue its sequence number.
pub type Sequence = u64;

/// The queue numbers its messages itself, so nobody can choose numbers that collide, and one
/// multiplication hashes well enough.
pub(super) type BySequence<T> = HashMap<Sequence, T, BuildHasherDefault<Spread>>;

#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write_u64(&mut self, sequence: u64) {
        // 2^64 divided by the golden ratio: neighbours land far apart.
        self.0 = sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a sequence is hashed as one number")
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
