//! The files that the pages need, embedded, under addresses that name their content.

use std::sync::LazyLock;

use poem::http::{HeaderValue, StatusCode, header};
use poem::web::Path;
use poem::{Request, Response, handler};

use crate::error::Error;

/// A file is never changed under the same address: it may be kept for a year.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// One embedded file.
pub(crate) struct Asset {
    path: String,
    tag: String,
    media_type: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static [u8]) -> Self {
        let hash = blake3::hash(content).to_hex();
        Self {
            path: format!("/assets/{stem}.{}.{extension}", &hash[..8]),
            tag: format!("\"{}\"", &hash[..16]),
            media_type,
            content,
        }
    }

    /// The file's address below the mount path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

macro_rules! embedded {
    ($($name:ident: $file:literal as $stem:literal, $extension:literal, $type:literal;)*) => {
        $(pub(crate) static $name: LazyLock<Asset> = LazyLock::new(|| {
            let content = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $file));
            Asset::new($stem, $extension, $type, content)
        });)*

        fn find(name: &str) -> Option<&'static Asset> {
            [$(&*$name),*].into_iter().find(|asset| asset.path.ends_with(&format!("/{name}")))
        }
    };
}

embedded! {
    STYLE: "app.css" as "app", "css", "text/css; charset=utf-8";
    KEYS: "keys.js" as "keys", "js", "text/javascript; charset=utf-8";
    LIVE: "live.js" as "live", "js", "text/javascript; charset=utf-8";
    PICK: "pick.js" as "pick", "js", "text/javascript; charset=utf-8";
    HTMX: "htmx-4.0.1.min.js" as "htmx-4.0.1", "js", "text/javascript; charset=utf-8";
    ICON: "icon.svg" as "icon", "svg", "image/svg+xml";
}

/// Answers with a file, or 304 when the client has it.
#[handler]
pub(crate) fn file(Path(name): Path<String>, request: &Request) -> poem::Result<Response> {
    let Some(asset) = find(&name) else {
        return Err(Error::not_found("there is no such file in this version")
            .on(name.escape_debug())
            .hint("reload the page")
            .into());
    };
    let held = request.header(header::IF_NONE_MATCH).unwrap_or_default();
    let response = Response::builder()
        .header(header::ETAG, &asset.tag)
        .header(header::CACHE_CONTROL, HeaderValue::from_static(FOREVER))
        .header(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if held.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.tag) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response.content_type(asset.media_type).body(asset.content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_content_of_its_file() {
        let asset = Asset::new("app", "css", "text/css", b"a{}");
        let other = Asset::new("app", "css", "text/css", b"b{}");
        assert_ne!(asset.path(), other.path());
        assert_eq!(asset.path().len(), "/assets/app.12345678.css".len());
        assert!(find("app.00000000.css").is_none());
        assert!(find(STYLE.path().trim_start_matches("/assets/")).is_some());
    }
}
