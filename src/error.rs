//! One error for the whole crate: what failed, on which thing, and what to do next.
//!
//! The same three sentences reach the terminal, the page and the JSON answer. Exit codes hang on
//! [`ErrorKind`] in the command line, HTTP statuses in the web module; neither is known here.

use std::error::Error as StdError;
use std::fmt;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::snapshot::Preview;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it was: what a caller can decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request itself is wrong: a missing kind, an id that does not match, an unknown option.
    Invalid,
    /// The named thing does not exist.
    NotFound,
    /// The named thing exists and its content is not what it should be.
    Damaged,
    /// The database has moved on since the plan was shown; the error carries the new plan.
    PlanMoved,
    /// The request contradicts the present state: another schema, a broken foreign key.
    Conflict,
    /// The request is understood and not allowed, whoever repeats it.
    Forbidden,
    /// The request carries more than the limit.
    TooLarge,
    /// Somebody else holds what is needed; trying again later can succeed.
    Busy,
    /// Somebody asked the operation to end before it was done; nothing was changed.
    Cancelled,
    /// The database, the store or the machine failed.
    Failed,
}

/// A failure: what, on which thing, and the next step.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    what: String,
    thing: String,
    hint: String,
    details: Vec<String>,
    plan: Option<Preview>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of `kind`, said in one sentence without a full stop.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            what: what.into(),
            thing: String::new(),
            hint: String::new(),
            details: Vec::new(),
            plan: None,
            source: None,
        }))
    }

    /// A wrong request.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, what)
    }

    /// Something that does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, what)
    }

    /// Something whose content is not what it should be.
    pub fn damaged(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Damaged, what)
    }

    /// A request that contradicts the present state.
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, what)
    }

    /// A failure of the database, the store or the machine.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, what)
    }

    /// Names the thing that it happened to: a path, `kind/id`, a table.
    #[must_use]
    pub fn on(mut self, thing: impl fmt::Display) -> Self {
        self.0.thing = thing.to_string();
        self
    }

    /// Says what to do next, in one sentence without a full stop.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = hint.into();
        self
    }

    /// Adds lines that a reader needs one by one, such as the differences of two schemas.
    #[must_use]
    pub fn details(mut self, details: Vec<String>) -> Self {
        self.0.details = details;
        self
    }

    /// Attaches the plan as it now is, for a request that was made on an older one.
    #[must_use]
    pub fn plan(mut self, plan: Preview) -> Self {
        self.0.plan = Some(plan);
        self
    }

    /// Attaches the failure underneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What sort of failure it was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What failed, with the failure underneath in brackets where there is one.
    #[must_use]
    pub fn what(&self) -> String {
        match &self.0.source {
            Some(source) => format!("{} ({source})", self.0.what),
            None => self.0.what.clone(),
        }
    }

    /// The thing that it happened to; empty when there is none to name.
    #[must_use]
    pub fn thing(&self) -> &str {
        &self.0.thing
    }

    /// The next step; empty when there is none.
    #[must_use]
    pub fn next_step(&self) -> &str {
        &self.0.hint
    }

    /// Lines that belong to the failure, such as the differences of two schemas.
    #[must_use]
    pub fn detail_lines(&self) -> &[String] {
        &self.0.details
    }

    /// The plan as it now is, when the kind is [`ErrorKind::PlanMoved`].
    #[must_use]
    pub fn new_plan(&self) -> Option<&Preview> {
        self.0.plan.as_ref()
    }
}

/// The JSON form: `{"what", "thing", "hint"}`, with `details` and `plan` where there are any.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut told = serializer.serialize_map(None)?;
        told.serialize_entry("what", &self.what())?;
        told.serialize_entry("thing", self.thing())?;
        told.serialize_entry("hint", self.next_step())?;
        if !self.detail_lines().is_empty() {
            told.serialize_entry("details", self.detail_lines())?;
        }
        if let Some(plan) = self.new_plan() {
            told.serialize_entry("plan", plan)?;
        }
        told.end()
    }
}

/// An error as a whole JSON answer: `{"error": …}`.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Report<'e> {
    /// The error.
    pub error: &'e Error,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.thing.is_empty() {
            f.write_str(&self.what())
        } else {
            write!(f, "{}: {}", self.0.thing, self.what())
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("what", &self.what())
            .field("thing", &self.0.thing)
            .field("hint", &self.0.hint)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
