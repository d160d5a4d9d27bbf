//! Configuration files.

use otpmux::Config;
use otpmux::config::Environment;

const SECRET: &str = "sk_live_9f8e7d6c5b4a3210ffffffffffffffffffffff";

pub(crate) const DICTIONARY: &[&str] = &[
    "[providers.p]\n",
    "[[routes]]\n",
    "[store]\n",
    "[[server_keys]]\n",
    "[policy]\n",
    "[limits]\n",
    "[server]\n",
    "[[server.api_keys]]\n",
    "kind = ",
    "env:KEY",
    "\"any\"",
    "\"\"\"",
    "= [",
    "= {",
    ".",
];

/// A file is read or refused with its mistakes, none of which shows a secret.
pub(crate) fn toml(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // A reference to a device would be read for ever, as any program would.
    if text.contains("/dev") || text.contains("/proc") {
        return;
    }
    let environment = Environment::new().with("KEY", SECRET).with("SERVER_KEY", "k".repeat(43));
    let said = match Config::from_toml(&text, &environment) {
        Ok(config) => format!("{config:?} {:?} {:?}", config.hints(), config.check_countries()),
        Err(errors) => {
            let lines = text.lines().count();
            for error in errors.iter() {
                if let Some((line, column)) = error.place() {
                    assert!(line >= 1 && column >= 1 && line <= lines + 1, "{error}");
                }
            }
            format!("{errors} {errors:?}")
        }
    };
    assert!(!said.contains(SECRET), "a secret is shown: {said}");
}
