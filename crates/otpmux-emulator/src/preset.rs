//! Named faults: the settings of a vendor's switch on the page.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultKind};

/// A named fault. In JSON `{"preset":"down"}`, wherever a fault is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultPreset {
    /// Connections are refused, so it is certain that nothing was sent.
    Down,
    /// Every answer comes 3 seconds late.
    Slow,
    /// Sends are accepted, and no message arrives.
    NeverDelivers,
    /// Sends are answered 402.
    OutOfCredit,
    /// Every request is answered 429, with a wait of 30 seconds.
    RateLimited,
    /// The message is sent, and the connection breaks before the answer: the sender cannot know it.
    AnswerLost,
}

impl FaultPreset {
    /// Every preset, in the order of the page.
    pub const ALL: [Self; 6] = [
        Self::Down,
        Self::Slow,
        Self::NeverDelivers,
        Self::OutOfCredit,
        Self::RateLimited,
        Self::AnswerLost,
    ];

    /// Returns the fault.
    pub fn fault(self) -> Fault {
        match self {
            Self::Down => FaultKind::Refuse.into(),
            Self::Slow => FaultKind::Latency(Duration::from_secs(3)).into(),
            Self::NeverDelivers => FaultKind::AcceptButNeverDeliver.into(),
            Self::OutOfCredit => Fault::status(402).at("/send"),
            Self::RateLimited => Fault::status(429).with_header("retry-after", "30"),
            Self::AnswerLost => Fault::new(FaultKind::ResetAfterRead).after_work().at("/send"),
        }
    }

    /// Returns the preset of a fault, if there is one.
    pub fn of(fault: &Fault) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.fault() == *fault)
    }

    /// Returns the name to display.
    pub fn label(self) -> &'static str {
        match self {
            Self::Down => "Down",
            Self::Slow => "Slow",
            Self::NeverDelivers => "Never delivers",
            Self::OutOfCredit => "Out of credit",
            Self::RateLimited => "Rate limited",
            Self::AnswerLost => "Answer lost",
        }
    }

    /// Returns one sentence to display: what the vendor does, and the consequence for a sender.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Down => {
                "Cannot be reached: refuses connections. A send to it is certainly not sent."
            }
            Self::Slow => "Answers 3 seconds late.",
            Self::NeverDelivers => "Accepts messages and does not deliver them.",
            Self::OutOfCredit => "Refuses to send: 402.",
            Self::RateLimited => "Refuses everything for 30 seconds: 429.",
            Self::AnswerLost => {
                "Sends the message, then breaks the connection. No sender can know that it was sent."
            }
        }
    }
}

impl From<FaultPreset> for Fault {
    fn from(preset: FaultPreset) -> Self {
        preset.fault()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_told_apart() {
        for preset in FaultPreset::ALL {
            assert_eq!(FaultPreset::of(&preset.fault()), Some(preset));
            let json = serde_json::to_value(preset.fault()).unwrap();
            let read: Fault = serde_json::from_value(json).unwrap();
            assert_eq!(FaultPreset::of(&read), Some(preset), "through JSON");
        }
        assert_eq!(FaultPreset::of(&FaultKind::Hang.into()), None);
    }
}
