//! Steps of escalation as a payload keeps them: the wait of each, and its channel; without one, the
//! next provider.

use std::borrow::Cow;
use std::time::Duration;

use otpmux_core::Channel;
use serde::{Deserialize, Deserializer, Serializer};

use crate::{EscalationStep, StepBy};

pub(super) fn serialize<S: Serializer>(steps: &[EscalationStep], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(steps.iter().map(|step| match &step.by {
        StepBy::Next => (step.after, None),
        StepBy::Channel(channel) => (step.after, Some(channel)),
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Cow<'static, [EscalationStep]>, D::Error> {
    let steps: Vec<(Duration, Option<Channel>)> = Deserialize::deserialize(from)?;
    let step = |(after, channel)| match channel {
        None => EscalationStep::next(after),
        Some(channel) => EscalationStep::by(channel, after),
    };
    Ok(steps.into_iter().map(step).collect())
}
