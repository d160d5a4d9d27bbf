//! Signatures of receipts.

use std::borrow::Cow;
use std::time::Duration;

use otpmux_core::settings::ConfigError;
use otpmux_core::{ReceiptRequest, Secret};
use otpmux_http::ReceiptSettings;
use otpmux_http::signature::{
    self, DEFAULT_WINDOW, Digest, Encoding, PublicKeys, ReceiptSecrets, SignatureError,
    StandardWebhook, check_fresh, check_jwt_hs256, check_standard_webhook, digest, hmac, same,
    sorted_fields, url_forms,
};
use zeroize::Zeroizing;

use super::read::Parsed;
use crate::definition::{Over, ReceiptVar, RequestPlace, Scheme};
use crate::plan::decode_key;
use crate::template::Piece;

/// A signature, with its keys.
pub(super) enum Verifier {
    Hmac { digest: Digest, keys: Vec<Zeroizing<Vec<u8>>>, over: Over },
    StandardWebhooks { secrets: ReceiptSecrets, prefix: String },
    Twilio(ReceiptSecrets),
    Jwt(ReceiptSecrets),
    PublicKey { keys: PublicKeys, over: Over },
    Basic(ReceiptSecrets),
}

impl Verifier {
    /// Returns the verifier of a provider whose receipts must be signed. `credential` signs if there
    /// is no secret for receipts.
    pub(super) fn new(
        scheme: &Scheme,
        settings: &ReceiptSettings,
        credential: Option<&Secret>,
    ) -> Result<Self, ConfigError> {
        let public = match scheme {
            Scheme::Ed25519(over) => Some((signature::Scheme::Ed25519, over)),
            Scheme::EcdsaP256(over) => Some((signature::Scheme::EcdsaP256Sha256, over)),
            _ => None,
        };
        let missing = || ConfigError::new("receipt_secret", "missing; `receipts` needs it");
        if let Some((kind, over)) = public {
            let keys = settings.public_keys(kind)?.ok_or_else(missing)?;
            return Ok(Self::PublicKey { keys, over: over.clone() });
        }
        let secrets = settings.secrets(credential)?.ok_or_else(missing)?;
        Self::with_key(scheme, secrets).unwrap_or_else(|| Err(missing()))
    }

    /// Returns the verifier with these secrets; `None` for a scheme with public keys.
    pub(super) fn with_key(
        scheme: &Scheme,
        secrets: ReceiptSecrets,
    ) -> Option<Result<Self, ConfigError>> {
        Some(Ok(match scheme {
            Scheme::Hmac { digest, key_encoding, over } => {
                let keys: Option<_> =
                    secrets.iter().map(|secret| decode_key(*key_encoding, secret)).collect();
                let Some(keys) = keys else {
                    let message = "does not have the form of this vendor's keys";
                    return Some(Err(ConfigError::new("receipt_secret", message)));
                };
                Self::Hmac { digest: *digest, keys, over: over.clone() }
            }
            Scheme::StandardWebhooks { prefix } => {
                Self::StandardWebhooks { secrets, prefix: prefix.clone() }
            }
            Scheme::Twilio => Self::Twilio(secrets),
            Scheme::JwtHs256 => Self::Jwt(secrets),
            Scheme::Basic => Self::Basic(secrets),
            Scheme::Ed25519(_) | Scheme::EcdsaP256(_) => return None,
        }))
    }

    /// Checks the signature of a request.
    pub(super) fn check(
        &self,
        request: &ReceiptRequest<'_>,
        parsed: Option<&Parsed>,
    ) -> Result<(), SignatureError> {
        match self {
            Self::Hmac { digest, keys, over } => {
                let (content, given) = over.signed(request, parsed)?;
                let given = over.encoding.decode(&given).ok_or(SignatureError::Unreadable)?;
                let parts = [content.as_slice()];
                let fits = |key: &Zeroizing<Vec<u8>>| same(&hmac(*digest, key, &parts), &given);
                // Each key is tried, so that the time does not show which one it is.
                let found = keys.iter().fold(false, |found, key| found | fits(key));
                if !found {
                    return Err(SignatureError::Mismatch);
                }
                over.check_time(request, parsed)
            }
            Self::PublicKey { keys, over } => {
                let (content, given) = over.signed(request, parsed)?;
                keys.check(over.encoding, &[&content], &given)?;
                over.check_time(request, parsed)
            }
            Self::StandardWebhooks { secrets, prefix } => {
                let header = |name: &str| request.header(&format!("{prefix}{name}"));
                let headers = StandardWebhook {
                    id: header("id"),
                    timestamp: header("timestamp"),
                    signature: header("signature"),
                };
                check_standard_webhook(secrets, headers, request.body, request.at)
            }
            Self::Twilio(secrets) => check_twilio(secrets, request),
            Self::Jwt(secrets) => check_jwt(secrets, request),
            Self::Basic(secrets) => {
                let header = request.header("authorization").ok_or(SignatureError::Missing)?;
                let given = header
                    .split_once(' ')
                    .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
                let (_, given) = given.ok_or(SignatureError::Unreadable)?;
                let given = Encoding::Base64.decode(given.trim());
                let given = given.ok_or(SignatureError::Unreadable)?;
                secrets.check(|secret| same(secret.expose().as_bytes(), &given))
            }
        }
    }
}

impl Over {
    /// Returns what is signed, and the signature.
    fn signed(
        &self,
        request: &ReceiptRequest<'_>,
        parsed: Option<&Parsed>,
    ) -> Result<(Vec<u8>, String), SignatureError> {
        let text = self.signature.find(request, parsed).ok_or(SignatureError::Missing)?;
        let text = text.strip_prefix(self.prefix.as_str()).ok_or(SignatureError::Unreadable)?;
        let given = text.trim().to_owned();
        let mut content = Vec::with_capacity(request.body.len() + 128);
        for piece in &self.content.pieces {
            match piece {
                Piece::Literal(text) => content.extend_from_slice(text.as_bytes()),
                Piece::Value(value, default) => {
                    let value = value.find(request, parsed);
                    let value = value.or(default.as_deref().map(|text| text.as_bytes().into()));
                    content.extend_from_slice(&value.ok_or(SignatureError::Missing)?);
                }
            }
        }
        Ok((content, given))
    }

    fn check_time(
        &self,
        request: &ReceiptRequest<'_>,
        parsed: Option<&Parsed>,
    ) -> Result<(), SignatureError> {
        let Some(place) = &self.timestamp else { return Ok(()) };
        let text = place.find(request, parsed).ok_or(SignatureError::Missing)?;
        check_fresh(&text, request.at, self.max_age.unwrap_or(Duration::from_mins(5)))
    }
}

impl RequestPlace {
    fn find<'r>(
        &self,
        request: &ReceiptRequest<'r>,
        parsed: Option<&Parsed>,
    ) -> Option<Cow<'r, str>> {
        match self {
            Self::Header(name) => request.header(name).map(Cow::Borrowed),
            Self::Query(name) => request.query(name),
            Self::Pointer(pointer) => Some(parsed?.word(pointer)?.into()),
        }
    }
}

impl ReceiptVar {
    fn find<'r>(
        &self,
        request: &ReceiptRequest<'r>,
        parsed: Option<&Parsed>,
    ) -> Option<Cow<'r, [u8]>> {
        let text = |text: Cow<'r, str>| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        Some(match self {
            Self::Body => request.body.into(),
            Self::Url => request.url.as_bytes().into(),
            Self::UrlBase => {
                request.url.split_once('?').map_or(request.url, |(base, _)| base).as_bytes().into()
            }
            Self::Method => request.method.as_bytes().into(),
            Self::BodySha256 => digest(Digest::Sha256, &[request.body]).into(),
            Self::BodySha256Hex => {
                Encoding::Hex.encode(&digest(Digest::Sha256, &[request.body])).into_bytes().into()
            }
            Self::At(place) => text(place.find(request, parsed)?),
            Self::Form(name) => text(parsed?.field(name)?.to_owned().into()),
        })
    }
}

/// Twilio: HMAC-SHA1 over the URL and the sorted fields of a form. A body of JSON is covered by its
/// hash, which is in the URL.
fn check_twilio(
    secrets: &ReceiptSecrets,
    request: &ReceiptRequest<'_>,
) -> Result<(), SignatureError> {
    let given = request.header("x-twilio-signature").ok_or(SignatureError::Missing)?;
    let given = Encoding::Base64.decode(given).ok_or(SignatureError::Unreadable)?;
    let fields = match request.query("bodySHA256") {
        Some(hash) => {
            let expected = Encoding::Hex.encode(&digest(Digest::Sha256, &[request.body]));
            if !same(expected.as_bytes(), hash.to_ascii_lowercase().as_bytes()) {
                return Err(SignatureError::Mismatch);
            }
            String::new()
        }
        None => sorted_fields(request.body),
    };
    let urls = url_forms(request.url);
    secrets.check(|secret| {
        urls.iter().fold(false, |found, url| {
            let parts = [url.as_bytes(), fields.as_bytes()];
            found | same(&hmac(Digest::Sha1, secret.expose().as_bytes(), &parts), &given)
        })
    })
}

/// Vonage: a JSON Web Token with the hash of the body.
fn check_jwt(secrets: &ReceiptSecrets, request: &ReceiptRequest<'_>) -> Result<(), SignatureError> {
    let token = request.header("authorization").ok_or(SignatureError::Missing)?;
    let claims = check_jwt_hs256(secrets, token, request.at, DEFAULT_WINDOW)?;
    let hash = claims.get("payload_hash").and_then(serde_json::Value::as_str);
    let hash = hash.ok_or(SignatureError::Missing)?.to_ascii_lowercase();
    let expected = Encoding::Hex.encode(&digest(Digest::Sha256, &[request.body]));
    if same(expected.as_bytes(), hash.as_bytes()) { Ok(()) } else { Err(SignatureError::Mismatch) }
}
