//! Tokens for scripts: 256 random bits, of which only the hash is kept.

use std::fmt;
use std::str::FromStr;

use super::secret;
use crate::error::{Error, Result};

/// What tells a token of ours in a log or in a search for secrets that leaked.
const PREFIX: &str = "snapback_";

/// A new token, to be handed to a script once.
pub struct Token {
    text: String,
    hash: TokenHash,
}

impl Token {
    /// A new token with a name for the history.
    ///
    /// # Errors
    ///
    /// The name is checked as [`TokenHash`] does.
    pub fn new(name: &str) -> Result<Self> {
        let text = format!("{PREFIX}{}", secret::fresh()?);
        let hash = hash_of(&text);
        Ok(Self { text, hash: format!("{name}={}", hash.to_hex()).parse()? })
    }

    /// The token itself: what a script sends as `Authorization: Bearer …`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the console is told of it.
    #[must_use]
    pub fn hash(&self) -> &TokenHash {
        &self.hash
    }
}

/// The name of a token and its hash, written `name=<64 hex digits>`.
///
/// A token is random and long, so a plain BLAKE3 of it cannot be turned back.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenHash {
    name: String,
    hash: blake3::Hash,
}

impl TokenHash {
    /// The name that the history shows.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is this hash, in a time that does not tell how much of it is right.
    pub(super) fn is(&self, hash: &blake3::Hash) -> bool {
        // BLAKE3's comparison of hashes takes constant time.
        self.hash == *hash
    }
}

/// The hash of a token as it was sent.
pub(super) fn hash_of(token: &str) -> blake3::Hash {
    blake3::hash(token.as_bytes())
}

impl FromStr for TokenHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::invalid(what).on("token hash").hint("make one with `snapback token NAME`")
        };
        let (name, hex) = text.trim().split_once('=').unwrap_or(("token", text.trim()));
        let plain = |letter: char| letter.is_alphanumeric() || "-_.@ ".contains(letter);
        if name.is_empty() || name.chars().count() > 64 || !name.chars().all(plain) {
            return Err(wrong("a token's name is 1 to 64 letters, digits or any of - _ . @"));
        }
        let hash = blake3::Hash::from_hex(hex)
            .map_err(|_| wrong("the hash of a token is 64 hexadecimal digits"))?;
        Ok(Self { name: name.to_owned(), hash })
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.hash.to_hex())
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenHash").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_by_nothing_else() {
        let (token, other) =
            (Token::new("ci").expect("a token"), Token::new("ci").expect("a token"));
        let kept: TokenHash = token.hash().to_string().parse().expect("the hash");
        assert_eq!(kept.name(), "ci");
        assert!(kept.is(&hash_of(token.text())));
        assert!(!kept.is(&hash_of(other.text())));
        assert!(!kept.to_string().contains(token.text()));
    }

    #[test]
    fn a_hash_without_a_name_gets_one_and_anything_else_is_refused() {
        let hex = "ab".repeat(32);
        assert_eq!(hex.parse::<TokenHash>().expect("a hash").name(), "token");
        for text in ["", "ci=", "=", &format!("={hex}"), &format!("a\n={hex}"), &hex[1..]] {
            assert!(text.parse::<TokenHash>().is_err(), "{text:?}");
        }
    }
}
