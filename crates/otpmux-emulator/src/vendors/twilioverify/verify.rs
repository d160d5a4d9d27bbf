//! Check, fetch and update of a verification.

use jiff::Timestamp;
use serde_json::json;

use super::answer::{error, invalid, not_found};
use super::{MOST, TwilioVerify};
use crate::check::same_secret;
use crate::clock::seconds;
use crate::exchange::{Call, Reply};
use crate::vendor_api::Context;

impl TwilioVerify {
    pub(super) fn check(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let form = call.form().unwrap_or_default();
        let Some(code) = form.get("Code") else { return invalid("Code") };
        let found = match (form.get("VerificationSid"), form.get("To")) {
            (Some(sid), _) => self.alive(sid, cx.now),
            (None, Some(to)) => self.pending(to, cx.now),
            (None, None) => return invalid("To"),
        };
        let Some((sid, one)) =
            found.and_then(|sid| self.verifications.get_mut(&sid).map(|one| (sid, one)))
        else {
            return not_found(&call.path);
        };
        // No rate limit: it ends the verification, so load tests keep it.
        if one.checks >= MOST {
            return error(429, 60202, "Max check attempts reached");
        }
        one.checks += 1;
        one.updated = cx.now;
        let approved = same_secret(code, &one.code);
        let body = json!({
            "sid": sid,
            "service_sid": self.account.service_sid,
            "account_sid": self.account.account_sid,
            "to": one.to,
            "channel": one.channel,
            "status": if approved { "approved" } else { "pending" },
            "valid": approved,
            "amount": null,
            "payee": null,
            "sna_attempts_error_codes": [],
            "date_created": seconds(one.created),
            "date_updated": seconds(one.updated),
        });
        if approved {
            self.verifications.remove(&sid);
        }
        Reply::json(200, &body)
    }

    pub(super) fn fetch(&self, call: &Call, sid: &str, now: Timestamp) -> Reply {
        let alive = self.alive(sid, now);
        match alive.and_then(|sid| self.verifications.get(&sid).map(|one| (sid, one))) {
            Some((sid, one)) => Reply::json(200, &self.view(&sid, one, "pending")),
            None => not_found(&call.path),
        }
    }

    /// Ends a verification: `approved` or `canceled`.
    pub(super) fn update(&mut self, call: &Call, sid: &str, cx: &mut Context) -> Reply {
        let form = call.form().unwrap_or_default();
        let status = form.get("Status").filter(|it| ["approved", "canceled"].contains(it));
        let Some(status) = status else { return invalid("Status") };
        let alive = self.alive(sid, cx.now);
        let Some((sid, mut one)) =
            alive.and_then(|sid| self.verifications.get(&sid).cloned().map(|one| (sid, one)))
        else {
            return not_found(&call.path);
        };
        one.updated = cx.now;
        let reply = Reply::json(200, &self.view(&sid, &one, status));
        self.verifications.remove(&sid);
        reply
    }

    /// Returns the SID, if its verification is pending.
    fn alive(&self, sid: &str, now: Timestamp) -> Option<String> {
        let one = self.verifications.get(sid)?;
        self.is_alive(one, now).then(|| sid.to_owned())
    }
}
