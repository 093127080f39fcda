//! Compressed answers, kept for when the very same text is sent again: to compress a page takes
//! longer than to make it.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::error::{Error, Result};

/// How many answers are kept.
const KEPT: usize = 8;

/// The longest text that is kept, in bytes.
const LONGEST: usize = 2 << 20;

/// The last answers, each as it was and compressed, the newest first.
#[derive(Clone, Default)]
pub(crate) struct Compressed {
    kept: Arc<Mutex<VecDeque<(Bytes, Bytes)>>>,
}

impl Compressed {
    /// A text, compressed.
    pub(crate) async fn of(&self, text: Bytes) -> Result<Bytes> {
        if let Some(compressed) = self.known(&text) {
            return Ok(compressed);
        }
        let this = self.clone();
        let failed = |error: std::io::Error| {
            Error::failed("the answer could not be compressed").because(error)
        };
        let compress = move || {
            let compressed = gzip(&text)?;
            this.keep(text, compressed.clone());
            Ok(compressed)
        };
        tokio::task::spawn_blocking(compress)
            .await
            .unwrap_or_else(|ended| Err(std::io::Error::other(ended)))
            .map_err(failed)
    }

    fn known(&self, text: &Bytes) -> Option<Bytes> {
        let kept = self.kept();
        let same = |known: &Bytes| {
            // The same place in memory, and so the same bytes, without a look at them.
            let shared = known.as_ptr() == text.as_ptr() && known.len() == text.len();
            shared || known == text
        };
        kept.iter().find(|(known, _)| same(known)).map(|(_, compressed)| compressed.clone())
    }

    fn keep(&self, text: Bytes, compressed: Bytes) {
        if text.len() > LONGEST || self.known(&text).is_some() {
            return;
        }
        let mut kept = self.kept();
        kept.truncate(KEPT - 1);
        kept.push_front((text, compressed));
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(Bytes, Bytes)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gzip(text: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn unpacked(compressed: &Bytes) -> Vec<u8> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut text).expect("gzip");
        text
    }

    #[test]
    fn a_text_is_compressed_once_and_never_taken_for_another() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let compressed = Compressed::default();
        let of = |text: &str| {
            runtime.block_on(compressed.of(Bytes::copy_from_slice(text.as_bytes()))).expect("gzip")
        };
        let first = of("event 1");
        assert_eq!(first.as_ptr(), of("event 1").as_ptr());
        for round in 0..20 {
            let text = format!("event {round}");
            assert_eq!(unpacked(&of(&text)), text.as_bytes());
        }
        assert_eq!(compressed.kept().len(), KEPT);
    }

    #[test]
    fn what_is_long_is_compressed_and_not_kept() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let compressed = Compressed::default();
        let text = Bytes::from(vec![b'x'; LONGEST + 1]);
        let sent = runtime.block_on(compressed.of(text.clone())).expect("gzip");
        assert_eq!(unpacked(&sent), text);
        assert!(compressed.kept().is_empty());
    }
}
