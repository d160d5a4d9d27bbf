//! Applications that send and verify, and ask again when they got no answer.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use otpmux_emulator::{Emulator, MessageFilter};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::serving::KEY;

/// How long an application asks for the same.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the gateways are now: one that is started again gets another address.
pub(crate) struct Addresses {
    urls: Mutex<Vec<String>>,
    answered: Mutex<usize>,
    more: Condvar,
}

impl Addresses {
    pub(crate) fn new(urls: &[&str]) -> Self {
        let urls = urls.iter().map(|&url| url.to_owned()).collect();
        Self { urls: Mutex::new(urls), answered: Mutex::new(0), more: Condvar::new() }
    }

    pub(crate) fn moved(&self, which: usize, url: &str) {
        url.clone_into(&mut self.urls.lock().unwrap()[which]);
    }

    fn url(&self, which: usize) -> String {
        let urls = self.urls.lock().unwrap();
        urls[which % urls.len()].clone()
    }

    fn count_answer(&self) {
        *self.answered.lock().unwrap() += 1;
        self.more.notify_all();
    }

    /// Waits until so many sends have been answered.
    pub(crate) fn answered(&self, wanted: usize) {
        let answered = self.answered.lock().unwrap();
        let few = |answered: &mut usize| *answered < wanted;
        let (answered, late) = self.more.wait_timeout_while(answered, PATIENCE, few).unwrap();
        assert!(!late.timed_out(), "{answered} of {wanted} answers");
    }
}

/// One application.
pub(crate) struct Caller<'a> {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    pub(crate) addresses: &'a Addresses,
    emulator: &'a Emulator,
}

/// A verification, as its application and its user know it.
pub(crate) struct Flow {
    pub(crate) to: String,
    id: String,
    pub(crate) code: String,
    /// Approvals that were answered.
    pub(crate) approved: usize,
    /// Verifies that were sent, and not answered.
    lost: usize,
    /// Times that the send was asked for again.
    pub(crate) asked_again: usize,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(addresses: &'a Addresses, emulator: &'a Emulator) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { runtime, http, addresses, emulator }
    }

    /// An answer, read to its end; `None` when there was none, or it broke off.
    pub(crate) fn post(
        &self,
        url: &str,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let request = self.http.post(format!("{url}{path}")).bearer_auth(KEY);
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let request = if key.is_empty() { request } else { request.header("idempotency-key", key) };
        self.runtime.block_on(async {
            let answer = request.send().await.ok()?;
            let status = answer.status().as_u16();
            let text = answer.text().await.ok()?;
            Some((status, serde_json::from_str(&text).expect(&text)))
        })
    }

    /// An unused number.
    pub(crate) fn number(number: usize) -> String {
        format!("+9198765{number:05}")
    }

    /// Sends once; `None` when there was no answer.
    pub(crate) fn send_once(&self, number: usize) -> Option<Flow> {
        let to = Self::number(number);
        let body = json!({ "to": to, "code_length": 10 });
        let sent = self.post(&self.addresses.url(0), "/v1/verifications", "", &body)?;
        let (201, sent) = sent else { panic!("{sent:?}") };
        self.addresses.count_answer();
        let code = self.codes(&to).pop_first().unwrap();
        let id = sent["id"].as_str().unwrap().to_owned();
        Some(Flow { to, id, code, approved: 0, lost: 0, asked_again: 0 })
    }

    /// Asks one gateway after the other until the send is answered, and by resends until its message
    /// came.
    pub(crate) fn send(&self, number: usize) -> Flow {
        let to = Self::number(number);
        let (key, body) = (format!("flow-{number}"), json!({ "to": to, "code_length": 10 }));
        let (mut told, asked_again) = self.until(number, 201, "/v1/verifications", &key, &body);
        let id = told["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/verifications/{id}/resend");
        let begun = Instant::now();
        let mut resends = 0;
        while self.codes(&to).is_empty() {
            // Its gateway died before the vendor was called, and no process knows that; the one
            // that was asked for the resend may have died, too.
            assert_eq!(told["confirmed"], false, "{told}");
            assert!(begun.elapsed() < PATIENCE, "no message for {key}");
            let key = format!("resend-{number}-{resends}");
            (told, _) = self.until(number, 200, &path, &key, &json!({}));
            resends += 1;
        }
        let codes = self.codes(&to);
        assert_eq!(codes.len(), 1, "one verification has one code");
        self.addresses.count_answer();
        let code = codes.into_iter().next().unwrap();
        Flow { to, id, code, approved: 0, lost: 0, asked_again }
    }

    /// The answer with this status, and how often it had to be asked for again: the request was
    /// under way elsewhere, it was not answered, or it was a resend that came too soon.
    fn until(
        &self,
        number: usize,
        status: u16,
        path: &str,
        key: &str,
        body: &Value,
    ) -> (Value, usize) {
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            let url = self.addresses.url(number + tries);
            match self.post(&url, path, key, body) {
                Some((told, answer)) if told == status => return (answer, tries),
                Some((409, _)) | None => {}
                // Only a resend can come too soon.
                Some((429, _)) if status == 200 => {}
                Some(other) => panic!("{other:?}"),
            }
            tries += 1;
            assert!(begun.elapsed() < PATIENCE, "no answer to {key} after {tries} tries");
        }
    }

    /// The codes that the user got.
    pub(crate) fn codes(&self, to: &str) -> BTreeSet<String> {
        let messages = self.emulator.messages(&MessageFilter::default().to(to));
        let digits = self.emulator.messages(&MessageFilter::default().to(&to[1..]));
        messages.into_iter().chain(digits).map(|message| message.code).collect()
    }

    /// Tries the right code once at this gateway.
    pub(crate) fn verify(&self, flow: &mut Flow, which: usize) {
        let path = format!("/v1/verifications/{}/verify", flow.id);
        let url = self.addresses.url(which);
        match self.post(&url, &path, "", &json!({ "code": flow.code })) {
            Some((200, answer)) if answer["verdict"] == "approved" => flow.approved += 1,
            Some((200, answer)) => assert_eq!(answer["verdict"], "already_used"),
            Some(other) => panic!("{other:?}"),
            None => flow.lost += 1,
        }
    }

    /// At the end, when all gateways run: it is used up, and it was good for one approval.
    pub(crate) fn record_outcome(&self, flow: &mut Flow, which: usize) {
        let lost = flow.lost;
        for which in [which, which + 1] {
            self.verify(flow, which);
        }
        assert_eq!(flow.lost, lost, "no process is killed any more");
        // The one answer that was lost may have been the approval.
        assert!(flow.approved == 1 || (flow.approved == 0 && lost > 0), "{}", flow.approved);
    }
}
