//! Hashing passwords, slowly on purpose, and within bounds.

mod error;
mod memory;

use std::sync::{Arc, Mutex, PoisonError};

use domain::Password;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use memory::Memory;

pub use error::PasswordsError;

/// The most hashes that are computed at a time, whatever the number of cores: their memory must
/// fit into a container of 128 MiB.
const MOST_AT_WORK: usize = 4;

/// How many more may wait for their turn. A hash takes some 20 ms of CPU, so the last of them waits
/// for 1.3 s on one core, and for 8.5 s on the 0.15 of a core that compose grants the auth service:
/// less than the 10 s of a request.
pub const QUEUE: usize = 64;

/// Hashes with Argon2id at 19 MiB, 2 passes and 1 lane: the least that OWASP's Password Storage
/// Cheat Sheet recommends, and the `argon2` crate's default.
///
/// It runs beside the asynchronous threads, as many at a time as there are cores, at most
/// [`MOST_AT_WORK`]. Each has 19 MiB that it takes once and keeps: an allocator that is given them
/// back after each hash keeps them for each thread that ever hashed.
#[derive(Clone)]
pub struct Passwords(Arc<Desk>);

struct Desk {
    /// One permit for each who is at work or waits.
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    /// What no one hashes in now.
    memories: Mutex<Vec<Memory>>,
}

/// A place in the queue. It is given back when the password is hashed, or when this is dropped.
pub struct Place {
    desk: Arc<Desk>,
    _permit: OwnedSemaphorePermit,
}

impl Passwords {
    pub fn new() -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = cores.min(MOST_AT_WORK);
        Passwords(Arc::new(Desk {
            places: Arc::new(Semaphore::new(workers + QUEUE)),
            workers: Arc::new(Semaphore::new(workers)),
            memories: Mutex::default(),
        }))
    }

    /// A place in the queue, taken before anything else is done for the request.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`] at once when [`QUEUE`] wait already.
    pub fn queue(&self) -> Result<Place, PasswordsError> {
        let permit = self.0.places.clone().try_acquire_owned();
        Ok(Place {
            desk: self.0.clone(),
            _permit: permit.map_err(|_| PasswordsError::Busy)?,
        })
    }
}

impl Place {
    /// A PHC string that [`Place::verify`] knows the password by.
    pub async fn hash(self, password: Password) -> Result<String, PasswordsError> {
        self.aside(move |memory| memory.hash(&password)).await
    }

    /// Whether the password is the one behind the hash. Without a hash it is not, and finding
    /// that out takes as long.
    pub async fn verify(
        self,
        password: Password,
        hash: Option<String>,
    ) -> Result<bool, PasswordsError> {
        self.aside(move |memory| memory.verify(&password, hash.as_deref()))
            .await
    }

    /// A caller that leaves gives its place back. Its hash, if it has begun, goes on to its end,
    /// and only then may another begin.
    async fn aside<T, F>(self, work: F) -> Result<T, PasswordsError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> Result<T, PasswordsError> + Send + 'static,
    {
        let desk = self.desk.clone();
        let worker = desk.workers.clone().acquire_owned().await;
        let worker = worker.map_err(|_| PasswordsError::Interrupted)?;
        let worked = tokio::task::spawn_blocking(move || {
            let mut memory = desk.take();
            let done = work(&mut memory);
            desk.put_back(memory);
            drop(worker);
            done
        });
        worked.await.map_err(|_| PasswordsError::Interrupted)?
    }
}

impl Desk {
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
            let place = passwords.queue().unwrap();
            let verified = place.verify(password(text), hash.map(str::to_owned)).await;
            assert_eq!(verified.unwrap(), expected);
        };
        check("correct horse", Some(&hash), true).await;
        check("wrong horse", Some(&hash), false).await;
        check("correct horse", None, false).await;
    }

    #[tokio::test]
    async fn what_exceeds_the_queue_is_refused_until_a_place_is_free() {
        let passwords = Passwords::new();
        let mut places = vec![];
        while let Ok(place) = passwords.queue() {
            places.push(place);
        }
        let workers = passwords.0.workers.available_permits();
        assert_eq!(places.len(), workers + QUEUE);
        assert!(matches!(passwords.queue(), Err(PasswordsError::Busy)));

        let hash = places.pop().unwrap().hash(password("correct horse"));
        hash.await.unwrap();
        assert!(passwords.queue().is_ok());
    }

    #[tokio::test]
    async fn no_more_memories_are_taken_than_there_are_workers() {
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
