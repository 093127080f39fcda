//! Who may use the served console: the options, and the commands that make what they ask for.

use std::io::{BufRead as _, IsTerminal as _, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use serde::Serialize;
use snapback::web::{Access, PasswordHash, Token};
use snapback::{Error, Result};

use super::{Outcome, print};

/// The most that is read for a password, in bytes.
const LONGEST: u64 = 4096;

/// `snapback password`
#[derive(Debug, Args)]
pub(super) struct Password {
    /// Print facts as JSON, and errors too
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct Hashed<'a> {
    password_hash: &'a str,
}

impl Password {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let hash = PasswordHash::of(&read_password()?)?;
        let fact = Hashed { password_hash: hash.as_str() };
        print::fact(out, self.json, &fact, |fact| format!("{}\n", fact.password_hash))?;
        Ok(Outcome::Well)
    }
}

/// `snapback token`
#[derive(Debug, Args)]
pub(super) struct NewToken {
    /// What the history calls whoever uses it
    #[arg(value_name = "NAME", default_value = "token")]
    name: String,

    /// Print facts as JSON, and errors too
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct Made<'a> {
    token: &'a str,
    token_hash: String,
}

impl NewToken {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let token = Token::new(&self.name)?;
        let fact = Made { token: token.text(), token_hash: token.hash().to_string() };
        print::fact(out, self.json, &fact, |fact| {
            format!(
                "for the script, shown this once:\n  Authorization: Bearer {}\n\
                 for the console:\n  SNAPBACK_TOKEN_HASH={}\n",
                fact.token, fact.token_hash
            )
        })?;
        Ok(Outcome::Well)
    }
}

/// The password: typed twice and not shown at a terminal, a line of standard input elsewhere.
fn read_password() -> Result<String> {
    let failed = |source: std::io::Error| {
        Error::failed("the password cannot be read")
            .on("standard input")
            .hint("send it as one line of UTF-8, or type it at a terminal")
            .because(source)
    };
    if std::io::stdin().is_terminal() {
        let ask = |prompt: &str| rpassword::prompt_password(prompt).map_err(failed);
        let password = ask("Password: ")?;
        if password != ask("Once more: ")? {
            return Err(Error::invalid("the two passwords differ")
                .on("password")
                .hint("try again"));
        }
        return Ok(password);
    }
    let mut line = String::new();
    let input = std::io::stdin().lock();
    std::io::Read::take(input, LONGEST).read_line(&mut line).map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Who may use the console.
///
/// Hashes are kept as they were given until they are read: a complaint of the parser of options
/// would repeat what may be the secret itself.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct AccessOptions {
    /// The hash of the password for the console, as `snapback password` prints it
    #[arg(long, value_name = "HASH", env = "SNAPBACK_PASSWORD_HASH", hide_env_values = true)]
    password_hash: Option<String>,

    /// A file that holds the hash instead
    #[arg(
        long,
        value_name = "FILE",
        env = "SNAPBACK_PASSWORD_HASH_FILE",
        conflicts_with = "password_hash"
    )]
    password_hash_file: Option<PathBuf>,

    /// The hash of a token for scripts, as `snapback token` prints it; repeated or with commas
    #[arg(
        long,
        value_name = "NAME=HASH",
        env = "SNAPBACK_TOKEN_HASH",
        hide_env_values = true,
        value_delimiter = ','
    )]
    token_hash: Vec<String>,

    /// Browsers reach the console through TLS, which a proxy in front of it speaks
    #[arg(long, env = "SNAPBACK_BEHIND_TLS", value_parser = FalseyValueParser::new())]
    behind_tls: bool,

    /// A proxy whose X-Forwarded-For is believed; repeated or with commas
    #[arg(long, value_name = "ADDRESS", env = "SNAPBACK_TRUSTED_PROXY", value_delimiter = ',')]
    trusted_proxy: Vec<IpAddr>,
}

impl AccessOptions {
    /// Reads what the options name.
    pub(super) fn read(&self) -> Result<Access> {
        let password = match &self.password_hash_file {
            None => self.password_hash.as_deref().map(str::parse).transpose()?,
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|source| {
                    Error::failed("the hash of the password cannot be read")
                        .on(file.display())
                        .hint("check the path given with --password-hash-file")
                        .because(source)
                })?;
                Some(text.parse().map_err(|error: Error| error.on(file.display()))?)
            }
        };
        Ok(Access {
            password,
            tokens: self.token_hash.iter().map(|hash| hash.parse()).collect::<Result<_>>()?,
            behind_tls: self.behind_tls,
            trusted_proxies: self.trusted_proxy.clone(),
            ..Access::default()
        })
    }
}
