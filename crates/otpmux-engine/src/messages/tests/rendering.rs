use proptest::prelude::*;

use super::*;
use crate::{ChannelText, DltIds};

fn named(text: &str) -> MessageSettings {
    let text = LocalizedText::new(text).html("<p>{name}</p><b>{code}</b>");
    login(MessageSettings::new("Acme").variable("name", 100).do_not_share(false), "en", text)
}

fn with_name(settings: &MessageSettings, channel: &Channel, name: &str) -> Message {
    render(&messages(settings), channel, None, &[("name", name)]).unwrap()
}

#[test]
fn values_go_into_their_places() {
    let settings = named("Hello {name}, {code} is your {app} code for {minutes} min. {{x}");
    let message = with_name(&settings, &Channel::Sms, "Ann");
    assert_eq!(said(&message.text), "Hello Ann, 12345678 is your Acme code for 5 min. {x}");
    assert_eq!((message.app.as_deref(), message.minutes), (Some("Acme"), Some(5)));
    assert_eq!(message.locale.as_deref(), Some("en"));
    assert_eq!(message.variables["name"], "Ann");
    assert!(message.html.is_none() && message.subject.is_none() && message.speech.is_none());
}

proptest! {
    /// A value is literal, whatever it looks like, and the code is where the text has it.
    #[test]
    fn no_value_is_read_as_a_placeholder(
        name in prop_oneof![
            "\\PC{0,20}",
            prop::sample::select(vec!["{code}", "{{", "{app}", "{name}", "}", "{{code}}", "%s", "$1"])
                .prop_map(str::to_owned),
        ],
    ) {
        let settings = named("{name}|{code}|{name}|{app}");
        let message = with_name(&settings, &Channel::Sms, &name);
        prop_assert_eq!(said(&message.text), format!("{name}|12345678|{name}|Acme"));
    }

    /// A value is text in HTML, never markup.
    #[test]
    fn every_value_is_escaped_in_html(name in "[a<>&\"'{}/]{0,20}") {
        let settings = named("{name} {code} {app}");
        let message = with_name(&settings, &Channel::Email, &name);
        let html = said(message.html.as_ref().unwrap());
        let inner = html.strip_prefix("<p>").unwrap().strip_suffix("</p><b>12345678</b>").unwrap();
        prop_assert!(!inner.contains(['<', '>', '"', '\'']), "{inner}");
        let back = inner.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        prop_assert_eq!(back.replace("&#39;", "'").replace("&amp;", "&"), &*name);
        prop_assert_eq!(said(&message.text), format!("{name} 12345678 Acme"));
    }

    /// No text of a configuration and no value makes a panic, and what compiles renders.
    #[test]
    fn any_text_compiles_or_says_why(text in "\\PC{0,40}|[{}a-z ]{0,40}", name in "\\PC{0,10}") {
        let text = LocalizedText::new(format!("{text}{{code}}{{app}}"));
        let settings = login(MessageSettings::new("Acme").variable("name", 20), "en", text);
        match Messages::new(&settings) {
            Ok(messages) => {
                let message = render(&messages, &Channel::Sms, None, &[("name", &name)]).unwrap();
                prop_assert!(said(&message.text).contains("12345678"));
            }
            Err(mistakes) => prop_assert!(!mistakes.is_empty()),
        }
    }
}

#[test]
fn the_text_of_the_channel_and_the_locale() {
    let english = LocalizedText::new("{code} is your {app} code.")
        .subject("{app}: your code")
        .speech("Your code for {app} is {code}.")
        .channel(Channel::WhatsApp, ChannelText::default().text("*{code}* is your {app} code."));
    let settings = login(MessageSettings::new("Acme"), "en", english);
    let portuguese = LocalizedText::new("{code} é o seu código {app}.");
    let messages = messages(&login(settings, "pt-BR", portuguese));
    let text = |channel, locale| said(&render(&messages, channel, locale, &[]).unwrap().text);
    let english = "12345678 is your Acme code. Do not share it.";
    let portuguese = "12345678 é o seu código Acme. Não o compartilhe.";
    assert_eq!(text(&Channel::Sms, Some("en")), english);
    assert_eq!(text(&Channel::WhatsApp, None), english.replace("12345678", "*12345678*"));
    for (locale, expected) in [
        (Some("pt-BR"), portuguese),
        (Some("pt"), portuguese),
        (Some("pt-PT"), portuguese),
        (Some("fr"), english),
        (Some("no locale at all"), english),
        (None, english),
    ] {
        assert_eq!(text(&Channel::Sms, locale), expected, "{locale:?}");
    }
    let mail = render(&messages, &Channel::Email, Some("pt"), &[]).unwrap();
    assert_eq!(said(&mail.subject.unwrap()), "O seu código Acme", "built in");
    let call = render(&messages, &Channel::Voice, None, &[]).unwrap();
    let code: Code = "1234".parse().unwrap();
    assert_eq!(
        *call.speech.unwrap().with_spoken_code(&code),
        "Your code for Acme is 1, 2, 3, 4. Your code for Acme is 1, 2, 3, 4."
    );
}

#[test]
fn a_purpose_without_texts_has_those_of_default_or_the_built_in_ones() {
    let built_in = messages(&MessageSettings::new("Acme"));
    assert_eq!(sms(&built_in, "de"), "12345678 ist Ihr Code von Acme. Geben Sie ihn nicht weiter.");
    let own = LocalizedText::new("{app} says {code}.").do_not_share("Keep it.");
    let settings =
        MessageSettings::new("Acme").texts(Purpose::default(), "en".parse().unwrap(), own);
    assert_eq!(sms(&messages(&settings), "de"), "Acme says 12345678. Keep it.");
}

#[test]
fn templates_and_ids_stand_beside_the_text() {
    let text = LocalizedText::new("{code} is your OTP for Acme.")
        .dlt_template_id("222")
        .template("msg91", "hindi");
    let ids = DltIds::default().entity_id("111").template_id("221");
    let settings = login(MessageSettings::new("Acme"), "hi", text.clone());
    let english = LocalizedText { dlt_template_id: None, templates: BTreeMap::new(), ..text };
    let settings = login(settings, "en", english)
        .dlt(purpose("login"), ids)
        .template(purpose("login"), "msg91", "english")
        .template(purpose("login"), "whatsapp", "code");
    let messages = messages(&settings);
    let message = |locale| render(&messages, &Channel::Sms, Some(locale), &[]).unwrap();
    let (hindi, english) = (message("hi"), message("en"));
    assert_eq!((&*hindi.templates["msg91"], &*english.templates["msg91"]), ("hindi", "english"));
    assert_eq!(hindi.templates["whatsapp"], "code");
    assert_eq!(hindi.dlt.unwrap().template_id, "222");
    assert_eq!(english.dlt.unwrap().template_id, "221");
    // The text is the registered one, word for word.
    assert_eq!(said(&english.text), "12345678 is your OTP for Acme.");
    assert!(messages.has_dlt(&purpose("login")) && !messages.has_dlt(&purpose("signup")));
}

#[test]
fn a_variable_that_the_text_needs_is_named() {
    let settings = named("{name}, {code} is your {app} code.");
    let missing = render(&messages(&settings), &Channel::Sms, None, &[]).unwrap_err();
    assert_eq!(missing, "the text needs the variable `name`");
}

#[test]
fn a_minute_is_never_promised_that_is_not_there() {
    let minutes = |seconds| crate::messages::render::minutes(Duration::from_secs(seconds));
    assert_eq!([30, 59, 60, 119, 300, 599].map(minutes), [1, 1, 1, 1, 5, 9]);
}
