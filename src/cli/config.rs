//! The file that `--config` names: what the options of `serve` say, and databases one by one.
//!
//! A key is an option without its dashes. Its value goes through the option's own parser, and takes
//! the option's place unless the command line or the environment has given that.

mod check;
mod read;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches as _, Parser};
use snapback::many::Name;
use snapback::{Error, Result};

use super::plan::{PlaceOptions, Plan, Planned};
use super::serve::Serve;
use super::{Cli, Command};
pub(super) use check::ConfigCommand;

/// Options by their names.
pub(super) type Layer = BTreeMap<String, Given>;

/// What an option was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Values(Vec<OsString>),
    Switch(bool),
}

/// What the file tells of one database, or of those that fit a pattern.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: Name,
    pub(super) subject: Subject,
    /// Whether the store is this one's own, and not the one that all have a part of.
    pub(super) own_store: bool,
    /// The same of the mirror.
    pub(super) own_mirror: bool,
    pub(super) layer: Layer,
}

/// Which databases a section is about.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    Database(PathBuf),
    Folder(String),
}

/// Why a command cannot be run.
pub(super) enum Refusal {
    /// It is not understood.
    Usage(clap::Error),
    /// The file is not.
    Config { error: Error, json: bool },
}

impl From<clap::Error> for Refusal {
    fn from(usage: clap::Error) -> Self {
        Self::Usage(usage)
    }
}

/// Understands a command line, with what its file adds.
pub(super) fn understand(arguments: Vec<OsString>) -> Result<Cli, Refusal> {
    let matches = Cli::command().try_get_matches_from(&arguments)?;
    let chosen = matches.subcommand();
    let with_file = chosen.and_then(|(verb, matches)| {
        let file = matches.try_get_one::<PathBuf>("config").ok()??;
        (verb != check::VERB).then_some((verb, matches, file))
    });
    let Some((verb, matches, file)) = with_file else {
        return Ok(Cli::from_arg_matches(&matches)?);
    };
    let json = matches.try_get_one("json").ok().flatten().copied().unwrap_or(false);
    let refused = |error| Refusal::Config { error, json };
    if verb == "serve" {
        let served = read_serve(Cli::command(), arguments, matches, file);
        return served.map_err(refused)?.map_err(Refusal::Usage);
    }
    let layer = chosen_layer(matches, file).map_err(refused)?;
    let mut given = given(&command(verb), matches);
    if matches.contains_id("name") {
        // A database that the environment names is not the one that is meant.
        given.remove("db");
    }
    Ok(Cli::try_parse_from(extended(arguments, verb, &given, &layer))?)
}

/// `serve` with what its file says.
fn read_serve(
    all: clap::Command,
    arguments: Vec<OsString>,
    matches: &ArgMatches,
    file: &Path,
) -> Result<Result<Cli, clap::Error>> {
    let given = given(&command("serve"), matches);
    let mut file = read::read(file)?;
    let mut sections = file.sections(&given)?;
    // Databases that are named here take the place of those in the file.
    let namings = ["db", "db-glob"];
    if namings.iter().any(|naming| given.contains_key(*naming)) {
        sections.clear();
        file.top.retain(|key, _| !namings.contains(&key.as_str()));
    }
    let matches = all.try_get_matches_from(extended(arguments, "serve", &given, &file.top));
    Ok(matches.and_then(|matches| Cli::from_arg_matches(&matches)).map(|mut cli| {
        if let Command::Serve(serve) = &mut cli.command {
            serve.sections = sections;
        }
        cli
    }))
}

/// `serve` as the file says it, in these surroundings; those may name other databases, unless the
/// ones of the file are meant.
fn serve_by_file(path: &Path, databases_of_file: bool) -> Result<Serve> {
    let mut all = Cli::command();
    if databases_of_file {
        let alone = |option: clap::Arg| option.env(None::<&str>);
        all = all
            .mut_subcommand("serve", |serve| serve.mut_arg("db", alone).mut_arg("db_glob", alone));
    }
    let arguments = ["snapback", "serve", "--config"].map(OsString::from);
    let arguments = [&arguments[..], &[path.into()]].concat();
    let understood = |usage: clap::Error| {
        Error::invalid("the configuration is not understood")
            .on(path.display())
            .hint("see to what is said of it here, in the file or in the environment")
            .because(usage)
    };
    let matches = all.clone().try_get_matches_from(&arguments).map_err(understood)?;
    let (_, given) = matches.subcommand().ok_or_else(|| Error::failed("no command"))?;
    match read_serve(all, arguments, given, path)?.map_err(understood)?.command {
        Command::Serve(serve) => Ok(*serve),
        _ => Err(Error::failed("the configuration is not understood").on(path.display())),
    }
}

/// What a file says of the one database that another command is for.
fn chosen_layer(matches: &ArgMatches, file: &Path) -> Result<Layer> {
    let named = matches.contains_id("name");
    if named && matches.value_source("db") == Some(ValueSource::CommandLine) {
        return Err(Error::invalid("a database is named twice")
            .on("--db and --name")
            .hint("give one of the two"));
    }
    if matches.contains_id("db") && !named {
        return Ok(read::read(file)?.top);
    }
    let serve = serve_by_file(file, named)?;
    let planned = match Plan::of(&serve)? {
        Plan::One(planned) => *planned,
        Plan::Many(many) => many.find(matches.get_one::<Name>("name"))?,
    };
    let Planned { path, store, layer, .. } = planned;
    let mut top = read::read(file)?.top;
    top.extend(layer);
    for (key, value) in [("db", path.into_os_string()), ("store", store.into())] {
        top.insert(key.to_owned(), Given::Values(vec![value]));
    }
    Ok(top)
}

/// The arguments with those options of a layer that the command knows and nobody has given.
fn extended(
    mut arguments: Vec<OsString>,
    verb: &str,
    given: &Layer,
    layer: &Layer,
) -> Vec<OsString> {
    let command = command(verb);
    let is_known = |key: &str| command.get_arguments().any(|known| known.get_long() == Some(key));
    let added = layer.iter().filter(|(key, _)| is_known(key) && !given.contains_key(*key));
    let added: Vec<OsString> = added.flat_map(|(key, given)| words(key, given)).collect();
    // Right behind the verb: what follows later may be no option any more.
    let behind = arguments.iter().skip(1).position(|word| word == verb).map_or(0, |at| at + 2);
    arguments.splice(behind..behind, added);
    arguments
}

fn words(key: &str, given: &Given) -> Vec<OsString> {
    let option = |value: &OsString| {
        let mut word = OsString::from(format!("--{key}="));
        word.push(value);
        word
    };
    match given {
        Given::Values(values) => values.iter().map(option).collect(),
        Given::Switch(true) => vec![format!("--{key}").into()],
        Given::Switch(false) => Vec::new(),
    }
}

/// A command by its name.
fn command(verb: &str) -> clap::Command {
    let mut all = Cli::command();
    // So that each has the options of all.
    all.build();
    all.find_subcommand(verb).cloned().unwrap_or_default()
}

/// The options that the command line or the environment has given.
fn given(command: &clap::Command, matches: &ArgMatches) -> Layer {
    let mut given = Layer::new();
    for known in command.get_arguments() {
        let id = known.get_id().as_str();
        let source = matches.value_source(id);
        let Some(long) = known.get_long() else { continue };
        if !matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        let values = if is_switch(known) {
            Given::Switch(matches.get_flag(id))
        } else {
            let raw = matches.get_raw(id).into_iter().flatten();
            Given::Values(raw.map(OsStr::to_owned).collect())
        };
        given.insert(long.to_owned(), values);
    }
    given
}

fn is_switch(option: &clap::Arg) -> bool {
    matches!(option.get_action(), ArgAction::SetTrue)
}

/// The options of one database among several, to be read alone.
#[derive(Debug, Parser)]
#[command(name = "snapback")]
struct OnePlace {
    #[command(flatten)]
    place: PlaceOptions,
}

/// How a database is opened, as its layer says.
pub(super) fn read_place(layer: &Layer) -> Result<PlaceOptions> {
    let words = layer.iter().flat_map(|(key, given)| words(key, given));
    let parsed = OnePlace::try_parse_from([OsString::from("snapback")].into_iter().chain(words));
    let parsed = parsed.map_err(|error| {
        // Each value was read before, so that a wrong one was told with its key.
        Error::invalid("the options of a database do not go together").because(error)
    })?;
    Ok(parsed.place)
}
