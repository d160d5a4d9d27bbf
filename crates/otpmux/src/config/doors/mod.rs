//! `[doors]`: APIs of other OTP systems that the gateway answers. A client does not use them, so
//! secrets in them are not looked up.

mod hooks;
mod twilio;
mod vonage;

use serde_json::{Map, Value};

pub use hooks::{HookAnswers, HookCheck, HookDoor, HookFields, HookKind};
pub use twilio::TwilioDoor;
pub use vonage::{VonageApplication, VonageDoor};

use super::reading::Reading;
use super::sections::Keys;
use super::server::ServerConfig;

/// The doors of the gateway: the section `[doors]` of a configuration file. An absent door is not
/// mounted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DoorsConfig {
    /// The door for clients of Twilio Verify v2.
    pub twilio: Option<TwilioDoor>,
    /// The door for clients of Vonage Verify v2.
    pub vonage: Option<VonageDoor>,
    /// The hooks that auth servers call to have their codes delivered.
    pub hooks: Vec<HookDoor>,
}

/// The tables within the section, with the purpose and the keys of each.
pub(crate) const TABLES: [(&str, &str, Keys); 2] = [
    ("twilio", "A door for clients of Twilio Verify v2.", twilio::KEYS),
    ("vonage", "A door for clients of Vonage Verify v2.", vonage::KEYS),
];

/// The list within `[doors.vonage]`, with its purpose and keys.
pub(crate) const VONAGE_APPLICATIONS: (&str, &str, Keys) = vonage::APPLICATIONS;

/// The list of hooks within the section, with its purpose and keys.
pub(crate) const HOOKS: (&str, &str, Keys) = (
    "hooks",
    "Addresses that auth servers call to have the codes delivered that they make and check.",
    hooks::KEYS,
);

impl DoorsConfig {
    /// Sets the door for clients of Twilio Verify v2.
    #[must_use]
    pub fn twilio(mut self, door: TwilioDoor) -> Self {
        self.twilio = Some(door);
        self
    }

    /// Sets the door for clients of Vonage Verify v2.
    #[must_use]
    pub fn vonage(mut self, door: VonageDoor) -> Self {
        self.vonage = Some(door);
        self
    }

    /// Adds a hook.
    #[must_use]
    pub fn hook(mut self, hook: HookDoor) -> Self {
        self.hooks.push(hook);
        self
    }

    /// Returns the section in the form of a file.
    pub(in crate::config) fn table(&self) -> Map<String, Value> {
        let mut table = Map::new();
        if let Some(door) = &self.twilio {
            table.insert("twilio".to_owned(), twilio::table(door).into());
        }
        if let Some(door) = &self.vonage {
            table.insert("vonage".to_owned(), vonage::table(door).into());
        }
        if !self.hooks.is_empty() {
            table.insert(HOOKS.0.to_owned(), hooks::tables(&self.hooks).into());
        }
        table
    }

    /// The paths below which doors are mounted, each with its key.
    fn paths(&self) -> impl Iterator<Item = (String, &str)> {
        let twilio = self.twilio.iter().map(|door| ("doors.twilio.path".to_owned(), &*door.path));
        let vonage = self.vonage.iter().map(|door| ("doors.vonage.path".to_owned(), &*door.path));
        let hooks = self.hooks.iter().enumerate();
        let hooks = hooks.map(|(at, hook)| (format!("doors.hooks[{at}].path"), &*hook.path));
        twilio.chain(vonage).chain(hooks)
    }
}

pub(super) fn read(
    root: &Map<String, Value>,
    server: Option<&ServerConfig>,
    cx: &mut Reading<'_>,
) -> DoorsConfig {
    let Some(table) = cx.table(root, "doors") else { return DoorsConfig::default() };
    let known: Vec<_> = TABLES.iter().chain([&HOOKS]).map(|(name, ..)| *name).collect();
    cx.unknown_keys("doors", table, &known);
    let doors = DoorsConfig {
        twilio: door(table, "twilio", cx).map(|table| twilio::read(table, cx)),
        vonage: door(table, "vonage", cx).map(|table| vonage::read(table, server, cx)),
        hooks: hooks::read(table.get(HOOKS.0), cx),
    };
    let paths: Vec<_> = doors.paths().collect();
    for (at, (key, path)) in paths.iter().enumerate() {
        let within = |other: &str| {
            let rest = path.strip_prefix(other);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut others = paths.iter().enumerate().filter(|(other, _)| *other != at);
        if let Some((_, (other, _))) = others.find(|(_, (_, path))| within(path)) {
            cx.mistake(key, format!("is at or below the path of another door, `{other}`"));
        }
    }
    doors
}

fn door<'t>(
    doors: &'t Map<String, Value>,
    name: &str,
    cx: &mut Reading<'_>,
) -> Option<&'t Map<String, Value>> {
    let table = doors.get(name)?.as_object();
    if table.is_none() {
        let path = format!("doors.{name}");
        cx.mistake(&path, format!("must be a table; begin it with [{path}]"));
    }
    table
}

/// Checks a path below which a door is mounted.
fn check_path(path: &str) -> Result<(), String> {
    /// The first parts of the gateway's own paths.
    const TAKEN: [&str; 7] =
        ["v1", "healthz", "readyz", "openapi.json", "docs", "problems", "metrics"];
    let rule = "must be a slash and words of letters, digits, `-`, `_` and `.`, such as /twilio, \
                without a slash at the end";
    let word = |word: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !word.is_empty() && word.chars().all(fits) && !matches!(word, "." | "..")
    };
    let mut words = path.strip_prefix('/').ok_or(rule)?.split('/');
    let first = words.clone().next().unwrap_or_default();
    if !words.all(word) {
        return Err(rule.to_owned());
    }
    if TAKEN.contains(&first) {
        return Err(format!("the gateway's own API is below /{first}; choose another path"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for good in ["/twilio", "/a/b-c_d.e", "/v2"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in ["", "/", "twilio", "/twilio/", "//", "/a//b", "/a/../b", "/{x}", "/v1", "/v1/x"]
        {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
