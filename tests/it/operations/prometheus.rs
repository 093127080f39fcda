//! A strict reader of Prometheus' text format.

use std::collections::{BTreeMap, HashSet};

/// Labels of a sample.
pub(crate) type Labels = BTreeMap<String, String>;

/// What was read: every sample, and the type of every metric.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) types: BTreeMap<String, String>,
    samples: Vec<(String, Labels, f64)>,
}

impl Metrics {
    /// Reads a whole text. Panics on whatever the format does not allow.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends too");
        let mut metrics = Self::default();
        let (mut helped, mut seen) = (HashSet::new(), HashSet::new());
        let mut current = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(is_name(name) && !help.is_empty(), "{line}");
                assert!(helped.insert(name.to_owned()), "a metric is told once: {line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
                assert!(helped.contains(name), "help comes first: {line}");
                assert!(metrics.types.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
                name.clone_into(&mut current);
            } else {
                let (name, labels, value) = sample(line);
                let of = match metrics.types[&current].as_str() {
                    "histogram" => ["_bucket", "_sum", "_count"]
                        .iter()
                        .find_map(|ending| name.strip_suffix(ending))
                        .unwrap_or_else(|| panic!("no sample of a histogram: {line}")),
                    _ => &name,
                };
                assert_eq!(of, current, "samples stand together: {line}");
                assert!(seen.insert(format!("{name}{labels:?}")), "told twice: {line}");
                metrics.samples.push((name, labels, value));
            }
        }
        metrics.check_histograms();
        metrics
    }

    /// The value of the sample that has these labels, and no others.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("{name} {labels:?} in {self:#?}"))
    }

    /// The same, where it is a whole number.
    #[track_caller]
    pub(crate) fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        self.value(name, labels).to_string().parse().expect("a whole number")
    }

    /// The same; `None` when there is no such sample.
    pub(crate) fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: Labels =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = self.samples.iter().find(|(of, labels, _)| of == name && *labels == wanted);
        found.map(|(_, _, value)| *value)
    }

    /// Every value that one label has among a metric's samples.
    pub(crate) fn values_of(&self, name: &str, label: &str) -> HashSet<&str> {
        let of = self.samples.iter().filter(|(of, _, _)| of == name);
        of.map(|(_, labels, _)| labels[label].as_str()).collect()
    }

    /// Buckets grow, and the last holds all that was counted.
    fn check_histograms(&self) {
        for (name, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            let mut rows: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            for (_, labels, value) in
                self.samples.iter().filter(|(of, _, _)| *of == format!("{name}_bucket"))
            {
                let mut others = labels.clone();
                let bound = others.remove("le").expect("a bound").replace("+Inf", "inf");
                let bound: f64 = bound.parse().expect("a number");
                rows.entry(format!("{others:?}")).or_default().push((bound, *value));
            }
            for (_, labels, count) in
                self.samples.iter().filter(|(of, _, _)| *of == format!("{name}_count"))
            {
                let buckets = rows.remove(&format!("{labels:?}")).expect("its buckets");
                assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name} {buckets:?}");
                let last = buckets.last().expect("a bucket");
                assert!(last.0.is_infinite() && (last.1 - count).abs() < 0.5, "{name} {buckets:?}");
            }
            assert!(rows.is_empty(), "buckets without a count: {rows:?}");
        }
    }
}

fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

/// `name{label="value",…} number`
fn sample(line: &str) -> (String, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("a value: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) =
                rest.split_once("=\"").unwrap_or_else(|| panic!("a label: {line}"));
            assert!(is_name(label), "{line}");
            let mut value = String::new();
            let mut letters = after.char_indices();
            let end = loop {
                match letters.next().unwrap_or_else(|| panic!("the end of the label: {line}")) {
                    (place, '"') => break place,
                    (_, '\\') => value.push(match letters.next() {
                        Some((_, 'n')) => '\n',
                        Some((_, quoted @ ('"' | '\\'))) => quoted,
                        other => panic!("{other:?}: {line}"),
                    }),
                    (_, letter) => value.push(letter),
                }
            };
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            rest = &after[end + 1..];
            match rest.split_at(1) {
                (",", more) => rest = more,
                ("}", more) => {
                    rest = more;
                    break;
                }
                _ => panic!("{line}"),
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("one space: {line}"));
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("a number: {line}")))
}
