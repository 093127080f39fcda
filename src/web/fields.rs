//! The fields of a request, from its query or its form, with the rules that all of them share.

use std::sync::Arc;

use poem::error::{ParseFormError, ReadBodyError};
use poem::http::Method;
use poem::{FromRequest, Request, RequestBody};

use super::console::App;
use crate::error::{Error, Result};
use crate::snapshot::{Kind, SnapshotRef};

/// The largest form, in bytes, however it is sent.
pub(crate) const FORM_LIMIT: usize = 64 * 1024;

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// Names and values in the order in which they were sent: of the query, or of a POST's form.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The one value of a field. A field that is there twice is an error: which one was meant?
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.all(name);
        let value = values.next();
        match values.next() {
            None => Ok(value),
            Some(_) => Err(Error::invalid(format!("the field {name} is given more than once"))
                .on(name)
                .hint(format!("send {name} once"))),
        }
    }

    /// Every value of a field that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// A field that is there and not empty.
    pub(crate) fn filled(&self, name: &str) -> Result<Option<&str>> {
        Ok(self.one(name)?.filter(|value| !value.is_empty()))
    }

    /// A switch: on with `1`, `true` or `on`; off with `0`, `false`, `off`; `None` when absent.
    pub(crate) fn switch(&self, name: &str) -> Result<Option<bool>> {
        match self.filled(name)? {
            None => Ok(None),
            Some("1" | "true" | "on") => Ok(Some(true)),
            Some("0" | "false" | "off") => Ok(Some(false)),
            Some(other) => Err(Error::invalid(format!("{other:?} is neither on nor off"))
                .on(name)
                .hint(format!("send {name}=1 or {name}=0"))),
        }
    }

    /// A field that `FromStr` reads; `None` when it is missing or empty.
    pub(crate) fn read<T: std::str::FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>> {
        self.filled(name)?.map(str::parse).transpose()
    }

    /// The kind, which is never defaulted.
    pub(crate) fn kind(&self) -> Result<Kind> {
        self.one("kind")?.unwrap_or_default().parse()
    }

    /// The snapshot named by this request's `kind` and the id of its path, checked in this order.
    pub(crate) fn snapshot(&self, id: &str) -> Result<SnapshotRef> {
        let kind = self.kind()?;
        Ok(SnapshotRef::new(kind, id.parse()?))
    }

    /// Checks that `confirm_id` repeats the id of the path.
    pub(crate) fn confirmed(&self, id: &str) -> Result<()> {
        let what = match self.filled("confirm_id")? {
            Some(typed) if typed == id => return Ok(()),
            Some(_) => "the confirmation is not the id of the snapshot",
            None => "the confirmation is missing",
        };
        Err(Error::invalid(what)
            .on("confirm_id")
            .hint(format!("type {} to confirm; nothing was changed", id.escape_debug())))
    }
}

impl<'a> FromRequest<'a> for Fields {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        if request.method() != Method::POST {
            return Ok(Self::parse(request.uri().query().unwrap_or_default().as_bytes()));
        }
        if let Some(sent) = request.content_type() {
            let essence = sent.split(';').next().unwrap_or_default().trim();
            if !essence.eq_ignore_ascii_case(FORM_TYPE) {
                return Err(ParseFormError::InvalidContentType(essence.to_owned()).into());
            }
        }
        let arriving = body.take()?.into_bytes_limit(FORM_LIMIT);
        let patience =
            request.data::<Arc<App>>().map_or(super::PATIENCE, |app| app.site.options.patience);
        match tokio::time::timeout(patience, arriving).await {
            Ok(form) => Ok(Self::parse(&form?)),
            Err(_) => Err(ReadBodyError::Io(std::io::ErrorKind::TimedOut.into()).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(encoded: &str) -> Fields {
        Fields::parse(encoded.as_bytes())
    }

    #[test]
    fn a_kind_that_is_missing_empty_or_unknown_names_the_two_kinds() {
        for form in ["", "kind=", "kind=weekly", "kind=Periodic", "kind=+periodic"] {
            let error = fields(form).kind().expect_err(form);
            assert_eq!(error.thing(), "kind", "{form}");
            assert_eq!(error.next_step(), "state kind=periodic or kind=rewind", "{form}");
        }
        assert_eq!(fields("kind=rewind").kind().expect("a kind"), Kind::Rewind);
    }

    #[test]
    fn a_kind_that_is_given_twice_is_refused() {
        let error = fields("kind=rewind&kind=periodic").kind().expect_err("two kinds");
        assert_eq!(error.to_string(), "kind: the field kind is given more than once");
    }

    #[test]
    fn the_kind_is_checked_before_the_id() {
        let error = fields("").snapshot("../x").expect_err("no kind");
        assert_eq!(error.thing(), "kind");
        let error = fields("kind=rewind").snapshot("../x").expect_err("no such id");
        assert_eq!(error.kind(), crate::ErrorKind::NotFound);
    }

    #[test]
    fn only_the_exact_id_confirms() {
        assert!(fields("confirm_id=20261122T200446Z").confirmed("20261122T200446Z").is_ok());
        for form in
            ["", "confirm_id=", "confirm_id=20261122t200446z", "confirm_id=20261122T200446Z+"]
        {
            assert!(fields(form).confirmed("20261122T200446Z").is_err(), "{form}");
        }
    }

    #[test]
    fn repeated_fields_keep_their_order() {
        let fields = fields("table=b&x=1&table=a%26c");
        assert_eq!(fields.all("table").collect::<Vec<_>>(), ["b", "a&c"]);
    }
}
