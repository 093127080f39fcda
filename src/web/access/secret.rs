//! Secrets that nobody guesses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};

/// `N` bytes of the system's randomness.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::failed("the system gives no random numbers").because(error).hint("try again")
    })?;
    Ok(bytes)
}

/// 256 bits of the system's randomness, as 43 characters that fit a cookie and a header.
pub(super) fn fresh() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_differ() {
        let (one, other) = (fresh().expect("a secret"), fresh().expect("a secret"));
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
    }
}
