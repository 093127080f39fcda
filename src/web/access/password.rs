//! The password, kept only as its Argon2id hash.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use super::secret;
use crate::error::{Error, Result};

/// The shortest password that is taken, in characters.
const SHORTEST: usize = 8;

/// The hash of a password in the PHC string format: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes a new password, with a salt of its own.
    ///
    /// # Errors
    ///
    /// A password below 8 characters is refused.
    pub fn of(password: &str) -> Result<Self> {
        if password.chars().count() < SHORTEST {
            return Err(Error::invalid("the password is too short")
                .on("password")
                .hint(format!("choose one of at least {SHORTEST} characters, better of 15")));
        }
        let failed = |error: password_hash::Error| {
            Error::failed("the password cannot be hashed").because(error.to_string())
        };
        let salt = SaltString::encode_b64(&secret::random::<16>()?).map_err(failed)?;
        // The least that OWASP advises for Argon2id: 19 MiB, two passes, one lane.
        let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| failed(error.into()))?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password(password.as_bytes(), &salt)
            .map_err(failed)?;
        Ok(Self(hash.to_string()))
    }

    /// Whether it is the hash of this password. Takes as long as its parameters say.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        password_hash::PasswordHash::new(&self.0)
            .and_then(|hash| Argon2::default().verify_password(password.as_bytes(), &hash))
            .is_ok()
    }

    /// The hash in the PHC string format.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PasswordHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let sound = password_hash::PasswordHash::new(text).is_ok_and(|hash| {
            hash.algorithm == argon2::ARGON2ID_IDENT
                && hash.hash.is_some()
                && hash.salt.is_some()
                && Params::try_from(&hash).is_ok()
        });
        if sound {
            return Ok(Self(text.to_owned()));
        }
        // What was given may be the password itself: it is not repeated.
        Err(Error::invalid("this is not the Argon2id hash of a password")
            .on("password hash")
            .hint("make one with `snapback password`; it begins with $argon2id$"))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_fits_its_hash_whatever_its_salt() {
        let one = PasswordHash::of("correct horse").expect("a hash");
        let other = PasswordHash::of("correct horse").expect("a hash");
        assert_ne!(one.as_str(), other.as_str());
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert!(one.is_of("correct horse") && other.is_of("correct horse"));
        assert!(!one.is_of("correct horse ") && !one.is_of(""));
        assert_eq!(one.as_str().parse::<PasswordHash>().expect("the same"), one);
    }

    #[test]
    fn what_is_no_hash_is_refused_and_not_repeated() {
        for text in [
            "",
            "hunter2hunter2",
            "$argon2id$",
            "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ] {
            let error = text.parse::<PasswordHash>().expect_err(text);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        assert!(PasswordHash::of("1234567").is_err());
    }
}
