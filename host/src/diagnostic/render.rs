//! Shows messages: to people with the place underlined, to programs as JSON.

use std::ops::Range;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use serde_json::{Value, json};

use super::{Source, Sources, source::Places};
use crate::model::{Diagnostic, Severity};

/// All messages, one after the other, for a terminal `width` columns wide. Colours are for terminals only, and not for
/// those who set `NO_COLOR`: the command line decides.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, width: usize, colours: bool) -> String {
    let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_context_lines(1)
        .with_links(false)
        .without_syntax_highlighting();
    let mut shown = String::new();
    for (diagnostic, place) in sorted(diagnostics, &sources.places()) {
        let report = report(diagnostic, place);
        // Writing into a string does not fail; a message that can't be drawn is still said.
        if handler.render_report(&mut shown, report.as_ref()).is_err() {
            shown.push_str(&diagnostic.message);
        }
        shown.push('\n');
    }
    shown
}

/// The same content for programs: severity, message, help, file, line, column and the bytes from `start` to `end`.
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let one = |(diagnostic, place): (&Diagnostic, Located<'_>)| {
        let mut object = json!({
            "severity": diagnostic.severity,
            "message": printable(&diagnostic.message),
            "help": diagnostic.help.as_deref().map(printable),
            "place": diagnostic.place,
        });
        if let Some((source, span)) = place {
            let (line, column) = source.line_and_column(span.start);
            object["file"] = json!(source.name);
            object["line"] = json!(line);
            object["column"] = json!(column);
            object["start"] = json!(span.start);
            object["end"] = json!(span.end);
        }
        object
    };
    sorted(diagnostics, &sources.places()).into_iter().map(one).collect()
}

type Located<'s> = Option<(&'s Source, Range<usize>)>;

/// In the order of the files, errors first where two are about one place.
fn sorted<'d, 's>(diagnostics: &'d [Diagnostic], places: &Places<'s>) -> Vec<(&'d Diagnostic, Located<'s>)> {
    let mut all: Vec<_> = diagnostics.iter().map(|diagnostic| (diagnostic, places.locate(&diagnostic.place))).collect();
    all.sort_by_key(|(diagnostic, place)| {
        let place = place.as_ref().map(|(source, span)| (source.name.as_str(), span.start));
        (place.is_none(), place, diagnostic.severity)
    });
    all
}

fn report(diagnostic: &Diagnostic, place: Located<'_>) -> Report {
    let mut shown = MietteDiagnostic::new(printable(&diagnostic.message)).with_severity(match diagnostic.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
        Severity::Note => miette::Severity::Advice,
    });
    shown.help = diagnostic.help.as_deref().map(printable);
    match place {
        Some((source, span)) => {
            let shown = shown.with_label(LabeledSpan::underline(span));
            Report::new(shown).with_source_code(named(source))
        }
        None => Report::new(shown),
    }
}

fn named(source: &Source) -> NamedSource<String> {
    NamedSource::new(&source.name, printable(&source.text))
}

/// Control characters of foreign text must not drive the terminal. One character stands for one, so that columns stay;
/// bytes stay too, as every control character that is replaced is one byte long or two and so is its stand-in.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' | '\r' => c,
            '\0'..='\x1f' | '\x7f' => '?',
            '\u{80}'..='\u{9f}' => '\u{b7}',
            _ => c,
        })
        .collect()
}
