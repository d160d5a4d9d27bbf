//! Rule 7: no code, number, address or secret in any log line, at any level, in any error, or in any
//! `Debug`, on any path. Everything is run once, everything is written down, and searched.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a trial that cannot be set up must fail"
)]

use std::fmt::Write as _;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use otpmux_core::{Channel, ClientContext, Code, Outcome};
use otpmux_emulator::{EmulatorConfig, Fault, FaultKind, Garbage, Vendor};
use otpmux_engine::{NewDelivery, NewVerification, Resend};
use otpmux_testkit::{LogCapture, leaks};
use otpmux_tests::stage::{PHONE, Stage, request};
use otpmux_tests::vendors::{self, Emulation, Listed};
use serde_json::json;

const CLIENT: &str = "203.0.113.77";
/// Codes that the caller made; letters alone pass for words.
const GIVEN: &str = "61830427";
const LETTERS: &str = "QXZWVK";

/// Vendors that repeat the request, in every place that an adapter reads. Each status says
/// another secret in each place.
fn echoes(secrets: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (turn, status) in
        [200, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503].into_iter().enumerate()
    {
        let said = |place: usize| &secrets[(turn + place) % secrets.len()];
        let body = json!({
            "success": false,
            "error": {"code": said(0), "message": said(1), "details": [{"message": said(2)}]},
            "message": said(3), "code": said(4), "request_id": said(5), "requestId": said(6),
            "status": said(0), "retry_after": said(1),
        });
        faults.push(Fault::status_with_body(status, body));
        let flat = json!({"error": said(2), "request_id": said(3), "code": said(5)});
        faults.push(Fault::status_with_body(status, flat));
    }
    faults
}

fn faults(secrets: &[String]) -> Vec<Fault> {
    let mut faults = vec![
        FaultKind::ResetAfterRead.into(),
        FaultKind::CloseBeforeAnswer.into(),
        FaultKind::Garbage(Garbage::Http).into(),
        FaultKind::Garbage(Garbage::Json).into(),
        FaultKind::Refuse.into(),
        Fault::status(307).with_header("location", format!("http://127.0.0.1:1/{}", secrets[0])),
    ];
    faults.extend(echoes(secrets));
    faults
}

/// One of everything for each of these requests, and a search of all that it shows.
async fn run(
    stage: &Stage,
    requests: &[NewVerification],
    capture: &LogCapture,
    secrets: &[String],
) -> Seen {
    stage.emulator.clear_messages();
    let mut shown = String::new();
    for new in requests {
        write!(shown, "{new:?}").unwrap();
        match stage.client.send(new.clone()).await {
            Ok(sent) => {
                write!(shown, "{sent:?}").unwrap();
                let code: Code = "000000".parse().unwrap();
                note(&mut shown, stage.client.verify(sent.id, &code).await);
                note(&mut shown, stage.client.status(sent.id).await);
                note(&mut shown, stage.client.resend(sent.id, Resend::new()).await);
                note(
                    &mut shown,
                    stage.client.resend(sent.id, Resend::new().by(Channel::Voice)).await,
                );
                if let Some((_, code)) = stage.handset().last() {
                    let code: Code = code.parse().unwrap();
                    write!(shown, "{code:?}").unwrap();
                    note(&mut shown, stage.client.verify(sent.id, &code).await);
                }
                note(&mut shown, stage.client.cancel(sent.id).await);
            }
            Err(error) => shown.push_str(&leaks::shown(&error)),
        }
        deliver(stage, new, &mut shown).await;
    }
    let audited = stage.audit.take();
    assert!(audited.contains(r#""event":"send""#), "{audited}");
    shown.push_str(&audited);
    shown.push_str(&capture.take());
    let logged = shown.contains("vendor_call") && shown.contains("send ended");
    let codes: Vec<String> = stage.handset().into_iter().map(|(_, code)| code).collect();
    let all = secrets.iter().chain(&codes).map(String::as_str);
    let all: Vec<&str> = all.chain([GIVEN, LETTERS]).collect();
    leaks::assert_clean(&shown, &all);
    Seen { messages: codes.len(), logged }
}

/// Delivers codes that the caller made, one in a finished text, and ends them.
async fn deliver(stage: &Stage, new: &NewVerification, shown: &mut String) {
    let channel = new.options.channel.clone().unwrap_or(Channel::Sms);
    let text = format!("{GIVEN} is yours.");
    let given = NewDelivery::of_text(&text, new.recipient.clone()).unwrap();
    let letters = NewDelivery::of(Code::given(LETTERS).unwrap(), new.recipient.clone());
    for mut delivery in [given, letters] {
        delivery.options.template.clone_from(&new.options.template);
        let delivery = delivery.by(channel.clone()).from_client(new.options.client.clone());
        write!(shown, "{delivery:?}").unwrap();
        match stage.client.deliver(delivery).await {
            Ok(sent) => {
                write!(shown, "{sent:?}").unwrap();
                note(shown, stage.client.delivery(sent.id).await);
                note(shown, stage.client.redeliver(sent.id, Resend::new()).await);
                note(shown, stage.client.end_delivery(sent.id, Outcome::Approved).await);
            }
            Err(error) => shown.push_str(&leaks::shown(&error)),
        }
    }
}

/// A vendor that was given a code of letters repeats it in every place.
async fn repeat_letters(order: &[&Emulation], capture: &LogCapture) {
    let setup = order[0];
    let capabilities = setup.capabilities();
    let channel = &capabilities.channels[0];
    let new = request(setup, channel);
    let (stage, _) = self::stage(order).await;
    for fault in echoes(&[LETTERS.to_owned()]) {
        stage.emulator.set_fault(setup.vendor(), fault);
        let mut letters = NewDelivery::of(Code::given(LETTERS).unwrap(), new.recipient.clone());
        letters.options.template.clone_from(&new.options.template);
        let mut shown = String::new();
        note(&mut shown, stage.client.deliver(letters.by(channel.clone())).await);
        shown.push_str(&capture.take());
        leaks::assert_clean(&shown, &[LETTERS]);
    }
}

/// Figures of the runs of one vendor.
struct Seen {
    messages: usize,
    /// Whether the logs of a call were captured. A request that no provider can carry has none.
    logged: bool,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.logged |= other.logged;
    }
}

fn note<T: std::fmt::Debug>(shown: &mut String, result: Result<T, otpmux_core::Error>) {
    match result {
        Ok(answer) => write!(shown, "{answer:?}").unwrap(),
        Err(error) => shown.push_str(&leaks::shown(&error)),
    }
}

/// Each vendor is a trial. Most of the time they wait for a vendor that hangs, so more of them than
/// there are cores run side by side.
fn main() {
    let mut arguments = libtest_mimic::Arguments::from_args();
    arguments.test_threads.get_or_insert(8);
    let searches = vendors::all().iter().map(|listed| {
        Trial::test(format!("sec_11/{}", listed.adapter.kind), || alone(search_all(listed)))
    });
    let found = Trial::test("the_search_finds_a_leak", || alone(the_search_finds_a_leak()));
    libtest_mimic::run(&arguments, searches.chain([found]).collect()).exit();
}

/// Runs a trial on this thread, as the capture of logs needs it.
fn alone(trial: impl Future<Output = ()>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(trial);
    Ok(())
}

/// Nothing secret or personal gets out of any setup that differs: the first and the last.
async fn search_all(listed: &Listed) {
    let capture = LogCapture::new();
    let _guard = capture.install_scoped();
    // A vendor without HTTP has tests in its own crate.
    let setups = listed.setups();
    let Some(first) = setups.first() else { return };
    search(first, &capture).await;
    if let [_, .., last] = &setups[..]
        && listed.folder.emulated().is_some()
    {
        search(last, &capture).await;
    }
}

/// Runs everything with this vendor and one to fail over to.
async fn search(setup: &Emulation, capture: &LogCapture) {
    let other = vendors::written().find(|other| other.vendor() != setup.vendor());
    let order = [setup, other.unwrap()];
    let requests: Vec<NewVerification> = setup
        .capabilities()
        .channels
        .iter()
        .map(|channel| {
            let mut new = request(setup, channel);
            new.options.client = ClientContext::new().with_ip(CLIENT.parse().unwrap());
            new
        })
        .collect();
    let (stage, keys) = stage(&order).await;
    let recipients = requests.iter().map(|new| new.recipient.expose().to_owned());
    let personal: Vec<String> = recipients.chain([CLIENT.to_owned()]).collect();
    let keys_of_all = keys.iter().flat_map(|(_, keys)| keys.clone());
    let secrets: Vec<String> = personal.iter().cloned().chain(keys_of_all).collect();
    let shown = format!("{:?}", stage.client);
    leaks::assert_clean(&shown, &secrets.iter().map(String::as_str).collect::<Vec<_>>());
    // By every channel once; then by one after the other.
    let mut seen = run(&stage, &requests, capture, &secrets).await;
    let mut turns = requests.chunks(1).cycle();
    // A vendor can repeat the request: the recipient, and its own keys.
    let told = [&personal[..], &keys[0].1, &[GIVEN.to_owned()]].concat();
    // A new client now and then: the rates that vendors document would end the sends.
    for some in faults(&told).chunks(3) {
        let (stage, _) = self::stage(&order).await;
        for fault in some {
            stage.emulator.set_fault(setup.vendor(), fault.clone());
            seen.add(&run(&stage, turns.next().unwrap(), capture, &secrets).await);
        }
    }
    if setup.capabilities().letters_in_codes {
        repeat_letters(&order, capture).await;
    }
    // A vendor that hangs, once: it takes its whole timeout.
    stage.emulator.set_fault(setup.vendor(), Fault::new(FaultKind::Hang).times(1));
    seen.add(&run(&stage, &requests, capture, &secrets).await);
    // A vendor with a low rate carries fewer.
    let Seen { messages, logged } = seen;
    assert!(messages > 10, "{}: the paths that send were run: {messages}", setup.name());
    assert!(logged, "{}: the logs are captured", setup.name());
}

/// A client over the vendors, and the secrets of each.
async fn stage(order: &[&Emulation]) -> (Stage, Vec<(Vendor, Vec<String>)>) {
    let stage = Stage::start_with(order, EmulatorConfig::default().enforce_limits(false)).await;
    let secrets = |setup: &&Emulation| (setup.vendor(), setup.secrets(&stage.emulator));
    let keys = order.iter().map(secrets).collect();
    (stage, keys)
}

/// The capture itself: it would have seen a leak in our own words and in the HTTP client's.
async fn the_search_finds_a_leak() {
    let capture = LogCapture::new();
    let _guard = capture.install_scoped();
    tracing::trace!(to = PHONE, "oops");
    assert_eq!(leaks::found(&capture.text(), &[PHONE]), [PHONE]);
    let setup = vendors::written().next().expect("an emulated vendor");
    let stage = Stage::start(&[setup]).await;
    let sent = tokio::time::timeout(Duration::from_secs(10), stage.send());
    assert!(sent.await.unwrap().unwrap().confirmed);
    let text = capture.text();
    assert!(text.contains("reqwest") || text.contains("hyper"), "the HTTP client's lines are seen");
}
