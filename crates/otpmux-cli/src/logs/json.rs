//! Log lines as JSON, with the members of `tracing-subscriber`'s own: `timestamp`, `level`, `fields`,
//! `target`, `span` and `spans`.
//!
//! That one reads the fields of every span again with each line, and writes a line in about a hundred
//! parts, each checked for UTF-8. A service that writes a line per message spends a tenth of its
//! work there.

use std::fmt::{self, Debug, Write as _};

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// The form of the time.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Formats the members of an object, without its braces: `"id":"1","status":200`.
///
/// A field that is recorded again later is there twice; no span of this workspace does so.
#[derive(Debug)]
pub(super) struct Members;

/// Formats a line.
#[derive(Debug)]
pub(super) struct Lines;

impl<'writer> FormatFields<'writer> for Members {
    fn format_fields<R: RecordFields>(&self, mut to: Writer<'writer>, fields: R) -> fmt::Result {
        let mut members = String::new();
        fields.record(&mut Visitor(&mut members));
        to.write_str(&members)
    }

    fn add_fields(
        &self,
        current: &mut FormattedFields<Self>,
        fields: &span::Record<'_>,
    ) -> fmt::Result {
        fields.record(&mut Visitor(&mut current.fields));
        Ok(())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, Members> for Lines {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Members>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = String::with_capacity(512);
        line.push_str("{\"timestamp\":\"");
        // Writing to a string does not fail.
        let _ = TIME.print_timestamp(&Timestamp::now(), &mut line);
        line.push_str("\",\"level\":\"");
        line.push_str(metadata.level().as_str());
        line.push_str("\",\"fields\":{");
        event.record(&mut Visitor(&mut line));
        line.push_str("},\"target\":");
        quote(&mut line, metadata.target());
        if let Some(current) = context.lookup_current() {
            line.push_str(",\"span\":");
            object(&mut line, &current);
            line.push_str(",\"spans\":[");
            for span in current.scope().from_root() {
                object(&mut line, &span);
                line.push(',');
            }
            // At least the current span is in its scope.
            line.pop();
            line.push(']');
        }
        line.push_str("}\n");
        to.write_str(&line)
    }
}

fn object<S: for<'a> LookupSpan<'a>>(to: &mut String, span: &SpanRef<'_, S>) {
    to.push('{');
    if let Some(members) = span.extensions().get::<FormattedFields<Members>>() {
        to.push_str(members);
    }
    name(to, "name");
    quote(to, span.name());
    to.push('}');
}

/// Begins a member of an object. Its name is an identifier, since only this workspace's crates log.
fn name(to: &mut String, name: &str) {
    if !to.is_empty() && !to.ends_with('{') {
        to.push(',');
    }
    to.extend(["\"", name, "\":"]);
}

fn quote(to: &mut String, text: &str) {
    to.push('"');
    escape(to, text);
    to.push('"');
}

fn escape(to: &mut String, mut text: &str) {
    let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Most texts hold none. Without an early end, the compiler looks at many bytes at once.
    if !text.bytes().fold(false, |any, byte| any | is_special(byte)) {
        return to.push_str(text);
    }
    while let Some(at) = text.bytes().position(is_special) {
        to.push_str(&text[..at]);
        match text.as_bytes()[at] {
            b'\n' => to.push_str("\\n"),
            byte @ (b'"' | b'\\') => to.extend(['\\', char::from(byte)]),
            // Writing to a string does not fail.
            byte => drop(write!(to, "\\u{byte:04x}")),
        }
        text = &text[at + 1..];
    }
    to.push_str(text);
}

/// Escapes the text of a value while it is formatted.
struct Escape<'a>(&'a mut String);

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

/// Adds fields as members.
struct Visitor<'a>(&'a mut String);

impl Visitor<'_> {
    fn plain(&mut self, field: &Field, value: &str) {
        name(self.0, field.name());
        self.0.push_str(value);
    }
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        name(self.0, field.name());
        self.0.push('"');
        // A value that cannot be formatted ends early.
        let _ = write!(Escape(self.0), "{value:?}");
        self.0.push('"');
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        name(self.0, field.name());
        quote(self.0, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, itoa::Buffer::new().format(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, itoa::Buffer::new().format(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, if value { "true" } else { "false" });
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity.
        let text = value.to_string();
        self.plain(field, if value.is_finite() { &text } else { "null" });
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines of a step, by this formatter and by the library's own.
    fn lines(step: impl Fn()) -> [Vec<Value>; 2] {
        let (ours, theirs) = (Shared::default(), Shared::default());
        let (to_ours, to_theirs) = (ours.clone(), theirs.clone());
        let line = tracing_subscriber::fmt::layer().with_writer(move || to_ours.clone());
        let layer = line.fmt_fields(Members).event_format(Lines);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), &step);
        let layer = tracing_subscriber::fmt::layer().json();
        let layer = layer.with_writer(move || to_theirs.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), &step);
        [ours, theirs].map(|shared| {
            let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
            let line = |line: &str| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                let time = line.as_object_mut().unwrap().remove("timestamp").unwrap();
                let time = time.as_str().unwrap();
                assert!(time.len() == "2026-11-29T17:30:00.123456Z".len() && time.ends_with('Z'));
                line
            };
            text.lines().map(line).collect()
        })
    }

    #[test]
    fn lines_hold_the_same_as_those_of_the_library() {
        let [ours, theirs] = lines(|| {
            tracing::info!("without fields or spans");
            let outer = tracing::info_span!("outer", id = 7, later = tracing::field::Empty);
            let _in = outer.enter();
            tracing::warn!(on = true, share = 0.5, far = f64::INFINITY, below = -3, "{} fields", 4);
            outer.record("later", "now");
            let inner = tracing::debug_span!("inner");
            let _in = inner.enter();
            tracing::error!(what = %"displayed", debugged = ?Some("it"), huge = u64::MAX, "text");
            tracing::info!(odd = "a\"b\\c\nd\te\u{1}f\u{7f}g\u{2028}ü");
        });
        assert_eq!(ours.len(), 4);
        assert_eq!(ours, theirs);
        assert_eq!(ours[1]["fields"]["message"], "4 fields");
        assert_eq!(
            ours[2]["spans"],
            json!([
                { "id": 7, "later": "now", "name": "outer" },
                { "name": "inner" },
            ])
        );
    }

    #[test]
    fn every_character_is_escaped_as_json_needs_it() {
        for code in (0..0x2_0000).filter_map(char::from_u32) {
            let mut text = String::new();
            quote(&mut text, &format!("a{code}{code}b"));
            let read: String = serde_json::from_str(&text).unwrap();
            assert_eq!(read, format!("a{code}{code}b"), "{code:?}");
            assert!(!text.contains('\n'), "a line for each event");
        }
    }
}
