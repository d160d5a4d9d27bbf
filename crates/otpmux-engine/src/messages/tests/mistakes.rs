use super::*;
use crate::{ChannelText, DltIds};

fn mistakes(settings: &MessageSettings) -> Vec<String> {
    let mistakes = Messages::new(settings).err().unwrap_or_default();
    mistakes.iter().map(ToString::to_string).collect()
}

fn of_text(text: &str) -> Vec<String> {
    mistakes(&login(MessageSettings::new("Acme"), "en", LocalizedText::new(text)))
}

#[test]
fn each_mistake_of_a_text() {
    assert_eq!(of_text("{code} is your {app} code."), [""; 0]);
    assert_eq!(of_text("{code} is your ACME code."), [""; 0], "the name itself");
    for (text, mistake) in [
        ("Your {app} code", "must hold {code} where the code belongs"),
        ("{code} {cod} {app}", "`{cod}` is not a placeholder; did you mean `{code}`?"),
        (
            "{code} is your code",
            "does not name your service: put {app} where its name belongs, or users cannot know whose \
             code it is",
        ),
        (
            "{code} for {app}: see acme.example",
            "phones show `acme.example` as a link: remove it, or set allow_links = true under \
             [messages]",
        ),
        (
            "{app}.com: {code}",
            "phones show `x.com:` as a link: remove it, or set allow_links = true under [messages]",
        ),
    ] {
        assert_eq!(of_text(text), [format!("texts.login.en.text: {mistake}")], "{text}");
    }
}

#[test]
fn a_link_may_be_allowed() {
    let text = LocalizedText::new("{code} for {app}: see acme.example");
    assert_eq!(
        mistakes(&login(MessageSettings::new("Acme.io").allow_links(true), "en", text)),
        [""; 0]
    );
    let app = mistakes(&MessageSettings::new("Acme.io"));
    assert_eq!(
        app,
        ["app: phones show `Acme.io` as a link; set allow_links = true if that is intended"]
    );
}

#[test]
fn every_mistake_at_once() {
    let text = LocalizedText::default()
        .subject("{cod}")
        .html("no code")
        .channel(Channel::Sms, ChannelText::default());
    let settings = login(MessageSettings::default(), "en", text)
        .webotp_host("acme.example")
        .android_hash("FA+9qCX9VSu")
        .variable("code", 10)
        .variable("First", 10);
    assert_eq!(
        mistakes(&settings),
        [
            "app: missing; messages name your service",
            "android_hash: excludes `webotp_host`: each must be the last line of the message. Keep the \
             one that most of your users need",
            "variables.First: must be named by 1 to 40 characters of a-z, 0-9 and '_'",
            "variables.code: is the name of a value that otpmux sets; choose another one",
            "texts.login.en.text: missing; it is required",
            "texts.login.en.subject: `{cod}` is not a placeholder; did you mean `{code}`?",
            "texts.login.en.html: must hold {code} where the code belongs",
            "texts.login.en.sms: is empty; set one of text, subject, html, speech, or remove it",
        ]
    );
}

#[test]
fn a_locale_that_is_missing() {
    let text = || LocalizedText::new("{code} {app}").do_not_share("-");
    let settings = login(MessageSettings::new("Acme"), "en", text());
    let settings = login(settings, "de", text());
    let settings = settings.texts(purpose("signup"), "de".parse().unwrap(), text());
    let settings = settings.texts(purpose("signup"), "sw".parse().unwrap(), text());
    assert_eq!(
        mistakes(&settings),
        [
            "texts.login: has no text in `sw`, in which `signup` has one",
            "texts.signup: has no text in `en`, the default locale",
        ]
    );
}

#[test]
fn a_language_without_the_sentence() {
    let settings =
        MessageSettings::new("Acme").default_locale("sw".parse::<crate::Locale>().unwrap());
    let text = LocalizedText::new("{code} ni namba yako ya {app}.");
    let of = |settings: MessageSettings, text| mistakes(&login(settings, "sw", text));
    assert_eq!(
        of(settings.clone(), text.clone()),
        [
            "texts.login.sw.do_not_share: missing; there is no built-in sentence in this language that \
          says not to share the code. Write one, or set do_not_share = false under [messages]"
        ]
    );
    assert_eq!(of(settings.clone(), text.clone().do_not_share("Usimpe mtu.")), [""; 0]);
    assert_eq!(of(settings.clone().do_not_share(false), text.clone()), [""; 0]);
    let ids = DltIds::default().entity_id("1").template_id("2");
    let registered = settings.dlt(purpose("login"), ids);
    assert_eq!(of(registered.clone(), text.clone()), [""; 0]);
    assert_eq!(
        of(registered, text.do_not_share("Usimpe mtu.")),
        [
            "texts.login.sw.do_not_share: is not added to a text with DLT ids, which is sent as it is \
          registered; write it into the text"
        ]
    );
}

/// `{name}` has 20 letters at most.
fn of_length(length: usize) -> MessageSettings {
    let text = format!("{{name}} {{code}} {{app}} {}", "a".repeat(length - 20 - 10 - 4 - 3));
    login(
        MessageSettings::new("Acme").variable("name", 20).do_not_share(false),
        "en",
        LocalizedText::new(text),
    )
}

#[test]
fn a_text_of_two_segments_is_reported_with_its_longest_values() {
    let hints = |settings: &MessageSettings| messages(settings).hints().to_vec();
    assert_eq!(hints(&of_length(70)), [""; 0]);
    let other = "messages.texts.login.en.text needs 2 SMS segments if a value has a letter that GSM-7 \
                 does not have, such as ł or ж: shorten the text or the variables, or set \
                 allow_segments = 2";
    assert_eq!(hints(&of_length(71)), [other]);
    assert_eq!(hints(&of_length(160)), [other.replace('2', "3")]);
    assert_eq!(
        hints(&of_length(161)),
        [
            "messages.texts.login.en.text needs 2 SMS segments with the longest values (161 units of \
          GSM-7), and each is paid: shorten it, or set allow_segments = 2"
        ]
    );
    assert_eq!(hints(&of_length(134).allow_segments(2)), [""; 0]);
    // The longest name that a caller may choose counts.
    let mut brands = of_length(160);
    brands.brands = vec!["Acme".to_owned(), "Acme Pay".to_owned()];
    assert!(hints(&brands)[0].contains("164 units"), "{:?}", hints(&brands));
}

#[test]
fn a_text_that_android_does_not_read() {
    let settings = |length| of_length(length).android_hash("FA+9qCX9VSu").allow_segments(2);
    assert_eq!(mistakes(&settings(128)), [""; 0]);
    assert_eq!(
        mistakes(&settings(129)),
        [
            "texts.login.en.text: has 141 bytes with the longest values and the Android hash; Android \
          reads messages of at most 140 bytes"
        ]
    );
}

#[test]
fn a_sentence_without_room_is_left_out_and_reported() {
    let text =
        |length: usize| LocalizedText::new(format!("{{code}} {{app}} {}", "a".repeat(length)));
    let of = |length| messages(&login(MessageSettings::new("Acme"), "en", text(length)));
    assert!(sms(&of(127), "en").ends_with("a Do not share it."));
    assert_eq!(of(127).hints(), [""; 0]);
    assert!(sms(&of(128), "en").ends_with('a'));
    assert_eq!(
        of(128).hints(),
        [
            "messages.texts.login.en.text has no room for the sentence that says not to share the code: \
          shorten the text"
        ]
    );
    // Another channel has the room.
    let whatsapp = render(&of(128), &Channel::WhatsApp, None, &[]).unwrap();
    assert!(said(&whatsapp.text).ends_with("Do not share it."));
}

#[test]
fn values_that_are_refused() {
    let messages = messages(&of_length(70));
    for (name, value, refused) in [
        ("name", "Ann", None),
        ("nmae", "Ann", Some("is not a declared variable")),
        ("name", "a name of 21 letters!", Some("must have at most 20 characters")),
        ("name", "evil.example", Some("must not be or contain a link or an address")),
        ("name", "a\nb", Some("must not contain control characters or line breaks")),
    ] {
        assert_eq!(messages.check_variable(name, value).err().as_deref(), refused, "{name}");
    }
    assert_eq!(messages.check_brand("Acme Pay"), Ok(()));
    assert!(messages.check_brand("evil.example").is_err());
    assert!(messages.check_brand("").is_err());
}
