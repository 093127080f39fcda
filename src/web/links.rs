//! Every address of the console, made in one place that knows the mount path.

use std::fmt::Write as _;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::many::Name;
use crate::snapshot::{Change, Format, HistoryQuery, Point, Scope, SnapshotRef};

/// What stays as it is in a path segment or a query value; everything else is escaped.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
const ESCAPED_IN_PATH: &AsciiSet = &ESCAPED.add(b'/');

/// Below the mount path, what the databases of a console that serves several are below.
pub(crate) const DATABASES: &str = "/d";

/// Makes addresses below the path that the console is mounted at, for one of its places: the one
/// database that it serves, one of several, or the overview over those. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    mount: Arc<str>,
    base: Arc<str>,
    place: Place,
}

/// What the links of a place lead around in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Only,
    Overview,
    Database(Name),
}

impl Links {
    /// Links below `mount`: empty, or a path such as `/admin`; a slash at its end is ignored.
    pub(crate) fn new(mount: &str) -> Self {
        let path = mount.trim_matches('/');
        let mount = if path.is_empty() { String::new() } else { format!("/{path}") };
        Self { mount: mount.as_str().into(), base: mount.into(), place: Place::Only }
    }

    /// The links of the overview over several databases.
    pub(crate) fn of_overview(&self) -> Self {
        Self { base: self.mount.clone(), place: Place::Overview, ..self.clone() }
    }

    /// The links of one database of several.
    pub(crate) fn of_database(&self, name: &Name) -> Self {
        let base = format!("{}{DATABASES}/{name}", self.mount).into();
        Self { base, place: Place::Database(name.clone()), ..self.clone() }
    }

    /// The database that these links are of, where there are several.
    pub(crate) fn database(&self) -> Option<&Name> {
        match &self.place {
            Place::Database(name) => Some(name),
            _ => None,
        }
    }

    /// Whether these links are of the overview, which has no snapshots of its own.
    pub(crate) fn is_overview(&self) -> bool {
        self.place == Place::Overview
    }

    /// The overview, where there are several databases.
    pub(crate) fn overview(&self) -> Option<String> {
        (self.place != Place::Only).then(|| format!("{}{DATABASES}", self.mount))
    }

    /// The path that the console is mounted at, without a slash at its end.
    pub(crate) fn mount(&self) -> &str {
        &self.mount
    }

    /// Taking a snapshot of every database.
    pub(crate) fn take_all(&self) -> String {
        self.shared("/take")
    }

    /// The databases to choose from, for a dialog.
    pub(crate) fn pick(&self) -> String {
        self.shared("/pick")
    }

    /// An address that takes no parameters.
    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address of what all places share.
    pub(crate) fn shared(&self, path: &str) -> String {
        format!("{}{path}", self.mount)
    }

    /// The page that everything else of the place opens in.
    pub(crate) fn list(&self) -> String {
        match &self.place {
            Place::Overview => self.to(DATABASES),
            _ => self.to("/snapshots"),
        }
    }

    /// The part of the list behind a snapshot, narrowed to what was typed.
    pub(crate) fn list_behind(&self, snapshot: &SnapshotRef, typed: &str) -> String {
        let query = Query::default().with("after", &snapshot.to_string());
        let query = if typed.is_empty() { query } else { query.with("q", typed) };
        format!("{}{}", self.list(), query.0)
    }

    /// The row of one snapshot in the list.
    pub(crate) fn row(&self, snapshot: &SnapshotRef) -> String {
        format!("{}#{}", self.list(), super::dom::id("row", snapshot))
    }

    pub(crate) fn take(&self) -> String {
        self.to("/snapshots/take")
    }

    pub(crate) fn import(&self) -> String {
        self.to("/snapshots/import")
    }

    pub(crate) fn history(&self) -> String {
        self.to("/history")
    }

    /// The part of the history that a query wants.
    pub(crate) fn history_of(&self, query: &HistoryQuery) -> String {
        let mut fields = Query::default();
        let words = query.words.trim();
        if !words.is_empty() {
            fields = fields.with("q", words);
        }
        if let Some(action) = query.action {
            fields = fields.with("what", action.name());
        }
        if let Some(ok) = query.ok {
            fields = fields.with("outcome", if ok { "done" } else { "failed" });
        }
        if let Some(before) = &query.before {
            fields = fields.with("before", before);
        }
        if query.limit > 0 {
            fields = fields.with("limit", &query.limit.to_string());
        }
        format!("{}{}", self.history(), fields.0)
    }

    /// What rules of retention would keep.
    pub(crate) fn retention(&self) -> String {
        self.to("/retention")
    }

    /// What is under way.
    pub(crate) fn jobs(&self) -> String {
        self.to("/jobs")
    }

    /// One piece of work, under way or ended.
    pub(crate) fn job(&self, id: &str) -> String {
        self.to(&format!("/jobs/{id}"))
    }

    /// The stream of what is new.
    pub(crate) fn live(&self) -> String {
        self.to("/live")
    }

    /// The parts of the list page that what is new made old.
    pub(crate) fn news(&self) -> String {
        self.to("/live/list")
    }

    pub(crate) fn login(&self) -> String {
        self.shared("/login")
    }

    pub(crate) fn logout(&self) -> String {
        self.shared("/logout")
    }

    pub(crate) fn compare(&self) -> String {
        self.to("/snapshots/compare")
    }

    /// The changed rows of one table between two points.
    pub(crate) fn compare_rows(
        &self,
        from: &Point,
        to: &Point,
        table: &str,
        change: Option<Change>,
        after: Option<&str>,
    ) -> String {
        let query = Query::default()
            .with("from", &from.to_string())
            .with("to", &to.to_string())
            .with("table", table);
        format!("{}{}", self.compare(), page_of(query, change, after).0)
    }

    pub(crate) fn preview(&self, snapshot: &SnapshotRef) -> String {
        self.of(snapshot, "preview")
    }

    /// The changed rows of one table, were `snapshot` restored.
    pub(crate) fn rows(
        &self,
        snapshot: &SnapshotRef,
        table: &str,
        change: Option<Change>,
        after: Option<&str>,
    ) -> String {
        let table = utf8_percent_encode(table, ESCAPED_IN_PATH);
        let query = Query::default().with("kind", snapshot.kind.name());
        let query = page_of(query, change, after).0;
        self.to(&format!("/snapshots/{}/tables/{table}{query}", snapshot.id))
    }

    /// The events after a snapshot: of one type, from below a position.
    pub(crate) fn events(
        &self,
        snapshot: &SnapshotRef,
        of_type: Option<&str>,
        before: Option<i64>,
    ) -> String {
        let mut query = Query::default().with("kind", snapshot.kind.name());
        if let Some(of_type) = of_type {
            query = query.with("type", of_type);
        }
        if let Some(before) = before {
            query = query.with("before", &before.to_string());
        }
        format!("{}{}", self.act(snapshot, "events"), query.0)
    }

    /// The confirmation of a restore; with a scope, that one is chosen first.
    pub(crate) fn restore(&self, snapshot: &SnapshotRef, scope: Option<Scope>) -> String {
        let link = self.of(snapshot, "restore");
        match scope {
            Some(scope) => format!("{link}&scope={}", scope.name()),
            None => link,
        }
    }

    /// Where the confirmation of a restore is sent.
    pub(crate) fn apply(&self, snapshot: &SnapshotRef) -> String {
        self.to(&format!("/snapshots/restore/{}", snapshot.id))
    }

    /// The confirmation of a deletion.
    pub(crate) fn delete(&self, snapshot: &SnapshotRef) -> String {
        self.of(snapshot, "delete")
    }

    /// Where a form about one snapshot is sent: `label`, `delete` or `verify`.
    pub(crate) fn act(&self, snapshot: &SnapshotRef, verb: &str) -> String {
        self.to(&format!("/snapshots/{}/{verb}", snapshot.id))
    }

    pub(crate) fn export(&self, snapshot: &SnapshotRef, format: Format) -> String {
        format!("{}&format={}", self.of(snapshot, "export"), format.name())
    }

    fn of(&self, snapshot: &SnapshotRef, verb: &str) -> String {
        format!("{}?kind={}", self.act(snapshot, verb), snapshot.kind)
    }
}

fn page_of(query: Query, change: Option<Change>, after: Option<&str>) -> Query {
    let query = match change {
        Some(change) => query.with("change", change.name()),
        None => query,
    };
    match after {
        Some(after) => query.with("after", after),
        None => query,
    }
}

#[derive(Default)]
struct Query(String);

impl Query {
    fn with(mut self, name: &str, value: &str) -> Self {
        let mark = if self.0.is_empty() { '?' } else { '&' };
        // Writing to a String does not fail.
        let _ = write!(self.0, "{mark}{name}={}", utf8_percent_encode(value, ESCAPED));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> SnapshotRef {
        "periodic/20261122T200446Z".parse().expect("a name")
    }

    #[test]
    fn every_link_stands_below_the_mount_path() {
        for mount in ["/admin", "admin", "/admin/"] {
            let links = Links::new(mount);
            assert_eq!(links.list(), "/admin/snapshots");
            assert_eq!(
                links.preview(&snapshot()),
                "/admin/snapshots/20261122T200446Z/preview?kind=periodic"
            );
        }
        assert_eq!(Links::new("/").list(), "/snapshots");
        assert_eq!(Links::new("").mount(), "");
    }

    #[test]
    fn a_table_of_any_name_is_one_path_segment() {
        let link = Links::new("").rows(&snapshot(), "a/b ?&#é", Some(Change::Added), Some("5&6"));
        assert_eq!(
            link,
            "/snapshots/20261122T200446Z/tables/a%2Fb%20%3F%26%23%C3%A9\
             ?kind=periodic&change=added&after=5%266"
        );
    }
}
