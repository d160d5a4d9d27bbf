//! Reads the body of a send, with the requirements of each dialect.

use serde_json::Value;

use super::account::Dialect;
use super::answer::Problem;
use crate::check::{first, is_digits, is_e164, is_indian_mobile};
use crate::exchange::Call;
use crate::ids;

/// Request of a send.
#[derive(Debug)]
pub(super) struct SendBody {
    pub(super) phone: String,
    /// `None` if the vendor generates the code.
    pub(super) code: Option<String>,
    pub(super) template: Option<String>,
    pub(super) app_name: String,
    pub(super) expiry: Option<String>,
    pub(super) idempotency_key: Option<String>,
}

/// Returns the body as an object. The framework reads a body of another content type as empty.
pub(super) fn object(call: &Call) -> Result<Value, Problem> {
    if call.body.is_empty() || !call.is_json() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    call.object().ok_or_else(|| Problem::Validation(vec!["Request body is not valid JSON"]))
}

/// Reads a string, or a number as the framework converts it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl SendBody {
    pub(super) fn read(call: &Call, dialect: Dialect) -> Result<Self, Problem> {
        let body = object(call)?;
        let phone = body["phoneNumber"].as_str().unwrap_or_default().to_owned();
        let mut wrong = Vec::new();
        match dialect {
            Dialect::Live if !is_indian_mobile(&phone) => {
                wrong.push("Phone number must be a valid Indian mobile in +91 format");
            }
            Dialect::Live => {}
            _ if !is_e164(&phone) => wrong.push("Invalid phone number"),
            _ => {}
        }
        let template = first(&body, &["templateId"]).map(|id| text(id).unwrap_or_default());
        // The documents require a DLT template id here, the server the UUID of a template.
        if dialect == Dialect::Live && template.as_ref().is_some_and(|id| !ids::is_uuid(id)) {
            wrong.push("templateId must be a UUID");
        }
        let idempotency_key = body["idempotencyKey"].as_str().map(str::to_owned);
        let variables = &body["variables"];
        let code = match dialect {
            Dialect::Tutorial => None,
            Dialect::February => {
                if idempotency_key.as_ref().is_none_or(String::is_empty) {
                    wrong.push("idempotencyKey is required");
                }
                body["otp"].as_str().filter(|code| is_digits(code, 4..=8)).map(str::to_owned)
            }
            Dialect::Live | Dialect::Docs => {
                text(&variables["otp"]).filter(|code| is_digits(code, 4..=6))
            }
        };
        match (dialect, &code) {
            (Dialect::February, None) => wrong.push("otp must be a 4-8 digit numeric string"),
            (Dialect::Live | Dialect::Docs, None) => match variables.as_object() {
                None => wrong.extend([
                    "variables must be an object",
                    "variables must be a non-empty object",
                ]),
                Some(map) if map.is_empty() => wrong.push("variables must be a non-empty object"),
                Some(_) => wrong.push("variables.OTP must be a 4-6 digit numeric string"),
            },
            _ => {}
        }
        if !wrong.is_empty() {
            return Err(Problem::Validation(wrong));
        }
        Ok(Self {
            phone,
            code,
            template,
            app_name: text(&variables["appName"]).unwrap_or_default(),
            expiry: text(&variables["expiry"]),
            idempotency_key,
        })
    }
}
