//! Receipts by the rules of a definition.

mod read;
mod verify;

use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Blame, Certainty, Correlation, Error, ErrorKind, ProviderId, ReceiptAnswer, ReceiptRequest,
    ReceiptTrust, Receipts, Secret,
};
use otpmux_http::signature::{ReceiptSecrets, SignatureError, same};
use otpmux_http::{ReceiptMode, ReceiptSettings};

use crate::definition::{Challenge, Definition, ReceiptRules};
use crate::plan::Given;
use crate::var::Slot;
use read::Parsed;
use verify::Verifier;

/// Checks and reads what one vendor reports to one provider.
pub(crate) struct ReceiptReader {
    rules: ReceiptRules,
    proof: Proof,
    /// The vendor returns the token of each message.
    has_tokens: bool,
    /// The values that the vendor must know when it checks the URL.
    verify_token: Option<Secret>,
}

/// The requirements on a receipt.
enum Proof {
    Signed(Verifier),
    /// A signature that does not cover everything, or a password.
    Weak(Verifier),
    /// A secret in the URL; without one, the token of each message must be there.
    InUrl(Option<ReceiptSecrets>),
}

impl ReceiptReader {
    /// Returns the reader of a provider; `None` if its receipts are off.
    ///
    /// # Errors
    ///
    /// A setting is missing or invalid, or the vendor does not offer what the settings ask for.
    pub(crate) fn new(
        definition: &Definition,
        settings: &ReceiptSettings,
        verify_token: Option<Secret>,
        given: &Given,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(rules) = &definition.receipts else { return Ok(None) };
        settings.check_offered(rules.signed)?;
        let key = rules.signature.as_ref().and_then(|signature| signature.key.as_deref());
        let credential = key.and_then(|name| given.secret(name));
        let token = |slot: &Slot| matches!(slot, Slot::ReceiptUrl | Slot::Token);
        let has_tokens = definition.uses_slot(&token);
        let proof = match settings.receipts {
            ReceiptMode::Signed => {
                let signature = rules.signature.as_ref().ok_or_else(|| {
                    ConfigError::new("receipts", "this vendor does not sign receipts")
                })?;
                Proof::Signed(Verifier::new(&signature.scheme, settings, credential)?)
            }
            ReceiptMode::SecretInUrl => {
                let secrets = match credential {
                    Some(key) => Some(ReceiptSecrets::new(key.clone())),
                    // The token of a message proves itself.
                    None if has_tokens && settings.receipt_secret.is_none() => None,
                    None => settings.secrets(None)?,
                };
                let signature = rules.signature.as_ref().zip(secrets.clone());
                let signature = signature.and_then(|(signature, secrets)| {
                    Verifier::with_key(&signature.scheme, secrets)
                });
                signature.transpose()?.map_or(Proof::InUrl(secrets), Proof::Weak)
            }
            _ => return Ok(None),
        };
        if rules.challenge.is_some() && verify_token.is_none() {
            let message = "missing; the vendor checks the address with it when receipts are set up";
            return Err(ConfigError::new("receipt_verify_token", message));
        }
        Ok(Some(Self { rules: rules.clone(), proof, has_tokens, verify_token }))
    }

    /// Returns how far its receipts can be trusted.
    pub(crate) fn trust(&self) -> ReceiptTrust {
        match self.proof {
            Proof::Signed(_) => ReceiptTrust::Signed,
            Proof::Weak(_) | Proof::InUrl(_) => ReceiptTrust::SecretInUrl,
        }
    }

    /// Returns whether its receipts name messages by the vendor's reference alone.
    pub(crate) fn needs_references(&self) -> bool {
        self.rules.reference.is_some() && !self.has_tokens
    }

    /// Checks that a request is the vendor's, and reads it.
    pub(crate) fn read(
        &self,
        id: &ProviderId,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        if let Some(challenge) = &self.rules.challenge
            && request.method == "GET"
        {
            return self.challenge(challenge, request).map_err(|error| error.at(id));
        }
        let parsed = Parsed::new(self.rules.body, request);
        let authentic = match &self.proof {
            Proof::Signed(verifier) | Proof::Weak(verifier) => {
                verifier.check(request, parsed.as_ref())
            }
            Proof::InUrl(secrets) => self.check_url(request, secrets.as_ref()),
        };
        authentic.map_err(|error| error.at(id))?;
        let proven = self.proves_all(request);
        // Without a secret in the URL, only the token of a message shows that it is no forgery.
        let unsigned = !proven && matches!(self.proof, Proof::InUrl(_));
        let Some(parsed) = parsed else {
            if unsigned {
                return Err(SignatureError::Missing.at(id));
            }
            return Err(Error::new(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider)
                .with_provider(id.clone())
                .with_detail("the receipt is not in the documented form"));
        };
        if unsigned && !parsed.has_token(&self.rules, request) {
            return Err(SignatureError::Missing.at(id));
        }
        let mut read = parsed.receipts(&self.rules, request);
        if !proven {
            // The token of a message proves itself; a reference proves nothing.
            read.retain(|receipt| matches!(receipt.correlation, Correlation::Token(_)));
        }
        let mut receipts = Receipts::new(read);
        if let Some(text) = &self.rules.answer {
            receipts.answer = ReceiptAnswer::Text(text.clone());
        }
        Ok(receipts)
    }

    /// Checks the secret in the URL. Without one, only receipts with the token of their message are
    /// read.
    fn check_url(
        &self,
        request: &ReceiptRequest<'_>,
        secrets: Option<&ReceiptSecrets>,
    ) -> Result<(), SignatureError> {
        match (request.query("secret"), secrets) {
            (Some(given), Some(secrets)) => secrets.check_text(&given),
            (Some(_), None) => Err(SignatureError::Mismatch),
            (None, _) if self.has_tokens => Ok(()),
            (None, _) => Err(SignatureError::Missing),
        }
    }

    /// Returns whether a request that passed the check proves everything in it.
    fn proves_all(&self, request: &ReceiptRequest<'_>) -> bool {
        match &self.proof {
            Proof::Signed(_) => true,
            // A password comes with the whole request; a signature that does not cover the body
            // may have come with another one.
            Proof::Weak(verifier) => matches!(verifier, Verifier::Basic(_)),
            Proof::InUrl(_) => request.query("secret").is_some(),
        }
    }

    fn challenge(
        &self,
        challenge: &Challenge,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, SignatureError> {
        let asked = request.query(&challenge.when).is_some_and(|word| word == challenge.is);
        let given = request.query(&challenge.secret).filter(|_| asked);
        let given = given.ok_or(SignatureError::Missing)?;
        let expected = self.verify_token.as_ref().ok_or(SignatureError::Mismatch)?;
        if !same(expected.expose().as_bytes(), given.as_bytes()) {
            return Err(SignatureError::Mismatch);
        }
        let answer = request.query(&challenge.answer).ok_or(SignatureError::Missing)?;
        // The answer repeats what a caller sent, so it must not be able to be a page.
        let plain = answer.len() <= 256 && answer.bytes().all(|b| b.is_ascii_alphanumeric());
        if plain { Ok(Receipts::answering(answer)) } else { Err(SignatureError::Unreadable) }
    }
}
