//! `POST /v2/verify`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::VonageVerify;
use super::answer::{invalid, problem, usual_error};
use super::workflow::{Request, Step};
use crate::check::{is_digits, is_email};
use crate::exchange::{Call, Reply};
use crate::ids;
use crate::vendor_api::Context;

const NUMBER: &str = "`to` must be a valid number";
const CHANNELS: [&str; 4] = ["sms", "voice", "whatsapp", "email"];
const LOCALES: [&str; 13] = [
    "en-us", "en-gb", "es-es", "es-mx", "es-us", "it-it", "fr-fr", "de-de", "ru-ru", "hi-in",
    "pt-br", "pt-pt", "id-id",
];

impl VonageVerify {
    pub(super) fn start(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let body = if call.is_json() { call.object() } else { None };
        let Some(body) = body else { return invalid("body", "must be a JSON object") };
        let mut request = match self.read(&body, cx.now) {
            Ok(request) => request,
            Err((parameter, reason)) => return invalid(&parameter, reason),
        };
        if request.own_code && !self.account.custom_codes {
            return problem(403, "forbidden", "Forbidden", "Custom codes are not enabled.");
        }
        if self.account.balance_cents <= 0 {
            return usual_error(402);
        }
        let to = &request.steps[0].to;
        if self.account.invalid_numbers.contains(to) {
            return invalid("workflow[0].to", NUMBER);
        }
        if self.account.enforce_limits && self.requests.in_progress(to) {
            return usual_error(409);
        }
        let id = ids::uuid();
        self.begin_step(&id, &mut request, cx);
        self.requests.insert(id.clone(), request);
        Reply::json(202, &json!({ "request_id": id }))
    }

    /// Reads a body; the error is the name of a parameter and the reason.
    fn read(&self, body: &Value, now: Timestamp) -> Result<Request, (String, &'static str)> {
        let wrong = |name: &str, reason| Err((name.to_owned(), reason));
        let brand = body["brand"].as_str().unwrap_or_default();
        if !(1..=18).contains(&brand.chars().count()) || brand.contains(['/', '{', '}', ':', '$']) {
            return wrong("brand", "`brand` must be 1 to 18 characters without /{}:$");
        }
        let number =
            |name: &str, range: std::ops::RangeInclusive<u64>, default: u64| match &body[name] {
                Value::Null => Ok(default),
                value => value
                    .as_u64()
                    .filter(|number| range.contains(number))
                    .ok_or((name.to_owned(), "is out of range")),
            };
        let timeout = number("channel_timeout", 15..=900, 180)?;
        let length = u8::try_from(number("code_length", 4..=10, 4)?).unwrap_or(4);
        let text = |name: &str, fits: &dyn Fn(&str) -> bool| match &body[name] {
            Value::Null => Ok(None),
            value => value
                .as_str()
                .filter(|text| fits(text))
                .map(|text| Some(text.to_owned()))
                .ok_or((name.to_owned(), "has not the documented form")),
        };
        let alphanumeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let code = text("code", &|code| (4..=10).contains(&code.len()) && alphanumeric(code))?;
        let client_ref = text("client_ref", &|it| (1..=40).contains(&it.len()))?;
        text("locale", &|locale| LOCALES.contains(&locale))?;
        let steps = body["workflow"].as_array().filter(|steps| (1..=3).contains(&steps.len()));
        let Some(steps) = steps else { return wrong("workflow", "must have 1 to 3 steps") };
        let steps = steps.iter().enumerate().map(|(at, step)| read_step(at, step));
        let own_code = code.is_some();
        let fixed = || self.account.fixed_code.clone();
        Ok(Request {
            brand: brand.to_owned(),
            steps: steps.collect::<Result<_, _>>()?,
            current: 0,
            code: code.or_else(fixed).unwrap_or_else(|| ids::code(length)),
            own_code,
            length,
            timeout,
            client_ref,
            submitted: now,
            step_began: now,
            wrong: 0,
        })
    }
}

fn read_step(at: usize, step: &Value) -> Result<Step, (String, &'static str)> {
    let wrong = |field: &str, reason| Err((format!("workflow[{at}].{field}"), reason));
    let channel = step["channel"].as_str().unwrap_or_default();
    if !CHANNELS.contains(&channel) {
        return wrong("channel", "is not a channel");
    }
    let to = step["to"].as_str().unwrap_or_default();
    let fits = if channel == "email" {
        is_email(to)
    } else {
        // Without `+` or `00`.
        is_digits(to, 7..=15) && !to.starts_with('0')
    };
    if !fits {
        return wrong("to", NUMBER);
    }
    if channel == "whatsapp" && !step["from"].is_string() {
        return wrong("from", "is required");
    }
    let hash = &step["app_hash"];
    if !hash.is_null() && hash.as_str().is_none_or(|hash| hash.len() != 11) {
        return wrong("app_hash", "must have 11 characters");
    }
    Ok(Step {
        channel: channel.to_owned(),
        to: to.to_owned(),
        reuse_code: step["reuse_code"] == true,
        initiated: None,
        status: "unused",
    })
}
