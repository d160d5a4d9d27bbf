//! The exit statuses of the program.

use std::process::ExitCode;

use otpmux::Verdict;

/// The exit status, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command succeeded.
    Done,
    /// The command failed, or the answer was no.
    Failed,
    /// The arguments or the configuration are wrong. Clap uses the same number.
    Usage,
    /// Retry later: a limit is reached, or a circuit is open. The time is known.
    Later,
    /// The command may have had an effect: the vendor's answer was lost.
    Unknown,
    /// No code is valid for this verification any more, or there is no such verification.
    Over,
}

/// The exit statuses, for `--help`.
pub(crate) const HELP: &str = "\
Exit status:
  0  done; for a code: approved
  1  failed, or the answer was no
  2  the arguments or the configuration are wrong; nothing was done
  3  retry later (rate limited or all circuits open); see `retry_after`
  4  unknown: it may have been done, and the vendor's answer was lost
  5  over: no such verification, or no code is valid for it any more; create a new one

Answers go to standard output, everything else to standard error. With --json both are JSON, one
document per line.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Later => 3,
            Exit::Unknown => 4,
            Exit::Over => 5,
        })
    }
}

impl From<&Verdict> for Exit {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Done,
            Verdict::TooManyGuesses { retry_after: Some(_) } => Self::Later,
            Verdict::WrongCode { guesses_left: Some(0) }
            | Verdict::TooManyGuesses { .. }
            | Verdict::Expired
            | Verdict::AlreadyUsed
            | Verdict::NotFound
            | Verdict::Gone => Self::Over,
            _ => Self::Failed,
        }
    }
}
