//! Changes of a valid receipt that must not pass, for every golden receipt of every vendor.

use std::time::SystemTime;

use otpmux_core::{
    Blame, Certainty, Context, Correlation, Error, ErrorKind, OtpProvider, ReceiptRequest,
    ReceiptTrust, Receipts,
};

use super::call::Received;

/// How many bodies of random bytes each receipt is replaced by.
const RANDOM: u32 = 300;

/// Checks a request that the adapter has taken, with the receipts that it read.
///
/// # Errors
///
/// A repeat is read in another way; or the request passes without its signature or secret, or with
/// another content; or an error does not say that it is a forgery.
pub(super) async fn check(
    provider: &dyn OtpProvider,
    cx: &Context,
    request: &Received,
    taken: &Receipts,
) -> Result<(), String> {
    let read = async |request: &Received| request.read(provider, cx).await;
    match read(request).await {
        Ok(again) if again == *taken => {}
        other => return Err(format!("a repeat is read in another way: {other:?}")),
    }
    if taken.receipts.is_empty() {
        return Ok(());
    }
    let bare = Received {
        headers: Vec::new(),
        url: request.url.split('?').next().unwrap_or_default().to_owned(),
        ..request.clone()
    };
    let signed = provider.capabilities().receipts == Some(ReceiptTrust::Signed);
    match read(&bare).await {
        // A token in the body is a secret as well: only the vendor of that message knows it.
        Ok(read) if !signed && read.receipts.iter().all(|one| has_token(&one.correlation)) => {}
        other => refused(other).map_err(|it| format!("without signature and secret: {it}"))?,
    }
    for (change, body) in bodies(&request.body, signed) {
        let changed = Received { body, ..request.clone() };
        match read(&changed).await {
            // Nothing is reported, or nothing else: a part that the vendor does not sign says
            // nothing.
            Ok(read) if read.receipts.is_empty() || (signed && read == *taken) => {}
            // Without a signature, the secret is all that is checked.
            Ok(_) if !signed => {}
            Ok(read) => return Err(format!("with {change}: {read:?}")),
            Err(error) => of_caller(&error).map_err(|it| format!("with {change}: {it}"))?,
        }
    }
    Ok(())
}

/// Returns whether a receipt names its message by a text with the form of the engine's tokens.
fn has_token(correlation: &Correlation) -> bool {
    let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    matches!(correlation, Correlation::Token(token) if token.len() == 39 && token.bytes().all(part))
}

/// Expects the error of a forgery.
fn refused(result: Result<Receipts, Error>) -> Result<(), String> {
    let error = match result {
        Ok(receipts) => return Err(format!("taken: {receipts:?}")),
        Err(error) => error,
    };
    let facts = (error.kind(), error.certainty(), error.blame());
    if facts == (ErrorKind::Unauthenticated, Certainty::NotSent, Blame::Caller) {
        return Ok(());
    }
    Err(format!("{facts:?} instead of unauthenticated, not sent, blamed on the caller"))
}

fn of_caller(error: &Error) -> Result<(), String> {
    match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::Protocol => Ok(()),
        kind => Err(format!("{kind:?} is neither a forgery nor unreadable")),
    }
}

/// Other bodies, each with what is different.
fn bodies(body: &[u8], signed: bool) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    if signed {
        for place in 0..body.len() {
            let mut changed = body.to_vec();
            // Another digit or letter where there is one: most stay readable.
            changed[place] ^= 1;
            all.push((format!("another byte at {place}"), changed));
        }
        all.push(("one more byte".to_owned(), [body, b" "].concat()));
    }
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..RANDOM {
        let length = if number == 0 { 0 } else { body.len() };
        let random = (0..length).map(|_| {
            // xorshift64
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice.to_le_bytes()[3]
        });
        all.push((format!("random bytes {number}"), random.collect()));
    }
    all
}

impl Received {
    /// Has the adapter read it.
    pub(super) async fn read(
        &self,
        provider: &dyn OtpProvider,
        cx: &Context,
    ) -> Result<Receipts, Error> {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let (url, at): (&str, SystemTime) = (&self.url, self.at);
        let request =
            ReceiptRequest { method: &self.method, url, headers: &headers, body: &self.body, at };
        provider.receipts(cx, &request).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use otpmux_core::{Capabilities, Channel, Delivery, IdempotencyKey, Receipt};

    use super::*;
    use crate::{ScriptedProvider, VendorsRequest};

    /// A made-up signature: the sum of the bytes.
    fn sum(body: &[u8]) -> String {
        body.iter().fold(7_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(*byte)).to_string()
    }

    /// An adapter whose check of the signature is `check`.
    fn adapter(trust: ReceiptTrust, check: fn(&VendorsRequest) -> bool) -> Arc<ScriptedProvider> {
        let mut capabilities = Capabilities::new([Channel::Sms]);
        capabilities.receipts = Some(trust);
        let provider = Arc::new(ScriptedProvider::new("p", capabilities));
        provider.receipts.always(move |_, request| {
            if !check(request) {
                let kind = ErrorKind::Unauthenticated;
                return Err(Error::new(kind, Certainty::NotSent, Blame::Caller));
            }
            let token = String::from_utf8_lossy(&request.body).into_owned();
            Ok(Receipts::new([Receipt::new(Correlation::Token(token), Delivery::Failed)]))
        });
        provider
    }

    async fn verdict(provider: &ScriptedProvider) -> Result<(), String> {
        let cx = Context::new(IdempotencyKey::from_random([0; 16]));
        let body = b"token-1".to_vec();
        let request = Received {
            method: "POST".to_owned(),
            url: "https://otp.example.com/v1/receipts/p?secret=s".to_owned(),
            headers: vec![("x-signature".to_owned(), sum(&body))],
            body,
            at: SystemTime::UNIX_EPOCH,
        };
        let taken = request.read(provider, &cx).await.map_err(|error| error.to_string())?;
        check(provider, &cx, &request, &taken).await
    }

    #[tokio::test]
    async fn an_honest_adapter_passes_and_each_other_does_not() {
        let signature = |request: &VendorsRequest| {
            request.headers.iter().any(|(_, value)| *value == sum(&request.body).into_bytes())
        };
        let secret = |request: &VendorsRequest| request.url.ends_with("?secret=s");
        let present = |request: &VendorsRequest| !request.headers.is_empty();
        let (signed, in_url) = (ReceiptTrust::Signed, ReceiptTrust::SecretInUrl);
        assert_eq!(verdict(&adapter(signed, signature)).await, Ok(()));
        assert_eq!(verdict(&adapter(in_url, secret)).await, Ok(()));
        let error = verdict(&adapter(signed, |_| true)).await.unwrap_err();
        assert!(error.starts_with("without signature and secret: taken"), "{error}");
        let error = verdict(&adapter(in_url, |_| true)).await.unwrap_err();
        assert!(error.starts_with("without signature and secret: taken"), "{error}");
        let error = verdict(&adapter(signed, present)).await.unwrap_err();
        assert!(error.starts_with("with another byte at 0: "), "{error}");
    }
}
