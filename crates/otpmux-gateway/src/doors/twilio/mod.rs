//! The door for clients of Twilio Verify v2: one file per call.

mod channel;
mod check;
mod create;
mod failure;
mod fetch;
mod form;
mod services;
mod session;
mod sid;
mod update;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::routing::{get, post};
use otpmux::Purpose;
use otpmux::config::{ServerConfig, TwilioDoor};

use crate::app::App;
use failure::Failure;
use session::TwilioCaller;

/// The settings of the door.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The user name of clients.
    user: Option<Box<str>>,
    /// The services, with their purposes; if empty, every service has `purpose`.
    services: BTreeMap<String, Purpose>,
    purpose: Purpose,
    /// The address of the door as clients see it, without a slash at its end.
    url: Option<String>,
    /// The parameters that were ignored already, one bit each.
    ignored: AtomicU32,
}

impl Settings {
    pub(crate) fn new(door: &TwilioDoor, server: &ServerConfig) -> Self {
        // The purposes were checked when the configuration was read.
        let service = |(sid, purpose): (&String, &String)| {
            Some((sid.clone(), purpose.parse::<Purpose>().ok()?))
        };
        let public = server.public_url.as_deref();
        Self {
            user: door.account_sid.as_deref().map(Into::into),
            services: door.services.iter().filter_map(service).collect(),
            purpose: door.purpose.clone().unwrap_or_default(),
            url: public.map(|url| format!("{}{}", url.trim_end_matches('/'), door.path)),
            ignored: AtomicU32::new(0),
        }
    }

    fn takes_user(&self, user: &str) -> bool {
        self.user.as_deref().is_none_or(|known| known == user)
    }

    /// Returns the purpose of a service; `None` if there is no such service.
    fn purpose(&self, service: &str) -> Option<&Purpose> {
        if self.services.is_empty() {
            return sid::is(service, "VA").then_some(&self.purpose);
        }
        self.services.get(service)
    }

    /// Whether this is the first time that this parameter is ignored.
    fn is_first(&self, parameter: usize) -> bool {
        let bit = 1_u32.checked_shl(u32::try_from(parameter).unwrap_or(31)).unwrap_or(1 << 31);
        self.ignored.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }
}

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/v2/Services", post(services::create))
        .route("/v2/Services/{service}", get(services::fetch))
        .route("/v2/Services/{service}/Verifications", post(create::create))
        .route("/v2/Services/{service}/Verifications/{sid}", get(fetch::fetch).post(update::update))
        .route("/v2/Services/{service}/VerificationCheck", post(check::check))
        .method_not_allowed_fallback(|_: TwilioCaller| async { Failure::method_not_allowed() })
        .fallback(|_: TwilioCaller| async { Failure::not_found() })
}

/// Returns the path of a call below the door's path, for labels.
pub(super) fn label(path: &str) -> &'static str {
    let Some(rest) = path.strip_prefix("/v2/Services") else { return "/twilio/other" };
    let parts: Vec<_> = rest.split('/').skip(1).collect();
    match parts.as_slice() {
        _ if !rest.is_empty() && !rest.starts_with('/') => "/twilio/other",
        [] => "/twilio/v2/Services",
        [_] => "/twilio/v2/Services/{service}",
        [_, "Verifications"] => "/twilio/v2/Services/{service}/Verifications",
        [_, "Verifications", _] => "/twilio/v2/Services/{service}/Verifications/{sid}",
        [_, "VerificationCheck"] => "/twilio/v2/Services/{service}/VerificationCheck",
        _ => "/twilio/other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_no_sid() {
        for (path, end) in [
            ("/v2/Services", "v2/Services"),
            ("/v2/Services/VA1", "v2/Services/{service}"),
            ("/v2/Services/VA1/Verifications", "v2/Services/{service}/Verifications"),
            ("/v2/Services/VA1/Verifications/+1", "v2/Services/{service}/Verifications/{sid}"),
            ("/v2/Services/VA1/VerificationCheck", "v2/Services/{service}/VerificationCheck"),
            ("/v2/Services/VA1/Verifications/+1/x", "other"),
            ("/v2/Servicesx/VA1", "other"),
            ("", "other"),
        ] {
            assert_eq!(label(path), format!("/twilio/{end}"), "{path}");
        }
    }

    #[test]
    fn each_parameter_is_first_once() {
        let settings = Settings::new(&TwilioDoor::default(), &ServerConfig::default());
        for parameter in [0, 8, 9] {
            assert!(settings.is_first(parameter));
            assert!(!settings.is_first(parameter));
        }
    }
}
