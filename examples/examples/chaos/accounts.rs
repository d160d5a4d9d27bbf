//! The three vendors of the run: their accounts at the emulator, and the providers in front of
//! them. Only this file depends on the choice of vendors.

use std::sync::Arc;
use std::time::Duration;

use otpmux::http::BaseUrl;
use otpmux::provider::ProviderId;
use otpmux::vendors::airtexts::{AirTexts, AirTextsConfig, Credentials};
use otpmux::vendors::easyotp::{EasyOtp, EasyOtpConfig};
use otpmux::vendors::startmessaging::{StartMessaging, StartMessagingConfig};
use otpmux::{OtpProvider, Secret};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};

use crate::Mistake;
use crate::wire::Place;

/// In the order of preference: the last one accepts only codes that it generates.
pub(crate) const VENDORS: [Vendor; 3] = [Vendor::EasyOtp, Vendor::StartMessaging, Vendor::AirTexts];

/// More than any run uses.
const PLENTY: u64 = 1 << 40;

/// Returns whether the vendor sends only codes that it generates.
pub(crate) fn generates_codes(vendor: Vendor) -> bool {
    vendor == VENDORS[2]
}

/// Returns an emulator's configuration in which no account ever reaches a limit.
pub(crate) fn without_limits() -> EmulatorConfig {
    EmulatorConfig::default()
        .with_easyotp(|account| {
            (account.enforce_limits, account.credits) = (false, PLENTY);
        })
        .with_startmessaging(|account| {
            (account.enforce_limits, account.balance_paise) = (false, PLENTY);
        })
        .with_airtexts(|account| {
            (account.enforce_limits, account.balance) = (false, PLENTY);
        })
}

/// Returns what [`provider`] needs besides the address.
pub(crate) fn credentials(vendor: Vendor, emulator: &Emulator) -> Vec<String> {
    match vendor {
        Vendor::EasyOtp => vec![emulator.easyotp().api_key],
        Vendor::StartMessaging => {
            let account = emulator.startmessaging();
            let template = account.templates.into_iter().next().unwrap_or_default();
            vec![account.api_key, template.id]
        }
        _ => {
            let account = emulator.airtexts();
            vec![account.api_key, account.api_secret, account.appid]
        }
    }
}

/// Returns a provider whose messages contain the name of this process.
pub(crate) fn provider(
    place: &Place,
    name: &str,
    timeout: Duration,
) -> Result<Arc<dyn OtpProvider>, Mistake> {
    let id = ProviderId::new(&*place.vendor)?;
    let url: BaseUrl = place.url.parse()?;
    match (&*place.vendor, &*place.credentials) {
        ("easyotp", [key]) => {
            let mut config = EasyOtpConfig::new(url, Secret::new(&**key));
            config.http = config.http.with_timeout(timeout);
            config.message = Some(format!("{name} {{code}}"));
            Ok(Arc::new(EasyOtp::new(id, config)?))
        }
        ("startmessaging", [key, template]) => {
            let mut config = StartMessagingConfig::new(url, Secret::new(&**key));
            config.http = config.http.with_timeout(timeout);
            config.template_id = Some(template.clone());
            config.app_name = Some(name.to_owned());
            Ok(Arc::new(StartMessaging::new(id, config)?))
        }
        ("airtexts", [key, secret, appid]) => {
            let (key, secret) = (Secret::new(&**key), Secret::new(&**secret));
            let credentials = Credentials::KeyPair { key, secret };
            let mut config = AirTextsConfig::new(url, appid, credentials);
            config.http = config.http.with_timeout(timeout);
            config.from = Some(name.to_owned());
            Ok(Arc::new(AirTexts::new(id, config)?))
        }
        _ => Err("no adapter for this vendor".into()),
    }
}
