//! Password hashing: slow on purpose, with a limit on CPU and memory.

mod error;
mod memory;

use std::sync::{Arc, Mutex, PoisonError};

use domain::Password;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use memory::Memory;

pub use error::PasswordsError;

/// The most hashes that are computed at a time, on any number of cores: their memory must fit into
/// a container of 128 MiB.
const MAX_CONCURRENT_HASHES: usize = 4;

/// How many more may wait. A hash takes about 20 ms of CPU, so the last of them waits for 1.3 s on
/// one core, and for 8.5 s on the 0.15 cores that compose gives the auth service: less than the
/// 10 s of a request.
pub const QUEUE: usize = 64;

/// Hashes with Argon2id at 19 MiB, 2 passes and a parallelism of 1: the minimum of OWASP's Password
/// Storage Cheat Sheet, and the `argon2` crate's default.
///
/// Hashes run on blocking threads, one per core at a time, at most [`MAX_CONCURRENT_HASHES`]. Their
/// 19 MiB each are kept and reused: if they were freed after each hash, the allocator would keep
/// them once per thread that has ever hashed.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    /// One permit per request that hashes or waits.
    slots: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    /// The memories that are not in use.
    memories: Mutex<Vec<Memory>>,
}

/// A slot in the queue. It is free again when the password is hashed, or when this is dropped.
pub struct Slot {
    inner: Arc<Inner>,
    _permit: OwnedSemaphorePermit,
}

impl Passwords {
    /// Hashes on as many threads as there are cores, at most [`MAX_CONCURRENT_HASHES`].
    pub fn new() -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = cores.min(MAX_CONCURRENT_HASHES);
        Passwords(Arc::new(Inner {
            slots: Arc::new(Semaphore::new(workers + QUEUE)),
            workers: Arc::new(Semaphore::new(workers)),
            memories: Mutex::default(),
        }))
    }

    /// Takes a slot in the queue. Called before anything else is done for the request.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`], without waiting, when [`QUEUE`] requests are waiting already.
    pub fn queue(&self) -> Result<Slot, PasswordsError> {
        let permit = self.0.slots.clone().try_acquire_owned();
        Ok(Slot {
            inner: self.0.clone(),
            _permit: permit.map_err(|_| PasswordsError::Busy)?,
        })
    }
}

impl Slot {
    /// Hashes the password into a PHC string, for [`Slot::verify`].
    ///
    /// # Errors
    /// When there is no randomness for the salt, or the process is stopping.
    pub async fn hash(self, password: Password) -> Result<String, PasswordsError> {
        self.on_blocking_thread(move |memory| memory.hash(&password))
            .await
    }

    /// Whether the hash is one of this password. Without a hash the answer is `false`, and takes as
    /// long.
    ///
    /// # Errors
    /// When the hash is malformed, or the process is stopping.
    pub async fn verify(
        self,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, PasswordsError> {
        self.on_blocking_thread(move |memory| memory.verify(&password, hash.as_deref()))
            .await
    }

    /// When the caller is dropped, the slot is free again. A hash that has begun still runs to its
    /// end, and only then can another one begin.
    async fn on_blocking_thread<T, F>(self, work: F) -> Result<T, PasswordsError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> Result<T, PasswordsError> + Send + 'static,
    {
        let inner = self.inner.clone();
        let worker = inner.workers.clone().acquire_owned().await;
        let worker = worker.map_err(|_| PasswordsError::Interrupted)?;
        let worked = tokio::task::spawn_blocking(move || {
            let mut memory = inner.take();
            let done = work(&mut memory);
            inner.put_back(memory);
            drop(worker);
            done
        });
        worked.await.map_err(|_| PasswordsError::Interrupted)?
    }
}

impl Inner {
    fn take(&self) -> Memory {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.pop().unwrap_or_default()
    }

    fn put_back(&self, memory: Memory) {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.push(memory);
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn only_the_right_password_is_verified() {
        let passwords = Passwords::new();
        let hash = passwords.queue().unwrap().hash(password("correct horse"));
        let hash = hash.await.unwrap();
        let check = async |text: &str, hash: Option<&str>, expected: bool| {
            let slot = passwords.queue().unwrap();
            let verified = slot.verify(password(text), hash.map(str::to_owned)).await;
            assert_eq!(verified.unwrap(), expected);
        };
        check("correct horse", Some(&hash), true).await;
        check("wrong horse", Some(&hash), false).await;
        check("correct horse", None, false).await;
    }

    #[tokio::test]
    async fn what_exceeds_the_queue_is_refused_until_a_slot_is_free() {
        let passwords = Passwords::new();
        let mut slots = vec![];
        while let Ok(slot) = passwords.queue() {
            slots.push(slot);
        }
        let workers = passwords.0.workers.available_permits();
        assert_eq!(slots.len(), workers + QUEUE);
        assert!(matches!(passwords.queue(), Err(PasswordsError::Busy)));

        let hash = slots.pop().unwrap().hash(password("correct horse"));
        hash.await.unwrap();
        assert!(passwords.queue().is_ok());
    }

    #[tokio::test]
    async fn there_are_at_most_as_many_memories_as_workers() {
        let passwords = Passwords::new();
        let burst = (0..12).map(|_| passwords.queue().unwrap().hash(password("correct horse")));
        for hash in futures::future::join_all(burst).await {
            hash.unwrap();
        }
        let workers = passwords.0.workers.available_permits();
        let memories = passwords.0.memories.lock().unwrap().len();
        assert!((1..=workers).contains(&memories), "{memories} of {workers}");
    }
}
