//! The text of a message: which one a provider is given, and what a caller may decide about it.

use std::sync::Arc;

use otpmux_core::{Capabilities, Certainty, Channel, Code, ErrorKind, Message, Purpose, Text};
use otpmux_engine::{
    BuildError, LocalizedText, MessageSettings, Messages, NewVerification, OtpClient, Resend,
};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{World, builder, carrier, lenient, phone};

/// A provider that sends the text that it is given.
fn teller(id: &str) -> Arc<ScriptedProvider> {
    let channels = [Channel::Sms, Channel::Voice, Channel::WhatsApp];
    let mut capabilities = Capabilities::new(channels).with_otpmux_codes(4..=10);
    capabilities.message = true;
    capabilities.needs_message = true;
    Arc::new(ScriptedProvider::new(id, capabilities))
}

fn messages() -> Messages {
    let login = Purpose::new("login").unwrap();
    let text = LocalizedText::new("{name}, {code} is your {app} code for {minutes} min.");
    let settings =
        MessageSettings::new("Acme").variable("name", 10).texts(login, "en".parse().unwrap(), text);
    Messages::new(&settings).unwrap()
}

fn world(providers: &[&Arc<ScriptedProvider>]) -> World {
    let mut world = World::of(&[&carrier("unused")]);
    let clock = Arc::new(ManualClock::default());
    world.client = builder(providers, lenient(), &clock).messages(messages()).build().unwrap();
    world.clock = clock;
    world
}

fn login() -> NewVerification {
    NewVerification::to(phone()).for_purpose(Purpose::new("login").unwrap())
}

/// The message of a provider's newest send.
fn message(provider: &ScriptedProvider) -> Message {
    provider.sends.requests().pop().unwrap().message.unwrap()
}

fn said(text: &Text) -> String {
    let code: Code = "000000".parse().unwrap();
    text.with_code(&code).to_string()
}

fn text(provider: &ScriptedProvider) -> String {
    said(&message(provider).text)
}

#[tokio::test]
async fn a_provider_gets_the_text_with_the_values_of_the_caller() {
    let provider = teller("a");
    let world = world(&[&provider]);
    let new = login().with_variable("name", "{code}").with_brand("Acme Pay");
    let sent = world.client.send(new).await.unwrap();
    let message = message(&provider);
    let expected = "{code}, 000000 is your Acme Pay code for 5 min. Do not share it.";
    assert_eq!(said(&message.text), expected);
    assert_eq!((message.app.as_deref(), message.locale.as_deref()), (Some("Acme Pay"), Some("en")));
    assert_eq!(message.variables["name"], "{code}");
    let code = provider.otpmux_codes().remove(0);
    assert_eq!(world.verify(&sent, &code).await, "approved");
}

#[tokio::test]
async fn a_resend_says_the_same_by_its_own_channel_with_the_time_that_is_left() {
    let provider = teller("a");
    let world = world(&[&provider]);
    let sent = world.client.send(login().with_variable("name", "Ann")).await.unwrap();
    world.advance(70);
    let resend = Resend::new().by(Channel::Voice);
    world.client.resend(sent.id, resend).await.unwrap();
    let codes = provider.otpmux_codes();
    assert_eq!(codes[0], codes[1]);
    let speech = message(&provider).speech.unwrap();
    let once = "Ann, 0, 0, 0, 0, 0, 0 is your Acme code for 3 min.";
    assert_eq!(*speech.with_spoken_code(&"000000".parse().unwrap()), format!("{once} {once}"));
}

#[tokio::test]
async fn a_resend_in_another_language() {
    let provider = teller("a");
    let world = world(&[&provider]);
    let sent = world.client.send(NewVerification::to(phone()).with_locale("pt-BR")).await.unwrap();
    assert_eq!(text(&provider), "000000 é o seu código Acme. Não o compartilhe.");
    world.advance(30);
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!(text(&provider), "000000 é o seu código Acme. Não o compartilhe.");
    world.advance(90);
    world.client.resend(sent.id, Resend::new().with_locale("de")).await.unwrap();
    let german = "000000 ist Ihr Code von Acme. Geben Sie ihn nicht weiter.";
    assert_eq!(text(&provider), german);
}

#[tokio::test]
async fn a_text_of_the_caller_is_kept_for_a_resend() {
    let provider = teller("a");
    let world = world(&[&provider]);
    let new = login().with_message("{name} {code}").with_variable("name", "Ann");
    let sent = world.client.send(new).await.unwrap();
    assert_eq!(text(&provider), "{name} 000000", "everything else is literal");
    world.advance(30);
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!(text(&provider), "{name} 000000");
    let without = world.client.send(login().with_message("no code")).await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::InvalidRequest);
}

/// Nothing is rendered for them.
#[tokio::test]
async fn a_provider_without_texts_gets_none_and_needs_no_values() {
    let provider = carrier("a");
    let world = world(&[&provider]);
    world.client.send(login()).await.unwrap();
    assert!(provider.sends.requests()[0].message.is_none());
}

#[tokio::test]
async fn wrong_values_are_refused_before_anything_is_sent() {
    let provider = teller("a");
    let world = world(&[&provider]);
    for (new, detail) in [
        (login(), "the text needs the variable `name`"),
        (
            login().with_variable("secret-1234", "x"),
            "a variable of the message is not a declared variable",
        ),
        (
            login().with_variable("name", "a.example"),
            "the variable `name` must not be or contain a link or an address",
        ),
        (
            login().with_variable("name", "Bartholomew"),
            "the variable `name` must have at most 10 characters",
        ),
        (
            login().with_variable("name", "Ann").with_brand("a\nb"),
            "the brand must not contain control characters or line breaks",
        ),
    ] {
        let error = world.client.send(new).await.unwrap_err();
        let told = (error.kind(), error.certainty(), error.detail());
        assert_eq!(told, (ErrorKind::InvalidRequest, Certainty::NotSent, detail));
    }
    assert_eq!(provider.count(), 0);
    let plain = World::of(&[&carrier("b")]);
    let brand = NewVerification::to(phone()).with_brand("Acme");
    let error = plain.client.send(brand).await.unwrap_err();
    assert_eq!(
        error.detail(),
        "brand and variables need texts of messages, and the configuration has none"
    );
}

#[tokio::test]
async fn values_are_part_of_the_request_that_an_idempotency_key_names() {
    let provider = teller("a");
    let world = world(&[&provider]);
    let new = |name: &str| login().with_variable("name", name).with_idempotency_key("k");
    let first = world.client.send(new("Ann")).await.unwrap();
    assert_eq!(world.client.send(new("Ann")).await.unwrap().id, first.id);
    let other = world.client.send(new("Bob")).await.unwrap_err();
    assert_eq!((other.kind(), provider.count()), (ErrorKind::KeyReused, 1));
}

#[test]
fn a_provider_that_needs_texts_needs_messages() {
    let provider = teller("a");
    let built = OtpClient::builder().provider(provider.port()).build();
    let error = built.err().unwrap();
    assert!(matches!(error, BuildError::NoMessages(_)));
    assert_eq!(
        error.to_string(),
        "the provider `a` sends texts that otpmux writes: set messages with the name of your service"
    );
}

#[test]
fn an_explanation_shows_the_message() {
    let provider = teller("a");
    let world = world(&[&provider]);
    let shown = world.client.explain(login().with_variable("name", "Ann")).message.unwrap();
    assert_eq!(shown.text, "Ann, 000000 is your Acme code for 5 min. Do not share it.");
    let size = shown.sms.unwrap();
    assert_eq!((size.encoding.as_str(), size.units, size.segments), ("gsm7", 57, 1));
}
