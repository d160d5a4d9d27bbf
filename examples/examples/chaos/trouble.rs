//! The troubles that a vendor can have.

use otpmux_emulator::{Fault, FaultKind, Garbage};

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Connections are refused.
    Refuses,
    Hangs,
    /// The request is read, then the connection is reset.
    Resets,
    Error500,
    /// 503 with a time for the next try.
    Busy503,
    /// It accepts, and no message arrives.
    Silent,
    /// Its answer is not HTTP, or not JSON.
    Garbage,
    /// The message is sent, the answer is lost.
    AnswerLost,
}

impl Trouble {
    pub(crate) const ALL: [Self; 8] = [
        Self::Refuses,
        Self::Hangs,
        Self::Resets,
        Self::Error500,
        Self::Busy503,
        Self::Silent,
        Self::Garbage,
        Self::AnswerLost,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Refuses => "refuses connections",
            Self::Hangs => "hangs",
            Self::Resets => "resets after the request",
            Self::Error500 => "answers 500",
            Self::Busy503 => "answers 503, Retry-After: 1",
            Self::Silent => "accepts, never delivers",
            Self::Garbage => "answers garbage",
            Self::AnswerLost => "delivers, loses its answer",
        }
    }

    /// Returns the emulator's fault for it.
    pub(crate) fn fault(self, random: &mut Random) -> Fault {
        match self {
            Self::Refuses => Fault::new(FaultKind::Refuse),
            Self::Hangs => Fault::new(FaultKind::Hang),
            Self::Resets => Fault::new(FaultKind::ResetAfterRead),
            Self::Error500 => Fault::status(500),
            Self::Busy503 => Fault::status(503).with_header("retry-after", "1"),
            Self::Silent => Fault::new(FaultKind::AcceptButNeverDeliver),
            Self::Garbage => {
                Fault::new(FaultKind::Garbage(*random.one_of(&[Garbage::Http, Garbage::Json])))
            }
            Self::AnswerLost => {
                let how = random.one_of(&[
                    FaultKind::Hang,
                    FaultKind::ResetAfterRead,
                    FaultKind::CloseBeforeAnswer,
                ]);
                Fault::new(how.clone()).after_work()
            }
        }
    }
}
