//! The two streams of the program: answers on standard output, everything else on standard error.

mod progress;
mod style;
mod table;

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};

use anstream::AutoStream;
use clap::ColorChoice;
use serde_json::{Value, json};

pub(crate) use style::{BAD, DIM, DOUBTFUL, GOOD, Style, TITLE};
pub(crate) use table::{Cell, Table};

pub(crate) struct Output {
    answers: Box<dyn Write>,
    notes: Box<dyn Write>,
    json: bool,
    /// Whether a person sees the notes as they are written.
    watched: bool,
}

impl Output {
    /// Returns the streams of this process. Styles are removed if they are not wanted or not
    /// supported.
    pub(crate) fn of_process(color: ColorChoice, json: bool) -> Self {
        let watched = !json && io::stderr().is_terminal();
        let color = match color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        Self {
            answers: Box::new(AutoStream::new(io::stdout(), color)),
            notes: Box::new(AutoStream::new(io::stderr(), color)),
            json,
            watched,
        }
    }

    /// Returns whether a program reads the answers.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a line of the answer.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.answers, "{text}")?;
        self.answers.flush()
    }

    /// Writes a line of a demo, which has no other answer.
    pub(crate) fn story(&mut self, text: impl Display) -> io::Result<()> {
        if self.json {
            let text = text.to_string();
            return self.json(&json!({ "text": text.trim() }));
        }
        self.line(text)
    }

    /// Writes a heading of a demo, emphasised if the terminal supports it.
    pub(crate) fn title(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return self.json(&json!({ "title": text.trim() }));
        }
        self.line(format_args!("{TITLE}{text}{TITLE:#}"))
    }

    /// Writes a table of the answer.
    pub(crate) fn table(&mut self, table: &Table) -> io::Result<()> {
        for line in table.lines() {
            self.line(line)?;
        }
        Ok(())
    }

    /// Writes an answer for a program: JSON in one line.
    pub(crate) fn json(&mut self, value: &Value) -> io::Result<()> {
        self.line(value)
    }

    /// Writes a line beside the answer.
    pub(crate) fn note(&mut self, text: impl Display) -> io::Result<()> {
        if self.json {
            let text = text.to_string();
            return self.note_json(&json!({ "note": text.trim() }));
        }
        writeln!(self.notes, "{text}")
    }

    /// Writes a line beside the answer, for a program.
    pub(crate) fn note_json(&mut self, value: &Value) -> io::Result<()> {
        writeln!(self.notes, "{value}")
    }

    /// Writes a warning beside the answer.
    pub(crate) fn warning(&mut self, text: impl Display) -> io::Result<()> {
        if self.json {
            return self.note(text);
        }
        self.note(format_args!("{DOUBTFUL}warning:{DOUBTFUL:#} {text}"))
    }

    /// Writes a prompt for input on the same line, except for JSON: a program knows what to send.
    pub(crate) fn ask(&mut self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        write!(self.notes, "{text} ")?;
        self.notes.flush()
    }
}
