//! The steps of a route that send again by themselves.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::settings::duration_text;
use otpmux_core::{Capabilities, Channel};

use crate::{Policy, Route, RouteError};

/// A step of escalation: another message with the same code for a user who has not typed it for
/// some time.
///
/// ```
/// use std::time::Duration;
/// use otpmux_core::{Channel, ProviderId};
/// use otpmux_engine::{EscalationStep, Route};
///
/// let mut route = Route::to([ProviderId::new("primary")?, ProviderId::new("backup")?]);
/// route.escalate = vec![
///     EscalationStep::next(Duration::from_secs(30)),
///     EscalationStep::by(Channel::Voice, Duration::from_secs(60)),
/// ];
/// assert!(route.validate().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EscalationStep {
    /// How long after the message before it: that of the send, or of the step before.
    pub after: Duration,
    /// The way of its message.
    pub by: StepBy,
}

/// The way of the message of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a plan follows each of them")]
pub enum StepBy {
    /// The next provider of the route that has sent this user nothing, by the channel of the newest
    /// message.
    Next,
    /// This channel, by any provider of the route that has sent this user nothing by it.
    Channel(Channel),
}

impl EscalationStep {
    /// The most steps of one route.
    pub const MOST: usize = 3;

    /// The valid waits.
    pub const AFTER: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_mins(15);

    /// How long the code must be valid when a step begins: a message needs its time, and so does
    /// its user.
    pub const LEFT: Duration = Duration::from_secs(60);

    /// A step that goes to the next provider.
    pub fn next(after: Duration) -> Self {
        Self { after, by: StepBy::Next }
    }

    /// A step that goes by this channel.
    pub fn by(channel: Channel, after: Duration) -> Self {
        Self { after, by: StepBy::Channel(channel) }
    }

    fn check_wait(&self) -> Result<(), String> {
        if Self::AFTER.contains(&self.after) {
            return Ok(());
        }
        let (least, most) = (Self::AFTER.start(), Self::AFTER.end());
        Err(format!("`after` must be {} to {}", duration_text(*least), duration_text(*most)))
    }

    /// Returns the first mistake in the steps of a request.
    pub(crate) fn check_all(steps: &[Self]) -> Result<(), String> {
        if steps.len() > Self::MOST {
            return Err(format!("a verification has at most {} steps of escalation", Self::MOST));
        }
        steps.iter().try_for_each(Self::check_wait)
    }

    /// When each of these steps is due at the earliest, from the send on.
    pub fn times(steps: &[Self]) -> impl Iterator<Item = (Duration, &Self)> {
        steps.iter().scan(Duration::ZERO, |at, step| {
            *at += step.after;
            Some((*at, step))
        })
    }
}

/// As a configuration writes it.
impl fmt::Display for EscalationStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            StepBy::Next => f.write_str("the next provider"),
            StepBy::Channel(channel) => channel.fmt(f),
        }?;
        write!(f, " after {}", duration_text(self.after))
    }
}

impl Route {
    /// Returns the first mistake in the steps of escalation, with its index; with those of
    /// [`validate`](Self::validate), all that can be known without the policy and the providers.
    pub(crate) fn check_steps(&self) -> Result<(), RouteError> {
        if self.escalate.len() > EscalationStep::MOST {
            return Err(RouteError::Steps(EscalationStep::MOST));
        }
        for (place, step) in self.escalate.iter().enumerate() {
            let why = if let Err(why) = step.check_wait() {
                why
            } else if step.by == StepBy::Next && self.providers.len() < 2 {
                "the route has no next provider; add one, or name a channel".to_owned()
            } else {
                continue;
            };
            return Err(RouteError::Step(place, why));
        }
        Ok(())
    }

    /// Returns the first step that this policy or the providers of this route, if all are known,
    /// make useless: its index, and why.
    pub fn useless_step(
        &self,
        policy: &Policy,
        providers: &[&Capabilities],
    ) -> Option<(usize, String)> {
        let ttl = self.channels.iter().map(|channel| policy.ttl_by(channel)).min();
        let ttl = ttl.unwrap_or(policy.ttl);
        for (place, (at, step)) in EscalationStep::times(&self.escalate).enumerate() {
            if at + EscalationStep::LEFT > ttl {
                let message = format!(
                    "begins {} after the send, when a code is valid for less than {} more: its ttl is {}",
                    duration_text(at),
                    duration_text(EscalationStep::LEFT),
                    duration_text(ttl),
                );
                return Some((place, message));
            }
            if let StepBy::Channel(channel) = &step.by
                && providers.len() == self.providers.len()
                && !providers.iter().any(|it| it.channels.contains(channel))
            {
                let message = format!("none of this route's providers sends by {channel}");
                return Some((place, message));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::ProviderId;

    use super::*;

    fn route(steps: Vec<EscalationStep>) -> Route {
        let id = |name| ProviderId::new(name).unwrap();
        let mut route = Route::to([id("a"), id("b")]);
        route.escalate = steps;
        route
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn mistakes_in_steps_are_named() {
        let next = |after| EscalationStep::next(seconds(after));
        let told = |route: Route| {
            route.validate().map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(told(route(vec![next(30), next(60), next(90)])), "");
        assert!(told(route(vec![next(30); 4])).contains("at most 3"));
        assert_eq!(told(route(vec![next(30), next(9)])), "escalate[1]: `after` must be 10s to 15m");
        let mut alone = route(vec![next(30)]);
        alone.providers.truncate(1);
        assert!(told(alone).contains("no next provider"));
    }

    #[test]
    fn a_step_that_begins_too_late_is_useless() {
        let policy = Policy { ttl: Duration::from_mins(5), ..Policy::default() };
        let steps = |afters: &[u64]| {
            route(afters.iter().map(|after| EscalationStep::next(seconds(*after))).collect())
        };
        assert_eq!(steps(&[30, 60, 150]).useless_step(&policy, &[]), None);
        let (place, why) = steps(&[30, 60, 151]).useless_step(&policy, &[]).unwrap();
        assert_eq!(place, 2);
        assert!(why.starts_with("begins 241s after the send"), "{why}");
    }
}
