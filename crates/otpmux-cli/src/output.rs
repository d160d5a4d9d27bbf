//! The program's two streams: answers on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write};

use serde_json::Value;

pub(crate) struct Output {
    answers: Box<dyn Write>,
    notes: Box<dyn Write>,
    styled: bool,
}

impl Output {
    pub(crate) fn to_terminal() -> Self {
        let stdout = io::stdout();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            styled: stdout.is_terminal() && !plain,
            answers: Box::new(stdout),
            notes: Box::new(io::stderr()),
        }
    }

    /// A line of the answer.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.answers, "{text}")?;
        self.answers.flush()
    }

    /// A line that stands out, where the terminal can show that.
    pub(crate) fn title(&mut self, text: &str) -> io::Result<()> {
        if self.styled {
            self.line(format_args!("\u{1b}[1m{text}\u{1b}[0m"))
        } else {
            self.line(text)
        }
    }

    /// An answer for a program: JSON in one line.
    pub(crate) fn json(&mut self, value: &Value) -> io::Result<()> {
        self.line(value)
    }

    /// A line beside the answer.
    pub(crate) fn note(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.notes, "{text}")
    }

    /// A question, whose answer is typed behind it.
    pub(crate) fn ask(&mut self, text: &str) -> io::Result<()> {
        write!(self.notes, "{text} ")?;
        self.notes.flush()
    }
}
