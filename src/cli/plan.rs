//! What `serve` serves: one database by plain paths, or several by their names.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use snapback::many::{Builder, Databases, Name, Place};
use snapback::snapshot::Snapshots;
use snapback::{Error, Result};

use super::config::{Layer, Section, Subject, read_place};
use super::options::{MirrorOptions, OpeningOptions, beside};
use super::print;
use super::schedule::ScheduleOptions;
use super::serve::Serve;

/// A database as `--db` names it: `app.db`, or `orders=data/orders.db`.
#[derive(Clone, Debug)]
pub(super) struct NamedFile {
    name: Option<Name>,
    path: PathBuf,
}

impl FromStr for NamedFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.contains('/') => {
                let name: Name = name
                    .parse()
                    .map_err(|error: Error| format!("{error}; {}", error.next_step()))?;
                Ok(Self { name: Some(name), path: path.into() })
            }
            _ => Ok(Self { name: None, path: text.into() }),
        }
    }
}

/// How each of several databases is opened and kept.
#[derive(Clone, Debug, Args)]
pub(super) struct PlaceOptions {
    #[command(flatten)]
    pub(super) opening: OpeningOptions,

    #[command(flatten)]
    mirror: MirrorOptions,

    #[command(flatten)]
    pub(super) schedule: ScheduleOptions,
}

/// One database that is to be served.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) path: PathBuf,
    pub(super) store: String,
    mirror: Option<String>,
    pub(super) options: PlaceOptions,
    /// What the file says of this one.
    pub(super) layer: Layer,
}

/// Databases that fit a pattern.
#[derive(Clone, Debug)]
pub(super) struct PlannedFolder {
    pub(super) pattern: String,
    pub(super) options: PlaceOptions,
    layer: Layer,
}

/// What is to be served.
pub(super) enum Plan {
    One(Box<Planned>),
    Many(Many),
}

/// Several databases, in the order in which they were named.
#[derive(Default)]
pub(super) struct Many {
    pub(super) named: Vec<(Name, Planned)>,
    pub(super) folders: Vec<PlannedFolder>,
}

impl Planned {
    /// A database with a store and a mirror of its own, where one is named for all of them.
    fn below(name: &Name, path: &Path, options: &PlaceOptions, layer: Layer) -> Result<Self> {
        let store = match &options.opening.store {
            Some(store) => join(store, name),
            None => beside(path)?,
        };
        let mirror = options.mirror.mirror.as_deref().map(|mirror| join(mirror, name));
        Ok(Self { path: path.to_owned(), store, mirror, options: options.clone(), layer })
    }

    pub(super) fn open(&self) -> Result<Snapshots> {
        let schedule = self.options.schedule.read();
        self.options.opening.open(&self.path, &self.store, self.mirror.as_deref(), schedule)
    }

    /// Opens the database alone, to see that it can be served.
    pub(super) fn look_at(&self) -> Result<()> {
        self.options.opening.look_at(&self.path).map(drop)
    }

    fn place(self) -> Place {
        let (path, store, schedule) =
            (self.path.clone(), self.store.clone(), self.options.schedule.read());
        Place::new(&path, &store, schedule, move || {
            make_parent(&self.store)?;
            self.mirror.as_deref().map_or(Ok(()), make_parent)?;
            self.open()
        })
    }
}

/// A place for one database below the one for all of them.
fn join(place: &str, name: &Name) -> String {
    format!("{}/{name}", place.trim_end_matches('/'))
}

/// Makes the folder that the stores of several databases lie in. An address has none.
fn make_parent(store: &str) -> Result<()> {
    let parent = Path::new(store).parent().filter(|_| !store.contains("://"));
    let Some(parent) = parent.filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    match std::fs::create_dir(parent) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::failed("the folder of the stores could not be made")
                .on(parent.display())
                .hint("make it, or name another with --store")
                .because(error))
        }
        _ => Ok(()),
    }
}

impl PlannedFolder {
    /// A database of the folder.
    fn planned(&self, name: &Name, path: &Path) -> Result<Planned> {
        Planned::below(name, path, &self.options, self.layer.clone())
    }

    fn place(&self, name: &Name, path: &Path) -> Place {
        match self.planned(name, path) {
            Ok(planned) => planned.place(),
            Err(error) => {
                let (what, hint) = (error.to_string(), error.next_step().to_owned());
                let refused = move || Err(Error::invalid(what.clone()).hint(hint.clone()));
                Place::new(path, "", self.options.schedule.read(), refused)
            }
        }
    }
}

impl Plan {
    /// What the options of `serve` and its file say together.
    pub(super) fn of(serve: &Serve) -> Result<Self> {
        let options = &serve.place;
        let alone = serve.db_glob.is_empty() && serve.sections.is_empty();
        if let ([NamedFile { name: None, path }], true) = (&serve.db[..], alone) {
            options.opening.retention()?;
            return Ok(Self::One(Box::new(Planned {
                path: path.clone(),
                store: options.opening.store_of(path)?,
                mirror: options.mirror.mirror.clone(),
                options: options.clone(),
                layer: Layer::default(),
            })));
        }
        let mut many = Many::default();
        for file in &serve.db {
            let name = match &file.name {
                Some(name) => name.clone(),
                None => stem(&file.path)?,
            };
            let planned = Planned::below(&name, &file.path, options, Layer::default())?;
            many.named.push((name, planned));
        }
        let folder = |pattern: &String| PlannedFolder {
            pattern: pattern.clone(),
            options: options.clone(),
            layer: Layer::default(),
        };
        many.folders.extend(serve.db_glob.iter().map(folder));
        for section in &serve.sections {
            many.add(section)?;
        }
        if many.named.is_empty() && many.folders.is_empty() {
            return Err(Error::invalid("no database is named")
                .hint("name one with --db, or in the file with db or [databases.NAME]"));
        }
        Ok(Self::Many(many))
    }
}

impl Many {
    fn add(&mut self, section: &Section) -> Result<()> {
        let (options, layer) = (read_place(&section.layer)?, section.layer.clone());
        match &section.subject {
            Subject::Database(path) => {
                let name = section.name.clone();
                let mut planned = Planned::below(&name, path, &options, layer)?;
                if let (Some(store), true) = (&options.opening.store, section.own_store) {
                    planned.store.clone_from(store);
                }
                if section.own_mirror {
                    planned.mirror.clone_from(&options.mirror.mirror);
                }
                self.named.push((name, planned));
            }
            Subject::Folder(pattern) => {
                self.folders.push(PlannedFolder { pattern: pattern.clone(), options, layer });
            }
        }
        Ok(())
    }

    /// Everything that is served; an error when two have the same name, or a pattern is none.
    pub(super) fn databases(&self, open_at_once: usize) -> Result<Databases> {
        let mut databases = Builder::default().open_at_once(open_at_once);
        for (name, planned) in &self.named {
            planned.options.opening.retention()?;
            databases = databases.database(name.clone(), planned.clone().place())?;
        }
        for folder in &self.folders {
            folder.options.opening.retention()?;
            let pattern = folder.pattern.clone();
            let folder = folder.clone();
            databases = databases.folder(&pattern, move |name, path| folder.place(name, path))?;
        }
        Ok(databases.build())
    }

    /// The one of this name; the only one, where no name is given.
    pub(super) fn find(&self, name: Option<&Name>) -> Result<Planned> {
        let names = self.databases(1)?.names();
        let ((Some(wanted), _) | (None, [wanted])) = (name, &names[..]) else {
            return Err(Error::invalid("the file tells of several databases")
                .hint("say which one is meant with --name")
                .details(names.iter().map(ToString::to_string).collect()));
        };
        if let Some((_, planned)) = self.named.iter().find(|(name, _)| name == wanted) {
            return Ok(planned.clone());
        }
        for folder in &self.folders {
            let alone = Self { folders: vec![folder.clone()], ..Self::default() };
            if let Ok(place) = alone.databases(1)?.place(wanted) {
                return folder.planned(wanted, place.path());
            }
        }
        Err(Error::not_found("there is no database of this name")
            .on(wanted)
            .hint("choose one of those that `snapback config check` prints"))
    }

    /// What is served, in a few lines.
    pub(super) fn greeting(&self, databases: &Databases) -> String {
        const SHOWN: usize = 8;
        let names = databases.names();
        let mut shown: Vec<String> = names.iter().take(SHOWN).map(ToString::to_string).collect();
        if names.len() > SHOWN {
            shown.push("…".to_owned());
        }
        let mut lines = format!("databases {} ({})\n", names.len(), shown.join(", "));
        for folder in &self.folders {
            let _ = writeln!(lines, "folder    {}", print::printable(&folder.pattern));
        }
        let _ = writeln!(
            lines,
            "SQLite    {}, {} databases open at once",
            rusqlite::version(),
            databases.open_at_once()
        );
        lines
    }
}

/// The name of a database after its file.
fn stem(path: &Path) -> Result<Name> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.parse().map_err(|error: Error| error.hint("give it a name: --db NAME=FILE"))
}
