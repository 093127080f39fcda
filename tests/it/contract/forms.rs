//! The three forms of an answer, and what each must look like.

use poem::http::Method;
use serde_json::Value;

use crate::client::{Answer, Call, Client};

/// What an answer can depend on, as every answer says.
pub(super) const VARY: &str = "Accept, HX-Request, HX-History-Restore-Request, Accept-Encoding";

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A browser.
    Page,
    /// htmx.
    Fragment,
    /// A program.
    Json,
}

impl Form {
    pub(super) const ALL: [Self; 3] = [Self::Page, Self::Fragment, Self::Json];
}

impl Call<'_> {
    /// As this reader asks.
    pub(super) fn in_form(self, form: Form) -> Self {
        match form {
            Form::Page => self.header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
            Form::Fragment => self.by_htmx().header("Accept", "text/html"),
            Form::Json => self.wants_json(),
        }
    }
}

impl Client {
    /// Reads an address in one of the forms.
    pub(super) fn read(&self, path: &str, form: Form) -> Answer {
        self.call(Method::GET, path).in_form(form).send()
    }

    /// The fragment of an address.
    pub(super) fn fragment(&self, path: &str) -> String {
        self.read(path, Form::Fragment).text()
    }

    /// Sends a form as one of the readers.
    pub(super) fn post_as(&self, path: &str, fields: &[(&str, &str)], form: Form) -> Answer {
        self.call(Method::POST, path).in_form(form).form(fields).send()
    }

    /// Sends a form as a program, and reads the facts.
    pub(super) fn post_json(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.post_as(path, fields, Form::Json).json()
    }
}

impl Answer {
    /// Checks that this is an answer in the form that was asked for.
    pub(super) fn assert_form(&self, form: Form, about: &str) {
        assert_eq!(self.header("Vary"), VARY, "{about}");
        let sent = self.header("Content-Type");
        if form == Form::Json {
            assert_eq!(sent, "application/json", "{about}: {self:?}");
            self.json();
            return;
        }
        assert_eq!(sent, "text/html; charset=utf-8", "{about}");
        let text = self.text();
        let whole = text.starts_with("<!DOCTYPE html><html") && text.ends_with("</html>");
        let parts = ["<html", "<head", "<body", "</body"].iter().any(|tag| text.contains(tag));
        match form {
            Form::Page => assert!(whole, "{about}: {text}"),
            _ => assert!(!parts && !text.is_empty(), "{about}: {text}"),
        }
    }
}

/// The value of an attribute of the first element that begins with `element`, such as
/// `<form id="x"`.
pub(super) fn attribute<'m>(markup: &'m str, element: &str, name: &str) -> &'m str {
    let at = markup.find(element).unwrap_or_else(|| panic!("{element} in {markup}"));
    let tag = &markup[at..at + markup[at..].find('>').expect("the end of the tag")];
    let start = format!("{name}=\"");
    let value = tag.split_once(&start).unwrap_or_else(|| panic!("{name} in {tag}")).1;
    value.split('"').next().expect("a value")
}

/// The hidden or typed value of a form's field.
pub(super) fn field<'m>(markup: &'m str, name: &str) -> &'m str {
    let input = format!("name=\"{name}\"");
    let at = markup.find(&input).unwrap_or_else(|| panic!("{input} in {markup}"));
    let end = at + markup[at..].find('>').expect("the end of the tag");
    let value = markup[at..end].split_once("value=\"").map(|(_, value)| value);
    value.unwrap_or_else(|| panic!("a value of {name}")).split('"').next().expect("a value")
}

/// Checks that htmx finds the element that it swaps into: the `hx-target` of what begins with
/// `element` in `markup` is the `id` of an element in `page`, or the class of one around it.
pub(super) fn assert_target(markup: &str, element: &str, page: &str) {
    let target = attribute(markup, element, "hx-target");
    if let Some(class) = target.strip_prefix("closest .") {
        let around = ["", "preview "].map(|other| format!("<div class=\"{other}{class}\""));
        let found: usize = around.iter().map(|div| page.matches(div).count()).sum();
        assert_eq!(found, 1, "{target} of {element}");
        return;
    }
    let id = target.strip_prefix('#').unwrap_or_else(|| panic!("{target} is an id"));
    let id = id.replace('\\', "");
    assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{target} of {element}");
}
