//! `[messages]`: what is read, and what is said about mistakes.

use std::sync::Arc;

use otpmux::config::settings::Adapter;
use otpmux::config::{Environment, Registry};
use otpmux::provider::Capabilities;
use otpmux::{Channel, Config, LocalizedText, MessageSettings, Purpose};
use otpmux_testkit::ScriptedProvider;

use crate::mistakes::assert_mistakes;
use crate::{read, with};

const ALL: &str = r#"
[messages]
app = "Acme"
default_locale = "en"
webotp_host = "acme.example"

[messages.variables]
name = { max = 30 }

[messages.texts.login.en]
text = "{name}, {code} is your {app} code."
subject = "{app}"
html = "<b>{code}</b>"
speech = "{app}: {code}"

[messages.texts.login.en.whatsapp]
text = "*{code}* {app}"

[messages.texts.login.pt-br]
text = "{code} {app}"
dlt_template_id = "3"

[messages.texts.login.pt-br.templates]
whatsapp = "codigo"

[messages.templates.login]
easyotp = "x"
p = "y"

[messages.dlt.login]
entity_id = "1"
template_id = "2"
"#;

#[test]
fn every_key_is_read() {
    let config = read(&with(ALL)).unwrap();
    let messages = config.messages().unwrap();
    let login = Purpose::new("login").unwrap();
    let locales: Vec<_> = messages.locales(&login).map(ToString::to_string).collect();
    assert_eq!(locales, ["en", "pt-BR"]);
    assert!(messages.has_dlt(&login));
    let settings = messages.settings();
    assert_eq!(settings.variables["name"].max, 30);
    assert_eq!(settings.templates[&login]["p"], "y");
    let english = &settings.texts[&login]["en"];
    assert_eq!(english.speech.as_deref(), Some("{app}: {code}"));
    assert_eq!(english.channels.len(), 1);
    assert!(read(&with("")).unwrap().messages().is_none());
}

#[test]
fn written_and_read_again() {
    let config = read(&with(ALL)).unwrap();
    let settings = config.messages().unwrap().settings();
    let again = read(&config.to_toml()).unwrap();
    assert_eq!(again.messages().unwrap().settings(), settings);
    let in_code = Config::builder().toml(&with("")).unwrap().messages(settings);
    let in_code = in_code.environment(Environment::new().with("KEY", "made-up")).build().unwrap();
    assert_eq!(in_code.messages().unwrap().settings(), settings);
}

#[test]
fn set_in_code() {
    let settings = MessageSettings::new("Acme").texts(
        Purpose::default(),
        "en".parse().unwrap(),
        LocalizedText::new("{code} is your {app} code."),
    );
    let config = Config::builder().toml(&with("")).unwrap().messages(&settings);
    let config = config.environment(Environment::new().with("KEY", "made-up")).build().unwrap();
    assert!(config.to_toml().contains("[messages.texts.default.en]"), "{}", config.to_toml());
}

#[test]
fn every_mistake_at_once() {
    assert_mistakes(
        &with(
            r#"
            [messages]
            ap = "Acme"
            allow_segments = 11
            webotp_host = "https://acme.example"

            [messages.variables]
            name = { maximum = 3 }
            code = {}

            [messages.texts.login.en]
            text = "{code} {nme} {app}"
            subjekt = "x"
            sms = "x"

            [messages.texts.login.english]
            text = "{code} {app}"

            [messages.texts.login.en.templates]
            acme = "x"

            [messages.templates]
            login = "x"

            [messages.dlt.login]
            entity_id = "E1"
            "#,
        ),
        &[
            "messages.ap: unknown key; did you mean `app`?",
            "messages.webotp_host: must be a host name in lower case, such as acme.example: no scheme, \
             no port, no path",
            "messages.allow_segments: must be a whole number from 1 to 10",
            "messages.variables.name.maximum: unknown key; the known ones are: max",
            "messages.texts.login.en.sms: unknown key; the known ones are: text, subject, html, speech, \
             do_not_share, dlt_template_id",
            "messages.texts.login.en.subjekt: unknown key; did you mean `subject`?",
            "messages.texts.login.english: must be a language tag (BCP 47), such as en, pt-BR or zh-Hant",
            "messages.templates.login: must be a table; begin it with [messages.templates.login]",
            "messages.dlt.login.entity_id: must be the digits that the DLT platform shows, in quotes",
            "messages.dlt.login.template_id: missing; it is required",
            "messages.texts.login.en.templates.acme: is neither a provider nor a kind, nor `whatsapp`; \
             there are: p, and every kind",
            "messages.app: missing; messages name your service",
            "messages.variables.code: is the name of a value that otpmux sets; choose another one",
            "messages.texts.login.en.text: `{nme}` is not a placeholder; did you mean `{name}`?",
        ],
    );
}

#[test]
fn a_mistake_has_its_line_and_column() {
    let text = with("[messages]\napp = \"Acme\"\n[messages.texts.login.en]\n  text = \"{app}\"\n");
    let errors = Config::from_toml(&text, &crate::environment()).unwrap_err();
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["line 4, column 3: messages.texts.login.en.text: must hold {code} where the code belongs"]
    );
}

/// A brand of an API key is longer than the name of the service.
#[test]
fn texts_that_need_more_segments_are_hints() {
    let text =
        format!("[messages.texts.login.en]\ntext = \"{{code}} {{app}} {}\"\n", "a".repeat(140));
    let messages = format!("[messages]\napp = \"Acme\"\ndo_not_share = false\n{text}");
    assert_eq!(read(&with(&messages)).unwrap().hints(), [""; 0]);
    let server =
        "[[server.api_keys]]\nname = \"web\"\nkey = \"env:KEY\"\nbrands = [\"Acme Travel\"]\n";
    let hints = read(&with(&format!("{messages}{server}"))).unwrap().hints();
    assert_eq!(
        hints,
        [
            "messages.texts.login.en.text needs 2 SMS segments with the longest values (163 units of \
          GSM-7), and each is paid: shorten it, or set allow_segments = 2"
        ]
    );
}

#[test]
fn brands_are_names() {
    assert_mistakes(
        &with(
            "[[server.api_keys]]\nname = \"web\"\nkey = \"env:KEY\"\nbrands = [\"\", \" Acme\"]\n",
        ),
        &[
            "server.api_keys[0].brands[0]: must not be empty",
            "server.api_keys[0].brands[1]: must be 1 to 40 characters, without space around them",
        ],
    );
}

const TELLER: Adapter = Adapter::new("teller", &[&[]], |id, _| {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    (capabilities.message, capabilities.needs_message, capabilities.needs_dlt) = (true, true, true);
    Ok(Arc::new(ScriptedProvider::new(id.as_str(), capabilities)))
});

/// Reads a file with a provider whose texts otpmux writes.
fn mistakes(more: &str) -> Vec<String> {
    let text = format!("{more}\n[providers.t]\nkind = \"teller\"\n");
    let registry = Registry::new().register(TELLER);
    let read = Config::from_toml_with(&text, &Environment::new(), &registry);
    let errors = read
        .err()
        .into_iter()
        .flat_map(|errors| errors.iter().map(crate::mistake).collect::<Vec<_>>());
    errors.collect()
}

#[test]
fn a_provider_that_sends_our_texts_needs_the_name_of_the_service() {
    assert_eq!(
        mistakes(""),
        [
            "messages.app: missing; the provider `t` sends texts that otpmux writes, and they name your \
          service: write [messages] and app = \"its name\""
        ]
    );
    assert_eq!(mistakes("messages.app = \"Acme\"\npolicy.countries = [\"US\"]"), [""; 0]);
}

#[test]
fn a_route_to_india_needs_ids() {
    let app = "messages.app = \"Acme\"\n";
    let missing = |purpose: &str| {
        format!(
            "messages.dlt.{purpose}: missing; the provider `t` sends SMS of the purpose `{purpose}` to \
             India, whose networks drop a text without the ids under which it is registered: set \
             entity_id and template_id, or keep India out of the route"
        )
    };
    let ids = "[messages.dlt.login]\nentity_id = \"1\"\ntemplate_id = \"2\"\n";
    assert_eq!(mistakes(app), [missing("default")]);
    assert_eq!(mistakes(&format!("{app}{ids}")), [missing("default")]);
    let route = |what: &str| format!("{app}{ids}[[routes]]\nproviders = [\"t\"]\n{what}\n");
    assert_eq!(mistakes(&route("purposes = [\"login\"]")), [""; 0]);
    assert_eq!(mistakes(&route("purposes = [\"signup\"]")), [missing("signup")]);
    for elsewhere in [
        "countries = [\"US\"]",
        "prefixes = [\"+1\"]",
        "channels = [\"sms\"]\nprefixes = [\"+44\"]",
    ] {
        assert_eq!(mistakes(&route(elsewhere)), [""; 0], "{elsewhere}");
    }
    assert_eq!(mistakes(&route("prefixes = [\"+9198\"]")), [missing("default")]);
}
