//! What a shell and `man` want to know of the commands, made from their definitions.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use snapback::{Error, Result};

use super::{Cli, Outcome, print};

/// `snapback completions`
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell that is to complete commands and options
    #[arg(value_name = "SHELL")]
    shell: Known,
}

/// The shells that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let shell = match self.shell {
            Known::Bash => Shell::Bash,
            Known::Zsh => Shell::Zsh,
            Known::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "snapback", &mut script);
        print::say(out, &String::from_utf8_lossy(&script))?;
        Ok(Outcome::Well)
    }
}

/// `snapback man`
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The page of this command instead of the program's
    #[arg(value_name = "COMMAND", conflicts_with = "output")]
    command: Option<String>,

    /// Write every page into this folder
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Manual {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let mut program = Cli::command();
        if let Some(folder) = &self.output {
            clap_mangen::generate_to(program, folder).map_err(|source| {
                Error::failed("the pages cannot be written")
                    .on(folder.display())
                    .hint("name a folder that exists and can be written to")
                    .because(source)
            })?;
            return Ok(Outcome::Well);
        }
        program.build();
        let page = match &self.command {
            None => program,
            Some(name) => page_of(&program, name)?,
        };
        let mut text = Vec::new();
        Man::new(page)
            .render(&mut text)
            .map_err(|source| Error::failed("the page cannot be written").because(source))?;
        print::say(out, &String::from_utf8_lossy(&text))?;
        Ok(Outcome::Well)
    }
}

/// One command, as a page of its own.
fn page_of(program: &Command, name: &str) -> Result<Command> {
    let command = program.find_subcommand(name).ok_or_else(|| {
        Error::not_found("there is no such command")
            .on(name.escape_debug())
            .hint("see the commands with `snapback help`")
    })?;
    Ok(command.clone())
}
