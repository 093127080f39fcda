//! Reading the file: each key is one that is known, each value one that its option takes.

use std::error::Error as _;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, CommandFactory as _};
use snapback::many::Name;
use snapback::{Error, Result};
use toml::{Table, Value};

use super::{Given, Layer, OnePlace, Section, Subject, command, is_switch};

/// The tables of databases one by one, each with the key that names the files.
const TABLES: [(&str, &str); 2] = [("databases", "db"), ("folders", "db-glob")];

/// Options of `serve` that make no sense in the file.
const NOT_HERE: [&str; 4] = ["config", "json", "help", "version"];

/// Options that name files: in the file they are meant from its own folder.
const PATHS: [&str; 6] = ["db", "db-glob", "store", "mirror", "cache", "password-hash-file"];

/// The whole file.
pub(super) struct File {
    path: PathBuf,
    /// What holds for everything.
    pub(super) top: Layer,
    /// The tables, with what they say themselves.
    tables: Vec<(&'static str, Name, Layer)>,
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::failed("the configuration cannot be read")
            .on(path.display())
            .hint("check the path given with --config")
            .because(error)
    })?;
    let table: Table = toml::from_str(&text).map_err(|error| not_toml(path, &text, &error))?;
    Reader { path, folder: path.parent().unwrap_or(Path::new("")) }.file(&table)
}

fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> Error {
    let line = error.span().and_then(|span| text.get(..span.start)).map(|before| {
        let line = before.matches('\n').count() + 1;
        format!(", line {line}")
    });
    let message = error.message().lines().next().unwrap_or_default();
    Error::invalid(format!("the configuration is no TOML ({message})"))
        .on(format!("{}{}", path.display(), line.unwrap_or_default()))
        .hint("write a key, = and a value; texts stand in quotes")
}

struct Reader<'f> {
    path: &'f Path,
    folder: &'f Path,
}

impl Reader<'_> {
    fn file(&self, table: &Table) -> Result<File> {
        let serve = command("serve");
        let known: Vec<&Arg> = options(&serve).filter(|option| !is_not_here(option)).collect();
        let mut file = File { path: self.path.to_owned(), top: Layer::new(), tables: Vec::new() };
        for (key, value) in table {
            match TABLES.iter().find(|(name, _)| name == key) {
                Some((name, files)) => {
                    for (title, keys) in self.table(key, value)? {
                        let heading = format!("{key}.{title}");
                        let title: Name = title.parse().map_err(|error: Error| {
                            let hint = error.next_step().to_owned();
                            Error::invalid(error.what()).on(self.at(&heading)).hint(hint)
                        })?;
                        let keys = self.table(&heading, keys)?;
                        file.tables.push((name, title, self.section(&heading, keys, files)?));
                    }
                }
                None => self.insert(&mut file.top, "", key, value, &known)?,
            }
        }
        Ok(file)
    }

    /// What a table says of a database, or of those of a folder.
    fn section(&self, heading: &str, table: &Table, files: &str) -> Result<Layer> {
        let (place, serve) = (OnePlace::command(), command("serve"));
        let files_option = options(&serve).filter(|option| option.get_long() == Some(files));
        let known: Vec<&Arg> =
            options(&place).filter(|option| !is_not_here(option)).chain(files_option).collect();
        let mut layer = Layer::new();
        for (key, value) in table {
            self.insert(&mut layer, heading, key, value, &known)?;
        }
        if !layer.contains_key(files) {
            return Err(Error::invalid("the table does not say which database it is about")
                .on(self.at(heading))
                .hint(format!("add the key {files}")));
        }
        Ok(layer)
    }

    fn table<'v>(&self, key: &str, value: &'v Value) -> Result<&'v Table> {
        value.as_table().ok_or_else(|| {
            Error::invalid(format!("the key takes a table, not {}", kind_of(value)))
                .on(self.at(key))
                .hint(format!("write [{key}] or [{key}.NAME] above the keys that belong to it"))
        })
    }

    fn insert(
        &self,
        layer: &mut Layer,
        heading: &str,
        key: &str,
        value: &Value,
        known: &[&Arg],
    ) -> Result<()> {
        let full = if heading.is_empty() { key.to_owned() } else { format!("{heading}.{key}") };
        let Some(option) = known.iter().find(|option| option.get_long() == Some(key)) else {
            let names = known.iter().filter_map(|option| option.get_long());
            let tables = TABLES.iter().map(|(name, _)| *name).filter(|_| heading.is_empty());
            let nearest = names.chain(tables).max_by(|a, b| {
                strsim::jaro_winkler(key, a).total_cmp(&strsim::jaro_winkler(key, b))
            });
            let serve = command("serve");
            let is_of_all = !heading.is_empty()
                && options(&serve)
                    .any(|option| option.get_long() == Some(key) && !is_not_here(option));
            let hint = if is_of_all {
                "it holds for the whole file: write it above the first table".to_owned()
            } else {
                format!("the nearest one is {}", nearest.unwrap_or_default())
            };
            return Err(Error::invalid("the configuration has a key that is not known")
                .on(self.at(&full))
                .hint(hint));
        };
        let wrong = |takes: &str| {
            Error::invalid(format!("the key takes {takes}, not {}", kind_of(value)))
                .on(self.at(&full))
                .hint(format!("write its value as for --{key}"))
        };
        let given = if is_switch(option) {
            Given::Switch(value.as_bool().ok_or_else(|| wrong("true or false"))?)
        } else {
            let single = |value: &Value| match value {
                Value::String(text) => Some(self.settled(key, text)),
                Value::Integer(number) => Some(number.to_string()),
                _ => None,
            };
            let several = matches!(option.get_action(), ArgAction::Append);
            let values: Option<Vec<String>> = match value {
                Value::Array(values) if several => values.iter().map(single).collect(),
                value => single(value).map(|value| vec![value]),
            };
            let takes = if several { "texts in brackets" } else { "a text or a whole number" };
            let values = values.ok_or_else(|| wrong(takes))?;
            for value in &values {
                self.check(&full, key, option, value)?;
            }
            Given::Values(values.into_iter().map(OsString::from).collect())
        };
        layer.insert(key.to_owned(), given);
        Ok(())
    }

    /// Has the option's own parser read a value.
    fn check(&self, full: &str, key: &str, option: &Arg, value: &str) -> Result<()> {
        let alone = clap::Command::new("snapback").arg(value_of(option));
        alone.try_get_matches_from(["snapback", "--", value]).map(drop).map_err(|error| {
            let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
            Error::invalid(format!("the value of the key is not understood{why}"))
                .on(self.at(full))
                .hint(format!("write its value as for --{key}"))
        })
    }

    /// A path as it is meant from the folder of the file.
    fn settled(&self, key: &str, text: &str) -> String {
        if !PATHS.contains(&key) || text.contains("://") {
            return text.to_owned();
        }
        let (name, path) = match text.split_once('=') {
            Some((name, path)) if key == "db" && !name.contains('/') => (format!("{name}="), path),
            _ => (String::new(), text),
        };
        format!("{name}{}", self.folder.join(path).display())
    }

    /// Where something stands, for messages.
    fn at(&self, key: &str) -> String {
        format!("{}: {key}", self.path.display())
    }
}

impl File {
    /// The databases of the tables: each as its table says, then as the file says for all, but
    /// before both as the command line says.
    pub(super) fn sections(&self, given: &Layer) -> Result<Vec<Section>> {
        let place = OnePlace::command();
        let is_of_place = |key: &str| options(&place).any(|known| known.get_long() == Some(key));
        let of_place = |layer: &Layer| -> Layer {
            let mut layer = layer.clone();
            layer.retain(|key, _| is_of_place(key));
            layer
        };
        self.tables
            .iter()
            .map(|(table, name, own)| {
                let mut layer = of_place(&self.top);
                layer.extend(of_place(own));
                layer.extend(of_place(given));
                let is_own = |key: &str| own.contains_key(key) && !given.contains_key(key);
                let (own_store, own_mirror) = (is_own("store"), is_own("mirror"));
                let subject = self.subject(table, name, own)?;
                Ok(Section { name: name.clone(), subject, own_store, own_mirror, layer })
            })
            .collect()
    }

    fn subject(&self, table: &str, name: &Name, layer: &Layer) -> Result<Subject> {
        let files = TABLES.iter().find(|(known, _)| *known == table).map_or("", |(_, key)| key);
        let text = match layer.get(files) {
            Some(Given::Values(values)) if values.len() == 1 => values[0].to_string_lossy(),
            _ => {
                return Err(Error::invalid("the table is about one file or one pattern")
                    .on(format!("{}: {table}.{name}.{files}", self.path.display()))
                    .hint("write one text"));
            }
        };
        Ok(match files {
            "db" => Subject::Database(text.as_ref().into()),
            _ => Subject::Folder(text.into_owned()),
        })
    }
}

fn options(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments()
}

fn is_not_here(option: &Arg) -> bool {
    option.get_long().is_none_or(|long| NOT_HERE.contains(&long))
}

/// What the option takes, by itself.
fn value_of(option: &Arg) -> Arg {
    let value = Arg::new(option.get_id().clone()).value_parser(option.get_value_parser().clone());
    match option.get_value_delimiter() {
        Some(delimiter) => value.action(ArgAction::Append).value_delimiter(delimiter),
        None => value,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number with a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
