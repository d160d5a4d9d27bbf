//! Prints the addresses, then the messages and the vendors' faults as they change.

use std::io;

use otpmux::Recipient;
use otpmux_emulator::{Emulator, Fault, FaultPreset, Message, Vendor};
use serde_json::json;

use super::home::Home;
use crate::output::Output;

/// Prints the addresses, and the first two calls.
pub(super) fn print_start(
    gateway: &str,
    emulator: &Emulator,
    api_key: &str,
    home: &Home,
    output: &mut Output,
) -> io::Result<()> {
    let handset = emulator.handset_url();
    let store = home.path.join("otpmux.db");
    if output.is_json() {
        return output.json(&json!({
            "gateway": gateway, "handset": handset, "api_key": api_key, "store": store,
            "twilio_verify_base_url": format!("{gateway}/twilio"),
            "vonage_verify_api_host": format!("{gateway}/vonage"),
        }));
    }
    let stays = if home.kept { "the store and the keys stay" } else { "nothing stays" };
    output.line(format_args!(
        r#"For development: the vendors are emulated, no message leaves this machine, and {stays} when it ends.

  gateway  {gateway}  (its API: {gateway}/docs)
  handset  {handset}  (shows what arrives; breaks vendors)
  store    {store}

Software that speaks to Twilio Verify or Vonage Verify works here, with this base URL, any account, and
OTPMUX_API_KEY as its secret:

  TWILIO_VERIFY_BASE_URL={gateway}/twilio
  VONAGE_VERIFY_API_HOST={gateway}/vonage

In another terminal, send a code and verify it:

  export OTPMUX_URL={gateway}
  export OTPMUX_API_KEY={api_key}

  curl -sS $OTPMUX_URL/v1/verifications -H "Authorization: Bearer $OTPMUX_API_KEY" \
    -H 'Content-Type: application/json' -d '{{"to": "+919876543210"}}'

  curl -sS $OTPMUX_URL/v1/verifications/ID/verify -H "Authorization: Bearer $OTPMUX_API_KEY" \
    -H 'Content-Type: application/json' -d '{{"code": "CODE"}}'

ID is in the answer of the first; CODE arrives here:
"#,
        store = store.display(),
    ))
}

/// Prints every message, and every change of a vendor's fault, from now on. Never returns.
pub(super) async fn print_events(emulator: &Emulator, output: &mut Output) {
    let (mut arrivals, mut faults) = (emulator.arrivals(), emulator.fault_changes());
    loop {
        let printed = tokio::select! {
            message = arrivals.next() => if output.is_json() {
                output.json(&json!({ "message": message }))
            } else {
                output.line(line(&message))
            },
            (vendor, fault) = faults.next() => if output.is_json() {
                output.json(&json!({ "vendor": vendor, "fault": fault }))
            } else {
                output.line(state(vendor, fault.as_ref()))
            },
        };
        // The gateway goes on if the reader of standard output has closed it.
        if printed.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn state(vendor: Vendor, fault: Option<&Fault>) -> String {
    match (fault, fault.and_then(FaultPreset::of)) {
        (None, _) => format!("  {vendor} works"),
        (_, Some(preset)) => format!("  {vendor}: {}", preset.meaning()),
        (Some(_), None) => {
            format!("  {vendor} has another fault; see its switch on the handset")
        }
    }
}

fn line(message: &Message) -> String {
    let to = message.to.parse::<Recipient>().map_or_else(|_| "•••".to_owned(), |to| to.masked());
    let Message { vendor, channel, code, .. } = message;
    format!("  {channel} to {to} by {vendor}: {code}")
}
