//! The text format of <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{Display, Write as _};

use crate::histogram::Histogram;

/// Names of labels, with their values.
pub(super) type Labels<'l> = &'l [(&'l str, &'l str)];

/// Metrics, each with its help and its type before its samples.
#[derive(Default)]
pub(super) struct Exposition(String);

// Writing to a String does not fail.
impl Exposition {
    /// Begins a metric that goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str) {
        self.begin(name, help, "gauge");
    }

    /// Begins a metric that only goes up, until the process ends.
    pub(super) fn counter(&mut self, name: &str, help: &str) {
        self.begin(name, help, "counter");
    }

    /// Begins a metric of durations, in seconds.
    pub(super) fn durations(&mut self, name: &str, help: &str) {
        self.begin(name, help, "histogram");
    }

    /// One sample of the metric that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: Labels<'_>, value: impl Display) {
        self.0.push_str(name);
        for (place, (label, value)) in labels.iter().enumerate() {
            let mark = if place == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{mark}{label}=\"{}\"", escaped(value));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// The samples of durations.
    pub(super) fn histogram(&mut self, name: &str, labels: Labels<'_>, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.up_to() {
            let bound = bound.as_secs_f64().to_string();
            self.sample(&bucket, &[labels, &[("le", &bound)]].concat(), count);
        }
        self.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), histogram.count());
        self.sample(&format!("{name}_sum"), labels, histogram.sum().as_secs_f64());
        self.sample(&format!("{name}_count"), labels, histogram.count());
    }

    /// The whole text.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn begin(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_label_cannot_end_its_line() {
        let mut text = Exposition::default();
        text.sample("x", &[("a", "1"), ("b", "\"\\\n")], 7);
        assert_eq!(text.into_text(), "x{a=\"1\",b=\"\\\"\\\\\\n\"} 7\n");
    }

    #[test]
    fn a_histogram_counts_what_is_not_longer_than_each_bound() {
        let mut histogram = Histogram::default();
        histogram.add(Duration::from_millis(3));
        let mut text = Exposition::default();
        text.histogram("x_seconds", &[], &histogram);
        let text = text.into_text();
        assert!(
            text.contains("x_seconds_bucket{le=\"0.002\"} 0\nx_seconds_bucket{le=\"0.005\"} 1\n"),
            "{text}"
        );
        assert!(
            text.ends_with("{le=\"+Inf\"} 1\nx_seconds_sum 0.003\nx_seconds_count 1\n"),
            "{text}"
        );
    }
}
