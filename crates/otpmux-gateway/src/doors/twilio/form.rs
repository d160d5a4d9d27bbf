use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use url::form_urlencoded;

use super::Settings;
use super::failure::Failure;
use crate::body::{self, Unread};

/// The size limit of a body, above the size of any valid one.
const LARGEST: usize = 16 * 1024;
/// The most characters of a value that is used.
const LONGEST: usize = 1_000;

/// Parameters of Twilio's API that the door takes and does nothing with. Their order decides
/// nothing; there are fewer than 32.
const IGNORED: [&str; 9] = [
    "SendDigits",
    "AppHash",
    "RateLimits",
    "RiskCheck",
    "Tags",
    "EnableSnaClientToken",
    "SnaClientToken",
    "ChannelConfiguration",
    "TemplateCustomSubstitutions",
];

/// The parameters of a request that are not read yet.
pub(super) struct Form(Vec<(String, String)>);

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Failure::not_a_form());
        }
        let bytes = body::read(body, LARGEST).await.map_err(|unread| match unread {
            Unread::TooLarge => Failure::too_large(LARGEST),
            Unread::TooSlow => Failure::too_slow(),
            Unread::Cut => Failure::invalid("the body", "ended before its end"),
        })?;
        Ok(Self(form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

impl Form {
    /// Takes a parameter out; an empty one counts as absent.
    ///
    /// # Errors
    ///
    /// It occurs twice, is too long, is not UTF-8, or holds a control character.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<String>, Failure> {
        let mut found = self.0.extract_if(.., |(other, _)| other == name);
        let (first, another) = (found.next(), found.next().is_some());
        found.for_each(drop);
        if another {
            return Err(Failure::invalid(name, "occurs twice"));
        }
        let Some((_, value)) = first.filter(|(_, value)| !value.is_empty()) else {
            return Ok(None);
        };
        // Bytes that are not UTF-8 were replaced by this character.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Failure::invalid(name, "is not UTF-8"));
        }
        let control = |c: char| c.is_control() && c != '\n';
        if value.chars().count() > LONGEST || value.chars().any(control) {
            return Err(Failure::invalid(
                name,
                "must be at most 1000 characters, and none of them a control character",
            ));
        }
        Ok(Some(value))
    }

    /// Takes a parameter out that must be there.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take); or it is missing.
    pub(super) fn required(&mut self, name: &'static str) -> Result<String, Failure> {
        self.take(name)?.ok_or_else(|| Failure::missing(name))
    }

    /// Refuses a parameter that would change what a code proves.
    ///
    /// # Errors
    ///
    /// The parameter is there.
    pub(super) fn refuse(&mut self, name: &'static str, why: &'static str) -> Result<(), Failure> {
        match self.take(name)? {
            Some(_) => Err(Failure::invalid(name, why)),
            None => Ok(()),
        }
    }

    /// Logs the parameters that are left, each name once per configuration.
    pub(super) fn ignore_others(self, door: &Settings) {
        for (name, _) in &self.0 {
            let place = IGNORED.iter().position(|known| known == name);
            // An unknown name may be anything.
            let shown = place.map_or("another one", |place| IGNORED[place]);
            if door.is_first(place.unwrap_or(IGNORED.len())) {
                tracing::warn!(parameter = shown, "the door for Twilio Verify ignores a parameter");
            }
        }
    }
}
