//! What every command wants to know of the database and its store.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;
use snapback::database::{Database, EventOptions};
use snapback::many::Name;
use snapback::snapshot::{Options, Retention, Schedule, Snapshots};
use snapback::store::Store;
use snapback::{Error, Result};

use super::operations::{self, OperationOptions};
use super::retention::RetentionOptions;

/// One database, and how it is opened.
#[derive(Clone, Debug, Args)]
pub(crate) struct DatabaseOptions {
    /// The live SQLite database
    #[arg(
        long,
        value_name = "FILE",
        env = "SNAPBACK_DB",
        required_unless_present = "config",
        help_heading = "Database"
    )]
    db: Option<PathBuf>,

    /// A file that says everything else, as for `serve`
    #[arg(long, value_name = "FILE", env = "SNAPBACK_CONFIG", help_heading = "Database")]
    config: Option<PathBuf>,

    /// Which of the databases in that file is meant
    #[arg(long, value_name = "NAME", requires = "config", help_heading = "Database")]
    name: Option<Name>,

    /// Print facts as JSON, and errors too
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,

    #[command(flatten)]
    opening: OpeningOptions,
}

/// How a database is opened: its store, its event log and its retention.
#[derive(Clone, Debug, Args)]
pub(crate) struct OpeningOptions {
    /// Open the database on a network file system, where SQLite's locks cannot be relied on
    #[arg(
        long,
        env = "SNAPBACK_FORCE_NETWORK",
        value_parser = FalseyValueParser::new(),
        help_heading = "Database"
    )]
    force_network: bool,

    /// Where snapshots live: a directory or an object-store URL [default: FILE.snapback/]
    #[arg(long, value_name = "PLACE", env = "SNAPBACK_STORE", help_heading = "Database")]
    pub(crate) store: Option<String>,

    #[command(flatten)]
    cache: CacheOptions,

    #[command(flatten)]
    tables: TableOptions,

    #[command(flatten)]
    operations: OperationOptions,
}

/// What is kept here of a store far away.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
struct CacheOptions {
    /// Where to keep what is read often of an object store [default: the user's cache folder]
    #[arg(long, value_name = "FOLDER", env = "SNAPBACK_CACHE")]
    cache: Option<PathBuf>,

    /// How many megabytes that may take; 0 keeps nothing
    #[arg(long, value_name = "MB", env = "SNAPBACK_CACHE_SIZE", default_value_t = 256)]
    cache_size: u64,
}

impl CacheOptions {
    /// The store with its cache; without one where there is no place for it.
    fn of(&self, store: Store) -> Store {
        match self.cache.clone().or_else(usual_cache) {
            Some(folder) => store.with_cache(&folder, self.cache_size.saturating_mul(1_000_000)),
            None => store,
        }
    }
}

/// `snapback` in the user's cache folder.
fn usual_cache() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(cache.join("snapback"))
}

/// Where every snapshot goes a second time.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct MirrorOptions {
    /// A second store that every snapshot is copied to; nothing is pruned there
    #[arg(long, value_name = "PLACE", env = "SNAPBACK_MIRROR", help_heading = "Database")]
    pub(crate) mirror: Option<String>,
}

/// Which table is the event log, and which tables are left out.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Database")]
pub(crate) struct TableOptions {
    /// The event log's table, or `none` [default: detected]
    #[arg(long, value_name = "TABLE", env = "SNAPBACK_EVENT_TABLE")]
    event_table: Option<String>,

    /// The event log's position column [default: detected]
    #[arg(long, value_name = "COLUMN", env = "SNAPBACK_EVENT_COLUMN")]
    event_column: Option<String>,

    /// The column that tells an event's type [default: detected]
    #[arg(long, value_name = "COLUMN", env = "SNAPBACK_EVENT_TYPE_COLUMN")]
    event_type_column: Option<String>,

    /// The column that tells an event's time [default: detected]
    #[arg(long, value_name = "COLUMN", env = "SNAPBACK_EVENT_TIME_COLUMN")]
    event_time_column: Option<String>,

    /// A table that is neither snapshotted nor restored; `*` and `?` match; repeated or with commas
    #[arg(long, value_name = "PATTERN", env = "SNAPBACK_EXCLUDE_TABLE", value_delimiter = ',')]
    exclude_table: Vec<String>,

    /// A column, TABLE.COLUMN, whose values are shown nowhere; `*` and `?` match; repeated or with
    /// commas
    #[arg(long, value_name = "COLUMN", env = "SNAPBACK_REDACT", value_delimiter = ',')]
    redact: Vec<String>,

    #[command(flatten)]
    retention: RetentionOptions,
}

impl DatabaseOptions {
    /// Opens the database and its store.
    pub(crate) fn open(&self) -> Result<Snapshots> {
        self.open_mirrored(&MirrorOptions::default())
    }

    /// Opens the database, its store and the mirror.
    pub(crate) fn open_mirrored(&self, mirror: &MirrorOptions) -> Result<Snapshots> {
        let mirror = mirror.mirror.as_deref();
        self.opening.open(self.db()?, &self.store()?, mirror, Schedule::default())
    }

    /// The store's place as it was given, or beside the database.
    pub(crate) fn store(&self) -> Result<String> {
        self.opening.store_of(self.db()?)
    }

    fn db(&self) -> Result<&Path> {
        self.db
            .as_deref()
            .ok_or_else(|| Error::invalid("no database is named").hint("name one with --db FILE"))
    }
}

impl OpeningOptions {
    /// Opens a database with its store.
    pub(crate) fn open(
        &self,
        db: &Path,
        store: &str,
        mirror: Option<&str>,
        schedule: Schedule,
    ) -> Result<Snapshots> {
        let options = self.operations.add_to(Options { schedule, ..self.tables.snapshots()? })?;
        let alarm = options.alarm.clone();
        let open = || {
            let database = self.look_at(db)?;
            let mirror = mirror.map(Store::open).transpose()?;
            let options = Options { mirror, ..options };
            Snapshots::open(database, self.cache.of(Store::open(store)?), options)
        };
        // What cannot be opened has no history that would tell of it.
        open().inspect_err(|error| operations::tell(alarm.as_ref(), error, db))
    }

    /// Opens a database alone, to see that it can be served.
    pub(crate) fn look_at(&self, db: &Path) -> Result<Database> {
        let open = if self.force_network { Database::open_anywhere } else { Database::open };
        open(db, &self.tables.events())
    }

    /// The store's place as it was given, or beside the database.
    pub(crate) fn store_of(&self, db: &Path) -> Result<String> {
        match &self.store {
            Some(place) => Ok(place.clone()),
            None => beside(db),
        }
    }

    /// Which snapshots are kept.
    pub(crate) fn retention(&self) -> Result<Retention> {
        self.tables.retention.read()
    }
}

impl TableOptions {
    fn events(&self) -> EventOptions {
        EventOptions {
            table: self.event_table.clone(),
            column: self.event_column.clone(),
            type_column: self.event_type_column.clone(),
            time_column: self.event_time_column.clone(),
        }
    }

    fn snapshots(&self) -> Result<Options> {
        Ok(Options {
            retention: self.retention.read()?,
            exclude_tables: self.exclude_table.clone(),
            redact: self.redact.clone(),
            ..Options::default()
        })
    }
}

/// The store that belongs to a database when nobody names one.
pub(crate) fn beside(database: &Path) -> Result<String> {
    let mut place = database.as_os_str().to_owned();
    place.push(".snapback");
    place.into_string().map_err(|place| {
        Error::invalid("the store beside this database would have a name that is not UTF-8")
            .on(place.display())
            .hint("say where snapshots should live with --store")
    })
}

/// Who a command says it was, for the history.
pub(crate) fn by() -> String {
    std::env::var("USER")
        .ok()
        .filter(|user| !user.is_empty())
        .unwrap_or_else(|| "command line".to_owned())
}
