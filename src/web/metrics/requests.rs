//! Requests in numbers: how many of each sort, and how long they took.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use poem::http::{Method, StatusCode};

use crate::histogram::Histogram;

/// Requests that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sort {
    /// The address as the table of routes has it: `/snapshots/:id/preview`.
    pub(crate) route: String,
    /// The method, or `other`: there may be any number of those.
    pub(crate) method: &'static str,
    /// The class of the status: `2xx`.
    pub(crate) status: &'static str,
}

impl Sort {
    pub(crate) fn new(route: &str, method: &Method, status: StatusCode) -> Self {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            _ => "other",
        };
        let status = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        Self { route: route.to_owned(), method, status }
    }
}

/// Every request that was answered, until its answer began.
#[derive(Default)]
pub(crate) struct Requests(Mutex<BTreeMap<Sort, Histogram>>);

impl Requests {
    /// Counts one.
    pub(crate) fn add(&self, sort: Sort, took: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(sort).or_default().add(took);
    }

    pub(super) fn read(&self) -> BTreeMap<Sort, Histogram> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
