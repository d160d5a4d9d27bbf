//! Infobip's JSON, as its OpenAPI document describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of `POST /2fa/2/pin`, `/2fa/2/pin/voice` and `/2fa/2/pin/email`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Send<'a> {
    pub application_id: &'a str,
    pub message_id: &'a str,
    /// SMS and voice only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
    /// Digits with the country code and no `+`, or an address.
    pub to: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<&'a str, &'a str>,
    /// SMS and voice only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub track_delivery: bool,
}

/// Body of the three resends.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resend {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub track_delivery: bool,
}

/// Body of `POST /2fa/2/pin/{id}/verify`.
#[derive(Serialize)]
pub(crate) struct Verify<'a> {
    pub pin: &'a str,
}

/// The answer to a send and a resend. Fields without a use may have any type: an unexpected one
/// must not make a success unknown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendAnswer {
    pub pin_id: Option<String>,
    /// The number look-up before an SMS.
    pub nc_status: Option<Value>,
    pub sms_status: Option<Value>,
    pub call_status: Option<Value>,
    pub email_status: Option<Value>,
    /// The id of the message in delivery reports.
    pub external_message_id: Option<Value>,
}

/// The answer to a verify.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyAnswer {
    pub verified: Option<bool>,
    pub attempts_remaining: Option<Value>,
    pub pin_error: Option<Value>,
}

/// The body of an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorAnswer {
    pub request_error: RequestError,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestError {
    pub service_exception: ServiceException,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceException {
    pub message_id: Option<Value>,
    pub text: Option<Value>,
    pub validation_errors: Option<Value>,
}

/// The answer to `GET /account/1/balance`.
#[derive(Deserialize)]
pub(crate) struct BalanceAnswer {
    pub balance: serde_json::Number,
    pub currency: Option<String>,
}
