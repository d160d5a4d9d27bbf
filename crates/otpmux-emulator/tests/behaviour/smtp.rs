//! The emulated mail server, as a client sees it that knows no TLS.

use otpmux_emulator::{Emulator, Fault, FaultKind, MessageFilter, Vendor};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, Rig, config};

const MAIL: &str =
    "Subject: Sign in\r\nContent-Type: text/plain\r\n\r\nYour code is 004217.\r\n..\r\n";

struct Client(BufReader<TcpStream>);

impl Client {
    async fn open(emulator: &Emulator) -> Self {
        let stream = TcpStream::connect(emulator.vendor_addr(Vendor::Smtp).unwrap()).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// Returns the next reply; empty if the connection has ended.
    async fn reply(&mut self) -> String {
        let read = async {
            let mut reply = String::new();
            loop {
                let from = reply.len();
                match self.0.read_line(&mut reply).await {
                    Ok(count) if count > 0 => {}
                    _ => return String::new(),
                }
                if reply.as_bytes().get(from + 3) != Some(&b'-') {
                    return reply;
                }
            }
        };
        timeout(PATIENCE, read).await.expect("a reply")
    }

    async fn say(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.reply().await
    }

    /// Begins, with a login, up to the recipient's reply.
    async fn begin(emulator: &Emulator, to: &str) -> (Self, String) {
        let mut client = Self::open(emulator).await;
        assert!(client.reply().await.starts_with("220 "));
        assert!(client.say("EHLO app.test").await.contains("AUTH PLAIN LOGIN"));
        // otp, smtp_emulator_password
        let login = "AUTH PLAIN AG90cABzbXRwX2VtdWxhdG9yX3Bhc3N3b3Jk";
        assert!(client.say(login).await.starts_with("235 "));
        assert!(client.say("MAIL FROM:<otp@acme.example>").await.starts_with("250 "));
        let reply = client.say(&format!("RCPT TO:<{to}>")).await;
        (client, reply)
    }

    async fn hand_over(mut self) -> String {
        assert!(self.say("DATA").await.starts_with("354 "));
        self.say(&format!("{MAIL}.")).await
    }
}

async fn send(emulator: &Emulator, to: &str) -> String {
    let (client, reply) = Client::begin(emulator, to).await;
    if reply.starts_with("250 ") { client.hand_over().await } else { reply }
}

fn delivered(emulator: &Emulator) -> usize {
    emulator.messages(&MessageFilter::default()).len()
}

#[tokio::test]
async fn a_mail_is_in_the_mailbox() {
    let rig = Rig::start(config()).await;
    let emulator = &rig.emulator;
    assert!(send(emulator, "ann@example.com").await.starts_with("250 "));
    let messages = emulator.messages(&MessageFilter::default().vendor(Vendor::Smtp));
    let message = &messages[0];
    assert_eq!((&*message.channel, &*message.to), ("email", "ann@example.com"));
    assert_eq!(message.subject.as_deref(), Some("Sign in"));
    assert_eq!(message.text, "Your code is 004217.\n.");
    assert_eq!(emulator.last_code("ann@example.com").as_deref(), Some("004217"));
    assert_eq!(emulator.request_count(Vendor::Smtp), 1);
    assert!(emulator.base_url(Vendor::Smtp).starts_with("smtp://127.0.0.1:"));
}

#[tokio::test]
async fn the_account_decides_who_may_send_and_who_gets_it() {
    let rig = Rig::start(config()).await;
    let emulator = &rig.emulator;
    let mut client = Client::open(emulator).await;
    client.reply().await;
    client.say("EHLO app.test").await;
    assert!(client.say("MAIL FROM:<a@example.com>").await.starts_with("530 5.7.0"));
    assert!(client.say("AUTH PLAIN AG90cAB4").await.starts_with("535 5.7.8"));
    assert!(client.say("DATA").await.starts_with("503 "));
    assert!(client.say("NONSENSE").await.starts_with("502 "));
    emulator.update_smtp(|account| {
        account.unknown_recipients = vec!["nobody@example.com".to_owned()];
        account.full_recipients = vec!["full@example.com".to_owned()];
    });
    assert!(send(emulator, "nobody@example.com").await.starts_with("550 5.1.1"));
    assert!(send(emulator, "full@example.com").await.starts_with("452 4.2.2"));
    emulator.update_smtp(|account| account.require_tls = true);
    let mut client = Client::open(emulator).await;
    client.reply().await;
    let features = client.say("EHLO app.test").await;
    assert!(features.contains("STARTTLS") && !features.contains("AUTH"), "{features}");
    assert!(client.say("AUTH PLAIN AG90cAB4").await.starts_with("538 "));
    assert!(client.say("MAIL FROM:<a@example.com>").await.starts_with("530 5.7.0 Must"));
    assert_eq!(delivered(emulator), 0);
}

#[tokio::test]
async fn faults_take_effect_before_the_message_or_after_its_dot() {
    let rig = Rig::start(config()).await;
    let emulator = &rig.emulator;
    let fault = |fault: Fault| emulator.set_fault(Vendor::Smtp, fault);
    for (status, reply) in [(451, "451 4.3.0"), (550, "550 5.1.1"), (429, "450 4.7.1")] {
        fault(Fault::status(status).at("/rcpt"));
        let (_, at_rcpt) = Client::begin(emulator, "ann@example.com").await;
        assert!(at_rcpt.starts_with(reply), "{at_rcpt}");
        fault(Fault::status(status));
        let at_dot = send(emulator, "ann@example.com").await;
        assert!(at_dot.starts_with(reply), "{at_dot}");
    }
    fault(Fault::status(421).at("/connect"));
    assert!(Client::open(emulator).await.reply().await.starts_with("421 4.3.2"));
    for kind in [FaultKind::ResetAfterRead, FaultKind::CloseBeforeAnswer] {
        fault(Fault::new(kind.clone()).at("/rcpt"));
        assert_eq!(Client::begin(emulator, "ann@example.com").await.1, "");
        fault(Fault::new(kind));
        assert_eq!(send(emulator, "ann@example.com").await, "");
    }
    assert_eq!(delivered(emulator), 0, "the server did nothing in any of these");
    fault(Fault::new(FaultKind::ResetAfterRead).after_work());
    assert_eq!(send(emulator, "ann@example.com").await, "");
    assert_eq!(delivered(emulator), 1, "the mail was queued, and only the answer was lost");
    fault(Fault::new(FaultKind::AcceptButNeverDeliver));
    assert!(send(emulator, "ann@example.com").await.starts_with("250 "));
    assert_eq!(delivered(emulator), 1);
    emulator.set_fault(Vendor::Smtp, FaultKind::Refuse);
    assert!(TcpStream::connect(emulator.vendor_addr(Vendor::Smtp).unwrap()).await.is_err());
    emulator.clear_faults(Vendor::Smtp);
    assert!(send(emulator, "ann@example.com").await.starts_with("250 "));
}

/// The page shows the HTML of a mail in a frame. Content that the frame loads has no rights.
#[tokio::test]
async fn the_html_of_a_mail_has_a_document_without_rights() {
    let emulator = Emulator::start(config()).await.unwrap();
    let (mut client, _) = Client::begin(&emulator, "ann@example.com").await;
    client.say("DATA").await;
    client.say("Content-Type: text/html\r\n\r\n<script>alert(1)</script><b>1234</b>\r\n.").await;
    let page = emulator.handset_url();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| http.get(format!("{page}{path}")).send().await.unwrap();
    let listed: serde_json::Value = get("_emulator/messages").await.json().await.unwrap();
    assert_eq!(listed[0]["html"], json!("<script>alert(1)</script><b>1234</b>"));
    let mut stream = get("_emulator/events").await;
    let mut events = String::new();
    while !events.contains("event: message") {
        let chunk = timeout(PATIENCE, stream.chunk()).await.unwrap().unwrap().unwrap();
        events.push_str(str::from_utf8(&chunk).unwrap());
    }
    let before = events.split("event: message").next().unwrap();
    let id = before.rsplit("id: ").next().unwrap().trim().to_owned();
    let answer = get(&format!("_emulator/mails/{id}")).await;
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    for rule in ["sandbox;", "default-src 'none'", "frame-ancestors 'self'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("script"), "{policy}");
    assert_eq!(get("_emulator/mails/none-1").await.status(), 404);
    emulator.clear_messages();
    assert_eq!(get(&format!("_emulator/mails/{id}")).await.status(), 404);
}
