//! The route of `--escalate`.

use otpmux::admin::ProviderView;
use otpmux::config::ConfigErrors;
use otpmux::{Channel, Config, OtpClient};

use crate::emulated::Emulated;

/// Returns a route over all providers, with a call as its step.
///
/// A step goes to a provider that carries otpmux's codes by voice. Such a provider comes after those
/// that send texts only, so that a break of the first provider does not break the call too.
pub(super) fn route(emulated: &Emulated) -> Result<String, ConfigErrors> {
    let config = Config::from_toml(&emulated.providers, &emulated.environment)?;
    let mut providers = OtpClient::from_config(&config)?.providers();
    let preferred = |provider: &ProviderView| {
        emulated.names.iter().position(|name| *name == provider.id().as_str())
    };
    providers.sort_by_key(|provider| (place(provider), preferred(provider)));
    let names: Vec<_> = providers.iter().map(|provider| format!("\"{}\"", provider.id())).collect();
    Ok(format!(
        r#"
[[routes]]
providers = [{}]
escalate = [{{ after = "30s", channel = "voice" }}]
"#,
        names.join(", ")
    ))
}

fn place(provider: &ProviderView) -> u8 {
    let capabilities = provider.capabilities();
    let calls = capabilities.channels.contains(&Channel::Voice);
    match (capabilities.otpmux_codes.is_some(), calls) {
        (true, false) => 0,
        (true, true) => 1,
        (false, _) => 2,
    }
}
