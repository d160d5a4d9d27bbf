use std::sync::atomic::{AtomicU8, Ordering};

/// How far a conversation has come. The order is that of the conversation.
///
/// Nothing before [`End`](Self::End) can have caused a delivery: a server that has not read the
/// final dot has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Looking up the name, connecting, greeting, `EHLO`.
    Connect,
    /// `STARTTLS` or the handshake.
    Tls,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`, and the message up to its final dot.
    Data,
    /// The final dot may have left.
    End,
}

impl Stage {
    const ALL: [Self; 7] = [
        Self::Connect,
        Self::Tls,
        Self::Login,
        Self::Sender,
        Self::Recipient,
        Self::Data,
        Self::End,
    ];

    /// Returns whether the server may have the whole message.
    pub(crate) fn may_have_sent(self) -> bool {
        self == Self::End
    }
}

/// The stage of a call that may end at any time, at its deadline for example.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU8);

impl Progress {
    pub(crate) fn reach(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Release);
    }

    pub(crate) fn stage(&self) -> Stage {
        let reached = usize::from(self.0.load(Ordering::Acquire));
        // Only stages are stored; the last one claims the least.
        Stage::ALL.get(reached).copied().unwrap_or(Stage::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_read_as_it_was_reached() {
        let progress = Progress::default();
        assert_eq!(progress.stage(), Stage::Connect);
        for stage in Stage::ALL {
            progress.reach(stage);
            assert_eq!(progress.stage(), stage);
            assert_eq!(stage.may_have_sent(), stage == Stage::End);
        }
    }
}
