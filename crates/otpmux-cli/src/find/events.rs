//! The events of one recipient in audit logs.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

#[derive(Default)]
pub(super) struct Events {
    /// The lines, oldest first.
    pub(super) lines: Vec<Value>,
    /// How many lines were read.
    pub(super) read: u64,
    /// How many of them are no JSON.
    pub(super) unreadable: u64,
    /// How many entries the logs have noted as lost.
    pub(super) lost: u64,
}

/// A log whose lines can be read twice.
enum Log<'a> {
    File(&'a Path),
    Stdin(Vec<u8>),
}

impl Events {
    /// Reads the events that name one of these hashes, and those of their verifications and deliveries,
    /// which name an id only.
    pub(super) fn read(logs: &[PathBuf], hashes: &[String]) -> Result<Self, String> {
        let mut opened = Vec::new();
        for path in logs {
            opened.push(if path.as_os_str() == "-" {
                let mut text = Vec::new();
                io::stdin().lock().read_to_end(&mut text).map_err(|error| told(path, &error))?;
                Log::Stdin(text)
            } else {
                Log::File(path)
            });
        }
        let mut events = Self::default();
        let mut ids = BTreeSet::new();
        for (log, path) in opened.iter().zip(logs) {
            log.each_line(|line| {
                events.read += 1;
                if hashes.iter().any(|hash| line.contains(hash)) {
                    let event = serde_json::from_str::<Value>(line).ok();
                    ids.extend(event.and_then(|event| Some(event["id"].as_str()?.to_owned())));
                }
            })
            .map_err(|error| told(path, &error))?;
        }
        for (log, path) in opened.iter().zip(logs) {
            log.each_line(|line| events.take(line, hashes, &ids))
                .map_err(|error| told(path, &error))?;
        }
        // Times in one form and zone: their order is that of their texts. Lines of one time stay in order.
        events.lines.sort_by(|a, b| a["at"].as_str().cmp(&b["at"].as_str()));
        Ok(events)
    }

    fn take(&mut self, line: &str, hashes: &[String], ids: &BTreeSet<String>) {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            self.unreadable += 1;
            return;
        };
        let one_of = |key: &str, mut fits: Box<dyn FnMut(&str) -> bool + '_>| {
            event[key].as_str().is_some_and(&mut fits)
        };
        if one_of("recipient_hash", Box::new(|hash| hashes.iter().any(|known| known == hash)))
            || one_of("id", Box::new(|id| ids.contains(id)))
        {
            self.lines.push(event);
        } else if event["event"] == "audit_lost" {
            self.lost += event["entries"].as_u64().unwrap_or_default();
        }
    }

    /// The verification or delivery of the newest event that has one.
    pub(super) fn newest_id(&self) -> Option<&str> {
        self.lines.iter().rev().find_map(|line| line["id"].as_str())
    }
}

impl Log<'_> {
    /// Calls `each` with each line that is not empty.
    fn each_line(&self, mut each: impl FnMut(&str)) -> io::Result<()> {
        let mut reader: Box<dyn BufRead + '_> = match self {
            Self::File(path) => Box::new(BufReader::new(File::open(path)?)),
            Self::Stdin(text) => Box::new(&text[..]),
        };
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            // A fragment may end within a character.
            let text = String::from_utf8_lossy(&line);
            if !text.trim().is_empty() {
                each(text.trim());
            }
            line.clear();
        }
        Ok(())
    }
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}
