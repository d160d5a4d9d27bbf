use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::{HttpConfig, HttpSettings, check_credential};

use crate::Acme;
use crate::provider::capabilities;

/// The vendor's documented address.
const BASE_URL: &str = "https://api.acme.example/v1";

otpmux_core::settings! {
    /// The settings of one account at Acme; [`Acme::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct AcmeBuilder {
        /// The key from the Acme dashboard.
        pub api_key: Option<Secret> = None, secret().required(), example "env:ACME_API_KEY";
        /// The sender's name. Absent: Acme's own.
        pub sender: Option<String> = None, text(), example "Example";
        groups {
            /// How to reach Acme.
            pub http: HttpSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = AcmeBuilder::ADAPTER;

impl AcmeBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<Acme, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn key(&self) -> Result<Secret, ConfigError> {
        let key = required("api_key", &self.api_key)?;
        check_credential(&key).map_err(|message| ConfigError::new("api_key", message))?;
        Ok(key)
    }

    pub(crate) fn transport(&self) -> Result<HttpConfig, ConfigError> {
        self.http.config(BASE_URL)
    }
}

impl VendorSettings for AcmeBuilder {
    const KIND: &'static str = "acme";
    type Provider = Acme;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.key()?;
        self.transport()?;
        Ok(capabilities())
    }

    fn provider(&self, id: ProviderId) -> Result<Acme, ConfigError> {
        Acme::new(id, self)
    }
}
