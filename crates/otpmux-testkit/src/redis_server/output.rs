use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::PATIENCE;

/// The output of a server so far. A thread reads it, since an unread pipe blocks its writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    text: String,
    ended: bool,
}

impl Output {
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let output = Self::default();
        let theirs = output.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                theirs.change(|said| {
                    said.text.push_str(&line);
                    said.text.push('\n');
                });
            }
            theirs.change(|said| said.ended = true);
        });
        output
    }

    fn change(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.0.said.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.more.notify_all();
    }

    pub(crate) fn text(&self) -> String {
        self.0.said.lock().unwrap_or_else(PoisonError::into_inner).text.clone()
    }

    /// Waits for these words; `false` if the server has ended without them, or takes too long.
    pub(crate) fn until(&self, words: &str) -> bool {
        let said = self.0.said.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = |said: &mut Said| !said.ended && !said.text.contains(words);
        let waited = self.0.more.wait_timeout_while(said, PATIENCE, silent);
        waited.unwrap_or_else(PoisonError::into_inner).0.text.contains(words)
    }
}
