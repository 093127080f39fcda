//! An error as the terminal shows it: what happened to which thing, then what to do.

use std::fmt::Write as _;

use snapback::{Error, Report};

use super::print::{json_line, printable};
use super::text;

/// The whole report, ending in a line end.
pub(super) fn report(failure: &Error, json: bool) -> String {
    if json { as_json(failure) } else { as_lines(failure) }
}

fn as_json(failure: &Error) -> String {
    // These are strings and numbers, which always have a JSON form.
    json_line(&Report { error: failure }).unwrap_or_else(|_| as_lines(failure))
}

fn as_lines(failure: &Error) -> String {
    let mut lines = format!("snapback: {}\n", printable(&failure.to_string()));
    for detail in failure.detail_lines() {
        let _ = writeln!(lines, "  {}", printable(detail));
    }
    if let Some(plan) = failure.new_plan() {
        lines.push_str(&text::preview(plan));
    }
    if !failure.next_step().is_empty() {
        let _ = writeln!(lines, "hint: {}", printable(failure.next_step()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_line_of_what_and_a_line_of_what_to_do() {
        let failure = Error::not_found("there is no such file").on("app.db").hint("look again");
        assert_eq!(
            report(&failure, false),
            "snapback: app.db: there is no such file\nhint: look again\n"
        );
    }

    #[test]
    fn details_stand_between_what_and_what_to_do() {
        let failure = Error::conflict("the schemas differ")
            .details(vec!["messages has no column body".into()])
            .hint("accept it");
        assert_eq!(
            report(&failure, false),
            "snapback: the schemas differ\n  messages has no column body\nhint: accept it\n"
        );
    }

    #[test]
    fn an_error_as_json_has_what_thing_and_hint() {
        let failure = Error::not_found("there is no such file").on("app.db").hint("look again");
        assert_eq!(
            report(&failure, true),
            "{\"error\":{\"what\":\"there is no such file\",\"thing\":\"app.db\",\
             \"hint\":\"look again\"}}\n"
        );
    }

    #[test]
    fn an_error_cannot_send_commands_to_the_terminal() {
        let failure = Error::damaged("ends early").on("a\u{1b}[2Jb\nc");
        assert_eq!(report(&failure, false), "snapback: a\\u{1b}[2Jb\\nc: ends early\n");
    }
}
