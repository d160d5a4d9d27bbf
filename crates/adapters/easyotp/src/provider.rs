use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Context, Error, ErrorKind, OtpProvider, ProviderId,
    RateLimit, Secret, SendRequest, Sent, VendorReference, Verdict, VerifyRequest,
};
use otpmux_http::{Answer, Call, Transport, parse_time, retry_after_field};
use serde_json::Value;

use crate::error::{Endpoint, error, is_lockout};
use crate::wire::{ErrorAnswer, Send, SendAnswer, Verify, VerifyAnswer};
use crate::{EasyOtpBuilder, EasyOtpConfig};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// EasyOTP's test recipients (API introduction). The page also has two e-mail addresses, but masks
/// them.
const TEST_RECIPIENTS: &[&str] = &["+15555550100", "+15555550101", "+15555550102"];

/// EasyOTP as an [`OtpProvider`].
#[derive(Debug)]
pub struct EasyOtp {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    message: Option<String>,
    subject: Option<String>,
}

impl EasyOtp {
    /// Returns the settings of an account, to complete and build.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_easyotp::EasyOtp;
    ///
    /// let provider = EasyOtp::builder("the key from the dashboard")
    ///     .message("Your Acme code is {code}")
    ///     .build("primary")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(api_key: impl Into<Secret>) -> EasyOtpBuilder {
        EasyOtpBuilder::default().api_key(api_key)
    }

    /// Creates a provider; opens no connection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a key that is not valid in a header, and the errors of
    /// [`Transport::new`].
    pub fn new(id: ProviderId, config: EasyOtpConfig) -> Result<Self, Error> {
        let bearer = Secret::new(format!("Bearer {}", config.api_key.expose()));
        let capabilities = capabilities(&config);
        let transport = Transport::new(id.clone(), config.http, &[("authorization", bearer)])?;
        Ok(Self { id, transport, capabilities, message: config.message, subject: config.subject })
    }

    fn read_sent(answer: &Answer) -> Result<Sent, Error> {
        // Only 200 is documented; 201 means the same.
        if !matches!(answer.status(), 200 | 201) {
            return Err(if answer.is_success() {
                answer.protocol_error("an undocumented kind of success")
            } else {
                error(answer, Endpoint::Send)
            });
        }
        let body: SendAnswer = answer
            .parse()
            .ok_or_else(|| answer.protocol_error("the answer to a send is not as documented"))?;
        let id = body.verification_id.filter(|id| !id.is_empty());
        match (body.success, id) {
            (Some(false), _) => Err(answer.protocol_error("a success that says success=false")),
            (_, None) => Err(answer.protocol_error("the field verification_id is missing")),
            (_, Some(id)) => {
                let mut sent = Sent::new().with_reference(VendorReference::new(id));
                sent.expires_at = body.expires_at.and_then(|at| parse_time(at.as_str()?));
                sent.request_id = body.request_id.and_then(|id| answer.public_id(id.as_str()?));
                Ok(sent)
            }
        }
    }

    fn read_verdict(answer: &Answer) -> Result<Verdict, Error> {
        match answer.status() {
            200 | 201 => Self::read_verified(answer),
            // Only with the documented error body: a proxy's page says nothing about the code.
            404 if answer.parse().is_some_and(|body: ErrorAnswer| body.error.is_some()) => {
                Ok(Verdict::NotFound)
            }
            404 => Err(answer.protocol_error("not the vendor's own 404; check base_url")),
            429 => {
                let body: Option<ErrorAnswer> = answer.parse();
                match body.filter(is_lockout) {
                    Some(body) => {
                        let field = retry_after_field(body.retry_after.as_ref());
                        let retry_after = field.or(answer.retry_after());
                        Ok(Verdict::TooManyGuesses { retry_after })
                    }
                    None => Err(error(answer, Endpoint::Verify)),
                }
            }
            _ if answer.is_success() => {
                Err(answer.protocol_error("an undocumented kind of success"))
            }
            _ => Err(error(answer, Endpoint::Verify)),
        }
    }

    fn read_verified(answer: &Answer) -> Result<Verdict, Error> {
        let body: VerifyAnswer = answer
            .parse()
            .ok_or_else(|| answer.protocol_error("the answer to a verify is not as documented"))?;
        match (body.success, body.verified) {
            (Some(false), _) => Err(answer.protocol_error("a success that says success=false")),
            (_, None) => Err(answer.protocol_error("the field verified is missing")),
            (_, Some(true)) => Ok(Verdict::Approved),
            (_, Some(false)) => Ok(match body.message.as_ref().and_then(Value::as_str) {
                Some("Invalid code") => Verdict::WrongCode { guesses_left: None },
                Some("Code expired") => Verdict::Expired,
                Some("Code already used") => Verdict::AlreadyUsed,
                _ => Verdict::Rejected,
            }),
        }
    }
}

/// Returns what the vendor documents (API introduction, send page), narrowed to the settings.
pub(crate) fn capabilities(config: &EasyOtpConfig) -> Capabilities {
    let mut capabilities = Capabilities::new([Channel::Sms, Channel::Voice, Channel::Email])
        .with_otpmux_codes(4..=10)
        .with_vendor_codes(None)
        .with_ttls(MINUTE..=HOUR);
    capabilities.message = true;
    capabilities.limits.requests = vec![RateLimit::new(120, MINUTE)];
    capabilities.limits.sends_per_recipient =
        vec![RateLimit::new(2, MINUTE), RateLimit::new(15, HOUR), RateLimit::new(50, 24 * HOUR)];
    capabilities.limits.guesses = Some(5);
    capabilities.limits.lockout = Some(15 * MINUTE);
    if config.vendor_codes {
        capabilities.otpmux_codes = None;
    }
    if config.test_recipients {
        capabilities.test_recipients = TEST_RECIPIENTS;
    }
    capabilities
}

#[async_trait]
impl OtpProvider for EasyOtp {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let invalid = |detail| {
            Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
                .with_provider(self.id.clone())
                .with_detail(detail)
        };
        let given = request.message.as_ref();
        let message = match given.map(|message| &message.text) {
            Some(text) if !text.has_code() => {
                return Err(invalid("the message has no place for the code"));
            }
            // EasyOTP puts the code in, also one of otpmux.
            Some(text) => {
                let text = text.with_placeholder("{code}");
                Some(text.ok_or_else(|| invalid("a value in the message holds {code}"))?)
            }
            None => self.message.clone(),
        };
        let email = request.channel.wants_email();
        let subject =
            given.and_then(|message| message.subject.as_ref()?.with_placeholder("{code}"));
        let subject = subject.as_deref().or(self.subject.as_deref());
        let code = request.code.otpmux_code();
        let body = Send {
            channel: request.channel.as_str(),
            recipient: request.recipient.expose(),
            message: message.as_deref(),
            subject: subject.filter(|_| email),
            expires_in: request.ttl.map(|ttl| ttl.as_secs()),
            code: code.map(otpmux_core::Code::expose),
        };
        let mut call = Call::post("/send", &body).hiding(request.recipient.expose());
        if let Some(code) = code {
            call = call.hiding(code.expose());
        }
        Self::read_sent(&self.transport.call(cx, call).await?)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let Some(reference) = &request.reference else {
            return Err(Error::unsupported(&self.id, "verify without the id of the send"));
        };
        let body = Verify { verification_id: reference.as_str(), code: request.code.expose() };
        let call = Call::post("/verify", &body)
            .hiding(request.code.expose())
            .hiding(request.recipient.expose());
        Self::read_verdict(&self.transport.call(cx, call).await?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer::new(ProviderId::new("p").unwrap(), status, None, body.into())
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(true)),
            Just(json!(false)),
            Just(json!(null)),
            Just(json!("true")),
            Just(json!("Code verified successfully")),
            any::<i64>().prop_map(|n| json!(n)),
            "\\PC{0,12}".prop_map(|text| json!(text)),
        ];
        let key = prop::sample::select(vec![
            "success",
            "verified",
            "message",
            "verification_id",
            "error",
            "retry_after",
            "data",
        ]);
        leaf.prop_recursive(3, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::hash_map(key.clone(), inner, 0..6).prop_map(|map| {
                    map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
                }),
            ]
        })
    }

    /// Prefers the statuses with which an answer can approve; includes all others.
    fn any_status() -> impl Strategy<Value = u16> {
        prop_oneof![4 => Just(200), 1 => Just(201), 3 => 0u16..1000]
    }

    proptest! {
        /// Rule 6: only `verified: true` in a 200 or 201 that does not deny success is positive.
        #[test]
        fn only_verified_true_approves(status in any_status(), body in any_json()) {
            let verdict = EasyOtp::read_verdict(&answer(status, body.to_string()));
            let positive = matches!(status, 200 | 201)
                && body.is_object()
                && body["verified"] == json!(true)
                && body["success"] != json!(false);
            if verdict.is_ok_and(|verdict| verdict.is_approved()) {
                prop_assert!(positive, "{status} {body}");
            }
            let _ = EasyOtp::read_sent(&answer(status, body.to_string()));
        }

        #[test]
        fn bytes_of_any_kind_are_classified(
            status in any_status(), body in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            let verdict = EasyOtp::read_verdict(&answer(status, body.clone()));
            prop_assert!(!verdict.is_ok_and(|verdict| verdict.is_approved()));
            prop_assert!(EasyOtp::read_sent(&answer(status, body)).is_err());
        }
    }

    #[test]
    fn fields_of_a_strange_type_change_nothing_that_matters() {
        let sent = r#"{"success":true,"verification_id":"v1","expires_at":7,"request_id":17}"#;
        let sent = EasyOtp::read_sent(&answer(200, sent)).unwrap();
        assert_eq!(sent.reference, Some(VendorReference::new("v1")));
        let verified = r#"{"success":true,"verified":true,"message":7}"#;
        assert_eq!(EasyOtp::read_verdict(&answer(200, verified)).unwrap(), Verdict::Approved);
        let limit = r#"{"error":"Maximum 2 verification codes per minute","retry_after":"soon"}"#;
        let limited = EasyOtp::read_sent(&answer(429, limit)).unwrap_err();
        assert_eq!((limited.blame(), limited.retry_after()), (Blame::Policy, None));
        let locked = r#"{"error":"Too many failed attempts.","retry_after":[]}"#;
        let locked = EasyOtp::read_verdict(&answer(429, locked)).unwrap();
        assert_eq!(locked, Verdict::TooManyGuesses { retry_after: None });
    }

    /// A time for the next try does not say whose limit it is: neither that another vendor would
    /// bypass it, nor that the user is locked out.
    #[test]
    fn a_limit_that_says_when_and_not_whose_is_the_accounts() {
        let after = Some(Duration::from_secs(42));
        for (header, body) in [
            (after, r#"{"error":"Rate limit exceeded"}"#),
            (None, r#"{"error":"Rate limit exceeded","retry_after":42}"#),
            (None, r#"{"message":"x","retry_after":42}"#),
            (None, r#"{"error":7,"retry_after":42}"#),
            (after, "<h1>Too Many Requests</h1>"),
        ] {
            let answer = Answer::new(ProviderId::new("p").unwrap(), 429, header, body);
            let send = EasyOtp::read_sent(&answer).unwrap_err();
            let verify = EasyOtp::read_verdict(&answer).unwrap_err();
            for error in [send, verify] {
                let got = (error.kind(), error.certainty(), error.blame());
                let expected = (ErrorKind::RateLimited, Certainty::Rejected, Blame::Provider);
                assert_eq!((got, error.retry_after()), (expected, after), "{body}");
            }
        }
    }

    #[test]
    fn an_array_in_the_place_of_the_answer_approves_no_code() {
        let verdict = EasyOtp::read_verdict(&answer(200, "[null,true,null]"));
        assert_eq!(verdict.unwrap_err().kind(), ErrorKind::Protocol);
    }
}
