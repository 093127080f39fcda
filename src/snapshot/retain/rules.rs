//! What a person says of retention: rules for each kind.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use super::super::id::Kind;
use crate::error::{Error, Result};

/// A stretch of the calendar, in UTC, of which retention can keep the newest snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// An hour of a day.
    Hour,
    /// A day.
    Day,
    /// A week, from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Period {
    /// All of them, the shortest first.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The name of its rule: `hourly`, `daily`, ….
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Hour => "hourly",
            Self::Day => "daily",
            Self::Week => "weekly",
            Self::Month => "monthly",
            Self::Year => "yearly",
        }
    }

    /// The name of the period that a moment lies in, such as `2026-11-22` or `2026-W47`.
    pub(super) fn of(self, moment: Timestamp) -> String {
        let moment = moment.to_zoned(TimeZone::UTC);
        let date: Date = moment.date();
        match self {
            Self::Hour => moment.strftime("%Y-%m-%d %H:00").to_string(),
            Self::Day => date.to_string(),
            Self::Week => date.strftime("%G-W%V").to_string(),
            Self::Month => date.strftime("%Y-%m").to_string(),
            Self::Year => date.strftime("%Y").to_string(),
        }
    }
}

/// A length of time by the calendar, such as `36h`, `14d` or `2mo`.
#[derive(Clone, Copy, Debug)]
pub struct Within(Span);

impl Within {
    /// The moment so long before another one; the beginning of time where there is none.
    pub(super) fn before(self, moment: Timestamp) -> Timestamp {
        let moment: Zoned = moment.to_zoned(TimeZone::UTC);
        moment.checked_sub(self.0).map_or(Timestamp::MIN, |then| then.timestamp())
    }
}

impl FromStr for Within {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            Error::invalid("this is no length of time")
                .on(text.escape_debug())
                .hint("write it as 36h, 14d, 8w, 6mo or 1y")
        };
        let span: Span = text.trim().parse().map_err(|_| refused())?;
        if span.is_positive() { Ok(Self(span)) } else { Err(refused()) }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl PartialEq for Within {
    fn eq(&self, other: &Self) -> bool {
        self.0.fieldwise() == other.0.fieldwise()
    }
}

/// What is kept of one kind. The rules add up: what any of them keeps, stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// The newest so many. 0 says nothing; where no other rule says anything, all are kept.
    pub last: usize,
    /// Of each of the last so many hours, days, weeks, months and years that have a snapshot, its
    /// newest: in the order of [`Period::ALL`].
    pub periods: [usize; 5],
    /// All that are not older than the newest by more than this.
    pub within: Option<Within>,
}

impl Rules {
    /// The newest so many, and nothing else.
    #[must_use]
    pub fn last(last: usize) -> Self {
        Self { last, ..Self::default() }
    }

    /// Whether no rule says anything, so that all are kept.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        self.last == 0 && self.periods == [0; 5] && self.within.is_none()
    }
}

/// What is kept of both kinds. What is pinned or damaged stays whatever the rules say.
#[derive(Clone, Debug, PartialEq)]
pub struct Retention {
    /// The rules for checkpoints.
    pub periodic: Rules,
    /// The rules for safety copies.
    pub rewind: Rules,
    /// Safety copies younger than this stay whatever the rules say.
    pub rewind_age: Option<Within>,
}

impl Retention {
    /// The newest so many of each kind; 0 keeps all.
    #[must_use]
    pub fn last(last: usize) -> Self {
        Self { periodic: Rules::last(last), rewind: Rules::last(last), rewind_age: None }
    }

    /// The rules for a kind.
    #[must_use]
    pub fn rules(&self, kind: Kind) -> &Rules {
        match kind {
            Kind::Periodic => &self.periodic,
            Kind::Rewind => &self.rewind,
        }
    }

    /// The names of the rules, as options have them.
    pub const RULES: [&str; 8] = [
        "keep-last",
        "keep-hourly",
        "keep-daily",
        "keep-weekly",
        "keep-monthly",
        "keep-yearly",
        "keep-within",
        "keep-rewind-age",
    ];

    /// Sets the rule of this name, one of [`RULES`](Self::RULES), to what a text says: `7` for both
    /// kinds, or `periodic=7,rewind=2`. A kind that is not named keeps what it had.
    ///
    /// # Errors
    ///
    /// There is no such rule, or the text is no value of it.
    pub fn set(&mut self, rule: &str, text: &str) -> Result<()> {
        let place = Self::RULES.iter().position(|known| *known == rule);
        match (rule, place) {
            ("keep-last", _) => self.assign(text, number, |rules, last| rules.last = last),
            ("keep-within", _) => {
                self.assign(text, Within::from_str, |rules, within| rules.within = Some(within))
            }
            ("keep-rewind-age", _) => {
                self.rewind_age = Some(text.parse()?);
                Ok(())
            }
            (_, Some(place)) => {
                self.assign(text, number, |rules, count| rules.periods[place - 1] = count)
            }
            (_, None) => Err(Error::invalid("there is no such rule")
                .on(rule.escape_debug())
                .hint(format!("the rules are {}", Self::RULES.join(", ")))),
        }
    }

    fn assign<T: Copy>(
        &mut self,
        text: &str,
        read: impl Fn(&str) -> Result<T>,
        set: impl Fn(&mut Rules, T),
    ) -> Result<()> {
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                None => {
                    let value = read(part)?;
                    set(&mut self.periodic, value);
                    set(&mut self.rewind, value);
                }
                Some((kind, value)) => match kind.trim().parse()? {
                    Kind::Periodic => set(&mut self.periodic, read(value)?),
                    Kind::Rewind => set(&mut self.rewind, read(value)?),
                },
            }
        }
        Ok(())
    }

    /// The options of the command line that say the same.
    #[must_use]
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let number = |of: fn(&Rules, usize) -> usize, place| {
            each(of(&self.periodic, place), of(&self.rewind, place))
        };
        let mut options = vec![("keep-last", number(|rules, _| rules.last, 0))];
        for (place, name) in Self::RULES[1..6].iter().copied().enumerate() {
            if self.periodic.periods[place] + self.rewind.periods[place] > 0 {
                options.push((name, number(|rules, place| rules.periods[place], place)));
            }
        }
        let within = [("periodic", self.periodic.within), ("rewind", self.rewind.within)];
        let within: Vec<_> =
            within.into_iter().filter_map(|(kind, within)| Some((kind, within?))).collect();
        match within.as_slice() {
            [] => {}
            [(_, one), (_, other)] if one == other => {
                options.push(("keep-within", one.to_string()));
            }
            some => {
                let some = some.iter().map(|(kind, within)| format!("{kind}={within}"));
                options.push(("keep-within", some.collect::<Vec<_>>().join(",")));
            }
        }
        if let Some(age) = self.rewind_age {
            options.push(("keep-rewind-age", age.to_string()));
        }
        options
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::last(5)
    }
}

fn number(text: &str) -> Result<usize> {
    text.trim().parse().map_err(|_| {
        Error::invalid("this is no number of snapshots")
            .on(text.escape_debug())
            .hint("write 7 for both kinds, or periodic=7,rewind=2")
    })
}

/// A number for each kind, or the one for both.
fn each(periodic: usize, rewind: usize) -> String {
    if periodic == rewind {
        periodic.to_string()
    } else {
        format!("periodic={periodic},rewind={rewind}")
    }
}
