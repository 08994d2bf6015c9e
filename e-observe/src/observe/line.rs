//! A line of the log, with the ids of the request that it is about.
//!
//! tracing's own way is a span around each request. But every request would pay for its span,
//! whether or not anything is logged. This way, only lines cost.

use super::trace;
use std::fmt;
use tracing::Event;
use tracing::Subscriber;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::FormatEvent;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::registry::LookupSpan;

/// Writes a line as `F` does, and the ids at its end.
pub struct Line<F> {
    /// How the rest is written.
    pub format: F,
    /// Whether that is an object of JSON.
    pub is_json: bool,
}

impl<S, N, F> FormatEvent<S, N> for Line<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.format
            .format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end();
        let Some((trace, id)) = trace::ids() else {
            return writeln!(writer, "{line}");
        };
        let id = id.to_str().unwrap_or_default();
        match line.strip_suffix('}').filter(|_| self.is_json) {
            Some(object) => writeln!(
                writer,
                r#"{object},"trace_id":"{trace:032x}","request_id":"{id}"}}"#
            ),
            None => writeln!(writer, "{line} trace_id={trace:032x} request_id={id}"),
        }
    }
}
