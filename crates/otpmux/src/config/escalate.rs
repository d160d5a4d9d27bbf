//! `escalate` in `[[routes]]`

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use otpmux_core::Channel;
use otpmux_core::settings::{ConfigError, Section as _, duration_text, parses};
use otpmux_engine::{EscalationStep, Policy, Route, StepBy};
use serde_json::{Value, json};

use super::providers::ConfiguredProvider;
use super::reading::Reading;

/// The key that is a list of steps.
pub(crate) const ESCALATE: &str = "Further messages, with the same code, for a user who does not type it: \
     at most three steps, each with its wait, and by the next provider or by a channel. None follows once \
     the user has typed a code or asked for another message.";

otpmux_core::settings! {
    /// A step of escalation.
    #[derive(Clone, Debug)]
    pub(crate) struct StepSettings {
        /// How long after the message before it: that of the send, or of the step before. A message
        /// that certainly did not arrive ends the wait; one that was delivered doubles it.
        pub after: Option<Duration> = None,
            duration(*EscalationStep::AFTER.start()..=*EscalationStep::AFTER.end()).required(),
            example "30s";
        /// `next`: the next provider of the route that has sent this user nothing, by the same
        /// channel. Absent: `channel` is needed.
        pub by: Option<Next> = None, choice(Next::WORDS), example "next";
        /// The channel of the message, by any provider of the route. Absent: `by` is needed.
        pub channel: Option<Channel> = None, text().check(parses::<Channel>), example "voice";
    }
}

/// The word of `by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Next;

impl Next {
    const WORDS: &'static [&'static str] = &["next"];
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("next")
    }
}

impl FromStr for Next {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "next" { Ok(Self) } else { Err(ConfigError::new("by", "must be: next")) }
    }
}

otpmux_core::text_setting!(Next);

/// Reads the steps of the route at this path.
pub(super) fn read(path: &str, value: &Value, cx: &mut Reading<'_>) -> Vec<EscalationStep> {
    let path = format!("{path}.escalate");
    let list =
        value.as_array().filter(|list| !list.is_empty() && list.iter().all(Value::is_object));
    let Some(list) = list else {
        let message = "must be a list of steps such as [{ after = \"30s\", by = \"next\" }]; remove it, \
                       if nothing escalates";
        cx.mistake(path, message);
        return Vec::new();
    };
    if list.len() > EscalationStep::MOST {
        cx.mistake(&path, format!("at most {} steps", EscalationStep::MOST));
    }
    let mut steps = Vec::with_capacity(list.len());
    for (at, table) in list.iter().filter_map(Value::as_object).enumerate() {
        let path = format!("{path}[{at}]");
        let Some(settings) = cx.settings(&path, StepSettings::KEYS, table) else { continue };
        let mut read = StepSettings::default();
        read.apply(&settings);
        let Some(after) = read.after else { continue };
        match (read.by, read.channel) {
            (Some(Next), None) => steps.push(EscalationStep::next(after)),
            (None, Some(channel)) => steps.push(EscalationStep::by(channel, after)),
            _ => cx.mistake(path, "needs `by = \"next\"` or a `channel`, and not both"),
        }
    }
    steps
}

/// Returns a step in the form of a file.
pub(super) fn table(step: &EscalationStep) -> Value {
    let after = duration_text(step.after);
    match &step.by {
        StepBy::Next => json!({ "after": after, "by": "next" }),
        StepBy::Channel(channel) => json!({ "after": after, "channel": channel }),
    }
}

/// Checks the steps of a route that is right otherwise.
pub(super) fn check(path: &str, route: &Route, cx: &mut Reading<'_>) {
    for (at, step) in route.escalate.iter().enumerate() {
        if step.by == StepBy::Next && route.providers.len() < 2 {
            let message = "the route has no next provider; add one, or name a channel";
            cx.mistake(format!("{path}.escalate[{at}].by"), message);
        }
    }
}

/// Checks the steps of each route against the policy and the providers.
pub(super) fn check_useful(
    routes: &[Route],
    policy: &Policy,
    providers: &[ConfiguredProvider],
    cx: &mut Reading<'_>,
) {
    for (at, route) in routes.iter().enumerate() {
        let of_route = providers.iter().filter(|one| route.providers.contains(&one.id));
        let of_route: Vec<_> = of_route.map(|one| &one.capabilities).collect();
        if let Some((step, why)) = route.useless_step(policy, &of_route) {
            cx.mistake(format!("routes[{at}].escalate[{step}]"), why);
        }
    }
}
