//! The handset's page in a real Chromium, in front of a real gateway and emulated vendors.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure here fails the test")]

mod browser;
mod dev;
#[path = "../../src/relay.rs"]
mod relay;
mod stage;

use std::env;
use std::fs;
use std::path::Path;

use browser::{Browser, ENTER};
use dev::Dev;
use otpmux_emulator::{Emulator, EmulatorConfig, FaultKind, FaultPreset, MessageFilter, Vendor};
use stage::{PHONE, Stage};

/// A folder for the README's pictures, when they are to be made anew.
const PICTURES: &str = "OTPMUX_PICTURES";

async fn keep_picture(browser: &Browser, name: &str) {
    if let Some(folder) = env::var_os(PICTURES) {
        // So that the field's caret and the new message's colour are not in it.
        browser
            .run("document.activeElement.blur(); document.getAnimations().map((a) => a.finish())")
            .await;
        let picture = browser.picture().await;
        assert!(picture.len() < 150_000, "{name} has {} bytes", picture.len());
        fs::write(Path::new(&folder).join(name), picture).unwrap();
    }
}

/// The vendors that carried the messages on the page, newest first.
async fn carriers(browser: &Browser, count: usize) -> Vec<String> {
    browser.wait_for_lines(".message .vendor", count).await
}

async fn codes(browser: &Browser) -> Vec<String> {
    browser.text(".message .code").await.lines().map(str::to_owned).collect()
}

async fn no_complaints(browser: &Browser) {
    let console = browser.console().await;
    assert!(console.is_empty(), "{console:?}");
}

#[tokio::test]
async fn a_failover_can_be_watched() {
    let stage = Stage::start().await;
    let browser = Browser::open(&stage.emulator.handset_url()).await;
    browser.resize(1280, 940, false).await;

    browser.click("#send-button").await;
    browser.wait_for("#history", "easyotp accepted").await;
    assert_eq!(carriers(&browser, 1).await, ["EasyOTP"]);
    let first = codes(&browser).await.remove(0);
    assert_eq!(stage.emulator.last_code(PHONE), Some(first.clone()));
    assert_eq!(browser.text(".device h3").await, PHONE);

    let wrong = if first == "123456" { "654321" } else { "123456" };
    browser.fill("#code", wrong).await;
    browser.click("#verify-button").await;
    browser.wait_for("#outcome", "Wrong code. 4 guesses left.").await;
    browser.wait_for("#sent", ", 4 guesses left.").await;
    browser.click(".message .code").await;
    assert_eq!(browser.run("return document.getElementById('code').value").await, first);
    browser.click("#verify-button").await;
    browser.wait_for("#outcome", "Approved.").await;
    browser.wait_for("#sent", "by SMS: approved.").await;
    keep_picture(&browser, "handset-delivered.png").await;

    // The second goes out, its vendor breaks, and the other one carries the same code.
    browser.click("#send-button").await;
    assert_eq!(carriers(&browser, 2).await, ["EasyOTP", "EasyOTP"]);
    let second = codes(&browser).await.remove(0);
    browser.wait_for("#outcome", "Sent.").await;
    browser.choose("#switch-easyotp", "Down").await;
    browser.wait_for("#meaning-easyotp", "Cannot be reached").await;
    assert_eq!(stage.emulator.fault(Vendor::EasyOtp), Some(FaultPreset::Down.fault()));
    browser.click("#resend").await;
    assert_eq!(carriers(&browser, 3).await, ["StartMessaging", "EasyOTP", "EasyOTP"]);
    assert_eq!(codes(&browser).await, [second.clone(), second.clone(), first.clone()]);
    browser.wait_for("#history", "startmessaging accepted").await;
    browser.wait_for("#outcome", "Sent again.").await;

    // One that begins while it is broken.
    browser.click("#send-button").await;
    let carried = carriers(&browser, 4).await;
    assert_eq!(carried, ["StartMessaging", "StartMessaging", "EasyOTP", "EasyOTP"]);
    browser.wait_for("#history li[data-state=good]", "startmessaging accepted").await;
    let history = browser.text("#history li").await;
    let history: Vec<&str> = history.lines().collect();
    assert!(history.len() == 2 && history[0].starts_with("easyotp not reached"), "{history:?}");
    assert_eq!(browser.text("#history li[data-state=doubt]").await, "", "the gateway is certain");
    browser.click(".message .code").await;
    browser.click("#verify-button").await;
    browser.wait_for("#outcome", "Approved.").await;
    browser.wait_for("#sent", "by SMS: approved.").await;
    browser.resize(1280, 940, true).await;
    keep_picture(&browser, "handset-failover.png").await;

    no_complaints(&browser).await;
}

/// Mail programs show the subject, so the page does.
#[tokio::test]
async fn an_e_mail_has_its_subject() {
    let stage = Stage::start().await;
    let browser = Browser::open(&stage.emulator.handset_url()).await;
    browser.click("#send-button").await;
    assert_eq!(carriers(&browser, 1).await, ["EasyOTP"]);
    assert_eq!(browser.text(".message .subject").await, "", "a text message has none");
    browser.fill("#to", "someone@example.com").await;
    browser.choose("#channel", "E-mail").await;
    browser.click("#send-button").await;
    assert_eq!(carriers(&browser, 2).await, ["EasyOTP", "EasyOTP"]);
    let mail = stage.emulator.messages(&MessageFilter::default()).pop().unwrap();
    let subject = mail.subject.unwrap();
    assert!(!subject.is_empty());
    assert_eq!(browser.text(".device.mailbox .message .subject").await, subject);
    no_complaints(&browser).await;
}

/// The codes that are dead on the page, newest first, each with the word that says why.
async fn dead(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('.message')].map((node) => \
        node.querySelector('.end').hidden ? 'good' : node.querySelector('.end').innerText)";
    let ends = browser.run(script).await;
    ends.as_array().unwrap().iter().map(|end| end.as_str().unwrap().to_owned()).collect()
}

async fn wait_for_ends(browser: &Browser, expected: &[&str]) {
    let begun = tokio::time::Instant::now();
    while dead(browser).await != expected {
        let seen = dead(browser).await;
        assert!(begun.elapsed().as_secs() < 30, "{seen:?} in place of {expected:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn dead_codes_look_dead() {
    let stage = Stage::start().await;
    let browser = Browser::open(&stage.emulator.handset_url()).await;
    browser.resize(1280, 940, false).await;
    browser.click("#send-button").await;
    browser.wait_for("#outcome", "Sent.").await;
    wait_for_ends(&browser, &["good"]).await;
    // A newer one takes its place; the number as people type it is the same recipient.
    browser.fill("#to", "+91 98765 43210").await;
    browser.click("#send-button").await;
    wait_for_ends(&browser, &["good", "superseded"]).await;
    browser.wait_for("#outcome", "Sent.").await;
    browser.click(".message .code").await;
    browser.click("#verify-button").await;
    browser.wait_for("#outcome", "Approved.").await;
    wait_for_ends(&browser, &["used", "superseded"]).await;
    let line = "return getComputedStyle(document.querySelector('.dead .code')).textDecorationLine";
    assert_eq!(browser.run(line).await, "line-through");
    let name = "return document.querySelector('.dead .code').ariaLabel";
    assert!(browser.run(name).await.as_str().unwrap().starts_with("Code, used: "));

    // Verifications of other programs expire by the emulator's clock.
    browser.fill("#to", "+919876543211").await;
    browser.click("#send-button").await;
    browser.wait_for("#outcome", "Sent.").await;
    assert_eq!(dead(&browser).await[0], "good");
    stage.emulator.advance_clock(std::time::Duration::from_mins(11));
    wait_for_ends(&browser, &["expired", "used", "superseded"]).await;
    no_complaints(&browser).await;
}

#[tokio::test]
async fn clearing_asks_and_times_have_dates() {
    let stage = Stage::start().await;
    let browser = Browser::open(&stage.emulator.handset_url()).await;
    browser.click("#send-button").await;
    browser.wait_for("#outcome", "Sent.").await;
    let at = browser.text(".message time").await;
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    assert!(months.iter().any(|month| at.contains(month)), "{at}");
    browser.click("#clear").await;
    browser.wait_for("#clear-dialog", "Clear all messages?").await;
    browser.click("#clear-no").await;
    browser.wait_for_lines("#clear-dialog", 0).await;
    assert_eq!(carriers(&browser, 1).await, ["EasyOTP"]);
    browser.click("#clear").await;
    browser.click("#clear-yes").await;
    browser.wait_for("#empty", "No messages yet.").await;
    assert!(stage.emulator.messages(&MessageFilter::default()).is_empty());
    no_complaints(&browser).await;
}

/// The gateway's page needs no sideways scrolling on a phone, in either colour, with any example
/// open.
#[tokio::test]
async fn the_gateways_page_can_be_read_on_a_phone() {
    let stage = Stage::start().await;
    let browser = Browser::at(&stage.gateway).await;
    browser.wait_for("h1", "otpmux API").await;
    for (width, dark) in [(390, false), (390, true), (1280, false)] {
        browser.resize(width, 844, dark).await;
        let paper = browser.run("return getComputedStyle(document.body).backgroundColor").await;
        assert_eq!(paper, if dark { "rgb(16, 18, 26)" } else { "rgb(243, 244, 248)" });
        for (place, word) in [(0, "curl -sS"), (1, "urllib.request"), (2, "await fetch")] {
            let open = format!(
                "document.querySelectorAll('.tabs label:nth-of-type({})').forEach((it) => it.click())",
                place + 1
            );
            browser.run(&open).await;
            browser.wait_for("#create_verification pre", word).await;
            assert_eq!(browser.overflow().await, 0, "{width} {word}");
        }
    }
    // Each entry of the contents has its target.
    let lost = "return [...document.querySelectorAll('a[href^=\"#\"]')]\
        .filter((link) => !document.getElementById(link.hash.slice(1))).map((link) => link.hash)";
    assert_eq!(browser.run(lost).await, serde_json::json!([]));
    no_complaints(&browser).await;
}

#[tokio::test]
async fn both_vendors_carry_one_code_when_an_answer_is_lost() {
    let stage = Stage::start().await;
    let browser = Browser::open(&stage.emulator.handset_url()).await;
    browser.choose("#switch-easyotp", "Answer lost").await;
    browser.wait_for("#meaning-easyotp", "then breaks the connection").await;
    browser.click("#send-button").await;
    assert_eq!(carriers(&browser, 2).await, ["StartMessaging", "EasyOTP"]);
    browser.wait_for("#history", "easyotp no certain answer").await;
    let seen = codes(&browser).await;
    assert_eq!(seen[0], seen[1]);
    no_complaints(&browser).await;
}

#[tokio::test]
async fn a_phone_and_a_keyboard_are_enough() {
    let stage = Stage::start().await;
    let browser = Browser::open(&stage.emulator.handset_url()).await;
    for dark in [false, true] {
        browser.resize(390, 844, dark).await;
        let paper = browser.run("return getComputedStyle(document.body).backgroundColor").await;
        assert_eq!(paper, if dark { "rgb(16, 18, 26)" } else { "rgb(243, 244, 248)" });
        assert_eq!(browser.overflow().await, 0);
    }
    // So short that a message is below it, whether it or the gateway's answer comes first.
    browser.resize(390, 480, true).await;
    browser.tab_to("send-button").await;
    browser.press(ENTER).await;
    browser.wait_for("#outcome", "Sent.").await;
    assert_eq!(carriers(&browser, 1).await, ["EasyOTP"]);
    assert_eq!(browser.overflow().await, 0);
    let code = codes(&browser).await.remove(0);
    // It came in below what a phone shows.
    browser.wait_for("#arrival", &format!("{code} from EasyOTP")).await;
    let spoken: Vec<String> = code.chars().map(String::from).collect();
    let spoken = spoken.join(" ");
    let news = browser.run("return document.getElementById('news').textContent").await;
    assert_eq!(news, format!("EasyOTP, SMS to {PHONE}: code {spoken}"));

    browser.tab_to("code").await;
    browser.press(&format!("{code}{ENTER}")).await;
    browser.wait_for("#outcome", "Approved.").await;
    browser.tab_to("switch-easyotp").await;
    browser.press("D").await;
    browser.wait_for("#meaning-easyotp", "Cannot be reached").await;
    assert_eq!(browser.overflow().await, 0);

    // Everything that can be operated has a name.
    let nameless = "return [...document.querySelectorAll('input, select, button')]\
        .filter((node) => !(node.labels?.length || node.ariaLabel || node.textContent.trim()))\
        .map((node) => node.outerHTML)";
    assert_eq!(browser.run(nameless).await, serde_json::json!([]));
    no_complaints(&browser).await;
}

#[tokio::test]
async fn without_a_gateway_the_page_says_how_to_get_one() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let browser = Browser::open(&emulator.handset_url()).await;
    browser.wait_for("#no-relay", "otpmux emulate --gateway URL").await;
    assert_eq!(browser.text("#send, #verification").await, "");
    browser.wait_for("#empty", "No messages yet.").await;
    // A fault that a program sets is seen, too.
    emulator.set_fault(Vendor::StartMessaging, FaultKind::Hang);
    browser.wait_for(".switch[data-broken] .vendor", "StartMessaging").await;
    let chosen = "return document.getElementById('switch-startmessaging').selectedOptions[0].text";
    assert_eq!(browser.run(chosen).await, "Other: hang");
    emulator.clear_faults(Vendor::StartMessaging);
    browser.wait_for_lines(".switch[data-broken] .vendor", 0).await;
    no_complaints(&browser).await;
}

/// A mail is shown as mail programs show it, in a frame that can do nothing.
#[tokio::test]
async fn a_mail_is_a_document_without_rights() {
    use otpmux::provider::{
        CodeSource, Context, IdempotencyKey, Message, OsEntropy, OtpProvider as _, SendRequest,
        Text,
    };

    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let address = emulator.vendor_addr(Vendor::Smtp).unwrap();
    let account = emulator.smtp();
    let provider = otpmux::vendors::smtp::Smtp::builder("127.0.0.1", "Acme <otp@acme.example>")
        .port(u32::from(address.port()))
        .tls("none")
        .username(account.username)
        .password(account.password)
        .build("mail")
        .unwrap();
    let browser = Browser::open(&emulator.handset_url()).await;
    let mut message = Message::new(Text::new("Your Acme code is {code}."));
    message.subject = Some(Text::new("Sign in to Acme"));
    let evil = "<script>parent.document.title = 'evil'</script>\
        <img src=x onerror=\"parent.document.title = 'evil'\"><h1>Code {code}</h1>";
    message.html = Some(Text::new(evil));
    let code = CodeSource::Otpmux("004217".parse().unwrap());
    let to: otpmux::Recipient = "ann@example.com".parse().unwrap();
    let mut request = SendRequest::new(to, otpmux::Channel::Email, code);
    request.message = Some(message);
    let cx = Context::new(IdempotencyKey::generate(&OsEntropy).unwrap());
    provider.send(&cx, &request).await.unwrap();

    assert_eq!(carriers(&browser, 1).await, ["SMTP"]);
    assert_eq!(browser.text(".device.mailbox h3").await, "ann@example.com");
    assert_eq!(browser.text(".message .subject").await, "Sign in to Acme");
    assert_eq!(codes(&browser).await, ["004217"]);
    let frame = "const frame = document.querySelector('.message iframe'); \
        return [frame.sandbox.length, frame.title, frame.contentDocument === null]";
    let seen = browser.run(frame).await;
    assert_eq!(seen, serde_json::json!([0, "E-mail: Sign in to Acme", true]));
    browser.click(".mail summary").await;
    browser.wait_for(".mail .plain", "Your Acme code is 004217.").await;
    assert_eq!(browser.run("return document.title").await, "otpmux handset");
    assert_eq!(browser.overflow().await, 0);
    keep_picture(&browser, "handset-mail.png").await;
}

/// WhatsApp and voice look like what they are.
#[tokio::test]
async fn a_call_says_that_it_is_a_voice() {
    let stage = Stage::start().await;
    let browser = Browser::open(&stage.emulator.handset_url()).await;
    browser.choose("#channel", "Voice").await;
    browser.click("#send-button").await;
    assert_eq!(carriers(&browser, 1).await, ["EasyOTP"]);
    assert_eq!(browser.text(".message .says").await, "A voice says:");
    let channel = "return document.querySelector('.message').dataset.channel";
    assert_eq!(browser.run(channel).await, "voice");
    browser.choose("#channel", "SMS").await;
    browser.click("#send-button").await;
    assert_eq!(carriers(&browser, 2).await, ["EasyOTP", "EasyOTP"]);
    assert_eq!(browser.text(".message:first-child .says").await, "");
    no_complaints(&browser).await;
}

/// The first vendor accepts a message and never delivers it, and the user types nothing: half a minute
/// later, by the clock that the page advances, another vendor calls with the same code.
#[tokio::test]
async fn a_message_that_never_arrives_is_followed_by_a_call() {
    let dev = Dev::start(&["--escalate"]);
    let browser = Browser::open(dev.handset()).await;
    browser.resize(1280, 940, false).await;
    browser.choose("#switch-startmessaging", "Never delivers").await;
    browser.wait_for("#meaning-startmessaging", "does not deliver").await;
    browser.click("#send-button").await;
    browser.wait_for("#history", "startmessaging accepted, SMS").await;
    browser.wait_for("#sent", "sent again at").await;
    assert_eq!(browser.text(".message").await, "", "nothing has arrived");
    browser.click("[data-advance='30']").await;
    browser.wait_for("#clock-says", "30 s ahead of this machine.").await;
    assert_eq!(carriers(&browser, 1).await, ["EasyOTP"]);
    assert_eq!(browser.text(".message .says").await, "A voice says:");
    browser.wait_for("#history", "easyotp accepted, voice call, escalation").await;
    assert!(!browser.text("#sent").await.contains("sent again"), "no step is left");
    browser.click(".message .code").await;
    browser.click("#verify-button").await;
    browser.wait_for("#outcome", "Approved.").await;

    // A user who types the code in time gets no call.
    browser.choose("#switch-startmessaging", "Works").await;
    browser.click("#send-button").await;
    assert_eq!(carriers(&browser, 2).await, ["StartMessaging", "EasyOTP"]);
    browser.click(".message .code").await;
    browser.click("#verify-button").await;
    browser.wait_for("#outcome", "Approved.").await;
    browser.wait_for("#sent", ": approved.").await;
    browser.click("[data-advance='300']").await;
    browser.wait_for("#clock-says", "330 s ahead").await;
    // The step of a later verification is sent, so an earlier one would have been.
    browser.choose("#switch-startmessaging", "Never delivers").await;
    browser.click("#send-button").await;
    browser.wait_for("#sent", "sent again at").await;
    browser.click("[data-advance='30']").await;
    assert_eq!(carriers(&browser, 3).await, ["EasyOTP", "StartMessaging", "EasyOTP"]);
    let codes = codes(&browser).await;
    assert_ne!(codes[0], codes[1], "the call is that of the later one");
    no_complaints(&browser).await;
}
