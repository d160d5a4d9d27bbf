//! The calls of a flow as clients of Twilio Verify make them.

use std::io::Result;

use serde::Deserialize;

use crate::flow::{closed, unexpected};
use crate::wire::Peer;

/// The end of every request's head. The credentials are `AC` and the API key of the load.
const HEAD: &[u8] =
    b" HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\
    authorization: Basic QUM6bG9hZC10ZXN0LWtleS1vZi1zb21lLWZvcnR5LWNoYXJhY3RlcnMtMDA=\r\n";

const SERVICE: &[u8] = b"POST /twilio/v2/Services/VA00000000000000000000000000000000/";

#[derive(Deserialize)]
struct Answer<'a> {
    sid: &'a str,
    status: &'a str,
}

pub(crate) async fn send(client: &mut Peer, number: u64) -> Result<String> {
    let number = number.to_string();
    let body = [&b"To=%2B"[..], number.as_bytes(), b"&Channel=sms"];
    client.send(&[SERVICE, b"Verifications", HEAD], &body).await?;
    let answer = client.receive().await?.ok_or_else(closed)?;
    match serde_json::from_slice::<Answer<'_>>(answer.body) {
        Ok(sent) if answer.status == 201 && sent.status == "pending" => Ok(sent.sid.to_owned()),
        _ => Err(unexpected("create", answer.status, answer.body)),
    }
}

pub(crate) async fn verify(client: &mut Peer, number: u64, code: &str) -> Result<()> {
    let number = number.to_string();
    let body = [&b"To=%2B"[..], number.as_bytes(), b"&Code=", code.as_bytes()];
    client.send(&[SERVICE, b"VerificationCheck", HEAD], &body).await?;
    let answer = client.receive().await?.ok_or_else(closed)?;
    match serde_json::from_slice::<Answer<'_>>(answer.body) {
        Ok(it) if answer.status == 201 && it.status == "approved" => Ok(()),
        _ => Err(unexpected("check", answer.status, answer.body)),
    }
}
