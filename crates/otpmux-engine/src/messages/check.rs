//! Checks of the settings and of single texts.

use otpmux_core::settings::ConfigError;

use super::template::{Part, Template};
use super::{Locale, MessageSettings, values};

/// Checks what does not depend on the texts.
pub(super) fn settings(settings: &MessageSettings, mistakes: &mut Vec<ConfigError>) {
    let mut mistake = |path: String, message: &str| mistakes.push(ConfigError::new(path, message));
    match &settings.app {
        None => mistake("app".to_owned(), "missing; messages name your service"),
        Some(app) => {
            if let Err(message) = values::check_brand(app) {
                mistake("app".to_owned(), &message);
            } else if let Some(link) = values::link(app).filter(|_| !settings.allow_links) {
                mistake(
                    "app".to_owned(),
                    &format!(
                        "phones show `{link}` as a link; set allow_links = true if that is intended"
                    ),
                );
            }
        }
    }
    if settings.webotp_host.is_some() && settings.android_hash.is_some() {
        let message = "excludes `webotp_host`: each must be the last line of the message. Keep the \
                       one that most of your users need";
        mistake("android_hash".to_owned(), message);
    }
    for name in settings.variables.keys() {
        if let Err(message) = values::check_name(name) {
            mistake(format!("variables.{name}"), &message);
        }
    }
    locales(settings, mistakes);
}

/// Every purpose has a text in the default locale, and in each locale that another purpose has.
fn locales(settings: &MessageSettings, mistakes: &mut Vec<ConfigError>) {
    for (purpose, texts) in &settings.texts {
        let lacks = |locale: &Locale| locale.best(texts.keys()).is_none();
        let path = format!("texts.{purpose}");
        if lacks(&settings.default_locale) {
            let message =
                format!("has no text in `{}`, the default locale", settings.default_locale);
            mistakes.push(ConfigError::new(&path, message));
        }
        let mut told = Vec::new();
        for (other, others) in &settings.texts {
            for locale in others.keys().filter(|locale| lacks(locale)) {
                if *locale == settings.default_locale || told.contains(&locale) {
                    continue;
                }
                told.push(locale);
                let message = format!("has no text in `{locale}`, in which `{other}` has one");
                mistakes.push(ConfigError::new(&path, message));
            }
        }
    }
}

/// Returns the mistakes in a text; `key` is `text`, `subject`, `html`, `speech` or `do_not_share`.
pub(super) fn text(key: &str, template: &Template, settings: &MessageSettings) -> Vec<String> {
    let mut mistakes = Vec::new();
    let app = settings.app.as_deref().unwrap_or("Acme");
    let filled = |app: &str| {
        template.filled(|part| match part {
            Part::App => app.to_owned(),
            _ => "0".to_owned(),
        })
    };
    if matches!(key, "text" | "html" | "speech") && template.codes() == 0 {
        mistakes.push("must hold {code} where the code belongs".to_owned());
    }
    // A registered text may hold the name itself.
    let names_app = template.has_app() || filled("").to_lowercase().contains(&app.to_lowercase());
    if matches!(key, "text" | "speech") && !names_app {
        mistakes.push(
            "does not name your service: put {app} where its name belongs, or users cannot know \
             whose code it is"
                .to_owned(),
        );
    }
    // HTML has its links in attributes, where readers expect them.
    let with_app = filled("x");
    if key != "html"
        && !settings.allow_links
        && let Some(link) = values::link(&with_app)
    {
        mistakes.push(format!(
            "phones show `{link}` as a link: remove it, or set allow_links = true under [messages]"
        ));
    }
    mistakes
}
