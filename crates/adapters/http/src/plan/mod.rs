//! A definition with the settings of one provider: everything that is the same in every send is
//! computed once.

mod channel;
mod form;
mod given;
mod line;
mod node;
mod outcome;
mod sign;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use otpmux_core::settings::{ConfigError, nearest};
use otpmux_core::{Capabilities, Channel, Secret};
use otpmux_http::basic;

use crate::definition::{Auth, ChannelRules, Definition, Failure};
use crate::template::{Piece, Template};
use crate::var::{SettingOnly, Slot, Var};

pub(crate) use channel::{ChannelPlan, Refused};
pub(crate) use given::{Given, Value};
pub(crate) use outcome::read_sent;
pub(crate) use sign::decode_key;
pub(crate) use values::{Defaults, Surroundings, Values};

use form::Pair;
use line::{AbsentSetting, Line};
use node::Unbound;
use sign::SignPlan;

/// How one provider sends.
pub(crate) struct Plan {
    /// The address, unless the provider has its own.
    pub(crate) base_url: Option<String>,
    /// The header of every request that authenticates, and its value.
    pub(crate) credential: Option<(String, Secret)>,
    /// Every secret: none of them may be shown from an answer.
    pub(crate) secrets: Vec<Secret>,
    pub(crate) channels: Vec<ChannelPlan>,
    pub(crate) failure: Failure,
    pub(crate) sign: Option<SignPlan>,
    pub(crate) defaults: Defaults,
    pub(crate) capabilities: Capabilities,
}

impl Plan {
    /// Puts the settings of a provider into a definition.
    ///
    /// # Errors
    ///
    /// Every setting that is missing or contradicts another. A path that begins with `definition.`
    /// is a place in the definition; any other is a key of the provider.
    pub(crate) fn new(definition: &Definition, given: &Given) -> Result<Self, Vec<ConfigError>> {
        let mut mistakes = Vec::new();
        check_given(definition, given, &mut mistakes);
        let auth = bind_auth(definition, given, &mut mistakes);
        let sign = definition.sign.as_ref().and_then(|sign| {
            SignPlan::bind(sign, given).map_err(|error| mistakes.push(within(error))).ok()
        });
        let channels = bind_channels(definition, given, auth.query.as_ref(), &mut mistakes);
        if mistakes.is_empty() && channels.is_empty() {
            mistakes.push(no_channel(&definition.channels));
        }
        let base_url = definition.base_url.as_ref().and_then(|template| {
            bind_url(template, given).map_err(|error| mistakes.push(error)).ok()
        });
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let capabilities = capabilities(definition, &channels);
        Ok(Self {
            base_url,
            credential: auth.credential,
            secrets: given.secrets().cloned().collect(),
            channels,
            failure: definition.failure.clone(),
            sign,
            defaults: Defaults {
                sender: given.text("sender").map(str::to_owned),
                template: given.text("template").map(str::to_owned),
            },
            capabilities,
        })
    }

    /// Returns how to send by a channel.
    pub(crate) fn channel(&self, channel: &Channel) -> Option<&ChannelPlan> {
        self.channels.iter().find(|plan| plan.channel == *channel)
    }
}

fn within(error: ConfigError) -> ConfigError {
    error.within("definition")
}

/// Checks which settings are there.
fn check_given(definition: &Definition, given: &Given, mistakes: &mut Vec<ConfigError>) {
    let used: BTreeSet<_> = definition.settings().collect();
    if definition.declared.is_none() {
        // Without declarations nothing says that a setting may be absent.
        for name in used.iter().filter(|name| given.get(name).is_none()) {
            let hint = nearest(name, given.names())
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let message = format!(
                "the definition uses {{setting.{name}}}, and neither `settings` nor `secrets` has \
                 `{name}`{hint}"
            );
            mistakes.push(ConfigError::new("definition", message));
        }
    }
    for names in &definition.one_of {
        if !names.iter().any(|name| given.get(name).is_some()) {
            let first = names.first().map_or("", String::as_str);
            let message = format!("missing; one of these is required: {}", names.join(", "));
            mistakes.push(ConfigError::new(first, message));
        }
    }
    let secret = used.iter().any(|name| given.secret(name).is_some());
    if !secret && definition.auth.is_none() && mistakes.is_empty() {
        let message = "nothing in the request is a secret; write `auth = { none = true }` if this \
                       vendor needs none";
        mistakes.push(ConfigError::new("definition.auth", message));
    }
}

#[derive(Default)]
struct BoundAuth {
    credential: Option<(String, Secret)>,
    query: Option<Pair<Line>>,
}

fn bind_auth(definition: &Definition, given: &Given, mistakes: &mut Vec<ConfigError>) -> BoundAuth {
    let mut bind = |template: &Template<Var>| match Line::bind(template, given) {
        Ok(line) => Some(line),
        Err(AbsentSetting(name)) => {
            // Without declarations, every absent setting is reported already.
            if definition.declared.is_some() {
                mistakes.push(ConfigError::new(name, "missing; it is required"));
            }
            None
        }
    };
    let text = |line: Line| line.constant().unwrap_or_default().to_owned();
    let header = |name: &str, value: Secret| BoundAuth {
        credential: Some((name.to_owned(), value)),
        query: None,
    };
    let bound = match &definition.auth {
        None | Some(Auth::None) => None,
        Some(Auth::Bearer(token)) => bind(token)
            .map(|token| header("authorization", Secret::new(format!("Bearer {}", text(token))))),
        Some(Auth::Header { name, value }) => {
            bind(value).map(|value| header(name, Secret::new(text(value))))
        }
        Some(Auth::Basic { user, password }) => {
            let (user, password) = (bind(user), bind(password));
            user.zip(password).map(|(user, password)| {
                header("authorization", basic(&text(user), &Secret::new(text(password))))
            })
        }
        Some(Auth::Query { name, value }) => bind(value).map(|value| BoundAuth {
            credential: None,
            query: Some(Pair { name: name.clone(), optional: false, value }),
        }),
    };
    bound.unwrap_or_default()
}

fn bind_channels(
    definition: &Definition,
    given: &Given,
    query: Option<&Pair<Line>>,
    mistakes: &mut Vec<ConfigError>,
) -> Vec<ChannelPlan> {
    let mut channels = Vec::new();
    for rules in &definition.channels {
        if !rules.needs.iter().all(|name| given.get(name).is_some()) {
            continue;
        }
        match ChannelPlan::bind(rules, &definition.errors, given, query) {
            Ok(plan) => channels.push(plan),
            // Already reported for the whole definition.
            Err(_) if definition.declared.is_none() && !mistakes.is_empty() => {}
            Err(Unbound { setting, path }) => {
                let known = definition
                    .declared
                    .as_ref()
                    .is_some_and(|declared| declared.iter().any(|one| one.name == setting));
                let mistake = if known {
                    let message = format!("missing; the channel {} needs it", rules.channel);
                    ConfigError::new(setting, message)
                } else {
                    let path = path.unwrap_or_else(|| rules.path.clone());
                    within(ConfigError::new(path, format!("needs the setting `{setting}`")))
                };
                mistakes.push(mistake);
            }
        }
    }
    channels
}

fn no_channel(rules: &[ChannelRules]) -> ConfigError {
    let needs: Vec<_> = rules
        .iter()
        .map(|rules| format!("{} needs {}", rules.channel, rules.needs.join(" and ")))
        .collect();
    ConfigError::new("", format!("no channel is left: {}", needs.join("; ")))
}

fn bind_url(template: &Template<SettingOnly>, given: &Given) -> Result<String, ConfigError> {
    let mut url = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Literal(text) => url.push_str(text),
            Piece::Value(SettingOnly(name), default) => match (given.get(name), default) {
                (Some(Value::Secret(_)), _) => {
                    let message = format!("the setting `{name}` is a secret; a base URL is shown");
                    return Err(ConfigError::new("definition.base_url", message));
                }
                (Some(value), _) => url.push_str(&value.expose()),
                (None, Some(default)) => url.push_str(default),
                (None, None) => return Err(ConfigError::new(name, "missing; it is required")),
            },
        }
    }
    Ok(url)
}

fn capabilities(definition: &Definition, channels: &[ChannelPlan]) -> Capabilities {
    let limits = &definition.limits;
    let by = channels.iter().map(|plan| plan.channel.clone());
    let mut can = Capabilities::new(by).with_otpmux_codes(limits.code_length.clone());
    let uses = |wanted: &dyn Fn(&Slot) -> bool| channels.iter().any(|plan| plan.uses(wanted));
    can.needs_message = channels.iter().any(|plan| plan.needs_message);
    can.message = uses(&Slot::is_of_message);
    // A code in a parameter of the vendor's may have to be digits.
    can.letters_in_codes = !uses(&|slot| *slot == Slot::Code);
    can.template = uses(&|slot| *slot == Slot::Template);
    can.locale = uses(&|slot| *slot == Slot::Locale);
    can.sender = uses(&|slot| *slot == Slot::Sender);
    can.countries.clone_from(&definition.countries);
    can.limits.requests.clone_from(&limits.requests);
    can.limits.sends_per_recipient.clone_from(&limits.sends_per_recipient);
    can
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("channels", &self.channels.len()).finish_non_exhaustive()
    }
}
