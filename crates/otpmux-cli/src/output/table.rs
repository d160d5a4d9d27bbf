//! Tables with columns as wide as their content.

use super::style::{Style, TITLE};

/// A cell of a table, in one line.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

pub(crate) struct Table {
    indent: usize,
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Style::new())
    }
}

impl Table {
    /// Creates a table with a header line.
    pub(crate) fn with_head(head: &[&str]) -> Self {
        let head = head.iter().map(|name| Cell::new(*name, TITLE)).collect();
        Self { indent: 0, rows: vec![head] }
    }

    /// Creates a table with names at the left and values at the right.
    pub(crate) fn of_facts() -> Self {
        Self { indent: 2, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a name and its value.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Cell>) {
        self.row([name.into(), value.into()]);
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        self.rows.iter().map(move |row| {
            let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or(0);
            let cells = row.iter().zip(&widths).take(last + 1).map(|(cell, width)| {
                let Cell { text, style } = cell;
                let gap = " ".repeat(width - cell.width() + 2);
                format!("{style}{text}{style:#}{gap}")
            });
            let line = " ".repeat(self.indent) + &cells.collect::<String>();
            line.trim_end_matches(' ').to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::GOOD;
    use super::*;

    #[test]
    fn columns_line_up_by_what_is_seen_and_no_line_ends_in_blanks() {
        let mut table = Table::with_head(&["A", "BB", "C"]);
        table.row(["+9•••10".into(), Cell::new("x", GOOD), "".into()]);
        table.row(["1".into(), "22222".into(), "3".into()]);
        let lines: Vec<_> =
            table.lines().map(|line| anstream::adapter::strip_str(&line).to_string()).collect();
        assert_eq!(lines, ["A        BB     C", "+9•••10  x", "1        22222  3"]);
        assert!(table.lines().nth(1).is_some_and(|line| line.contains("\u{1b}[32mx\u{1b}[0m")));
    }

    #[test]
    fn facts_are_indented() {
        let mut table = Table::of_facts();
        table.fact("id", "1");
        table.fact("good until", "2");
        assert_eq!(table.lines().collect::<Vec<_>>(), ["  id          1", "  good until  2"]);
    }
}
