//! Hashing of passwords: Argon2id with the parameters that OWASP names (19 MiB, two passes), off the threads that serve
//! requests, a few at a time. Whoever comes while too many wait is told to come again.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use domain::password::{Password, PasswordError};
use tokio::sync::Semaphore;

/// How many hashes are made side by side, each in 19 MiB.
const AT_ONCE: usize = 2;

/// How many more may wait.
const WAITING: usize = 32;

/// Why there is no hash, or no answer about one.
#[derive(Debug, thiserror::Error)]
pub(super) enum HashingError {
    /// The password must not be chosen.
    #[error(transparent)]
    Refused(#[from] PasswordError),
    /// Too many wait already.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The hash is damaged, or hashing broke.
    #[error("a password could not be hashed")]
    Broken,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct PasswordHashing {
    places: Arc<Semaphore>,
    slots: Arc<Semaphore>,
}

impl Default for PasswordHashing {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl PasswordHashing {
    /// The hash, in the PHC form, of a password that somebody chooses; `about`: see [`Password::chosen`].
    pub(super) async fn hash_chosen(
        &self,
        text: String,
        about: Vec<String>,
    ) -> Result<String, HashingError> {
        self.run(move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            let password = Password::chosen(&text, &about)?;
            hash(&password)
        })
        .await
    }

    /// Whether the password is the one that was hashed. Without a hash it takes as long and is not.
    pub(super) async fn verify(
        &self,
        text: String,
        kept: Option<String>,
    ) -> Result<bool, HashingError> {
        self.run(move || {
            let password = Password::given(&text);
            let Some(kept) = kept else {
                return hash(&password).map(|_| false);
            };
            let kept = PasswordHash::new(&kept).map_err(|_| HashingError::Broken)?;
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &kept)
                .is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| HashingError::Busy)?;
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| HashingError::Busy)?;
        // Both go when the work is done, also when its request was given up.
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, slot);
            work()
        });
        done.await.map_err(|_| HashingError::Broken)?
    }
}

fn hash(password: &Password) -> Result<String, HashingError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|_| HashingError::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_knows_its_password() {
        let hashing = PasswordHashing::default();
        let text = || "зелёный слон пьёт кефир".to_owned();
        let hash = hashing.hash_chosen(text(), Vec::new()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let another = hashing.hash_chosen(text(), Vec::new()).await.unwrap();
        assert_ne!(hash, another);
        assert!(hashing.verify(text(), Some(hash.clone())).await.unwrap());
        let wrong = hashing.verify("зелёный слон".to_owned(), Some(hash));
        assert!(!wrong.await.unwrap());
        assert!(!hashing.verify(text(), None).await.unwrap());
        let weak = hashing.hash_chosen("password".to_owned(), Vec::new()).await;
        assert!(matches!(weak, Err(HashingError::Refused(_))));
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_sent_away() {
        let hashing = PasswordHashing::default();
        let all = u32::try_from(AT_ONCE + WAITING).unwrap();
        let _others = hashing.places.try_acquire_many(all).unwrap();
        let answer = hashing.verify("any".to_owned(), None).await;
        assert!(matches!(answer, Err(HashingError::Busy)));
    }
}
