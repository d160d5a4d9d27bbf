use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::signature::ReceiptSecrets;
use otpmux_http::{HttpConfig, HttpSettings, ReceiptSettings, check_credential};

use crate::Infobip2fa;
use crate::provider::capabilities;

otpmux_core::settings! {
    /// The settings of one 2FA application at Infobip; [`Infobip2fa::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct Infobip2faBuilder {
        /// An API key of the account, with the scope `2fa:pin:send` or `2fa:manage`.
        pub api_key: Option<Secret> = None, secret().required(), example "env:INFOBIP_API_KEY";
        /// The id of the 2FA application: it sets how long codes are good, and how many guesses there
        /// are.
        pub application_id: Option<String> = None, text().required(),
            example "0933F3BC087D2A617AC6DCB2EF5B8A61";
        /// The id of the message template for SMS and voice: it sets the text and the length of
        /// codes. Absent: each message names a template for `infobip2fa`.
        pub message_id: Option<String> = None, text(), example "9C815F8AF3328";
        /// The id of the e-mail template. Absent: no e-mails are sent.
        pub email_message_id: Option<String> = None, text(), example "5F04FACFAA4978F62FCAEBA97B37E90F";
        /// The sender of SMS and voice. Absent: that of the template.
        pub sender: Option<String> = None, text(), example "Example";
        /// Look up the number before each SMS, and send none to a number that cannot be reached.
        /// Infobip charges for it.
        pub number_lookup: bool = false, flag(), example true;
        groups {
            /// How to reach Infobip. `base_url` is required: each account has a separate host, such
            /// as `https://xxxxx.api.infobip.com`, which its web interface shows.
            pub http: HttpSettings;
            /// Which delivery reports are accepted.
            pub receipts: ReceiptSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = Infobip2faBuilder::ADAPTER;

impl Infobip2faBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<Infobip2fa, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn key(&self) -> Result<Secret, ConfigError> {
        let key = required("api_key", &self.api_key)?;
        check_credential(&key).map_err(|message| ConfigError::new("api_key", message))?;
        Ok(key)
    }

    pub(crate) fn application(&self) -> Result<String, ConfigError> {
        required("application_id", &self.application_id)
    }

    pub(crate) fn transport(&self) -> Result<HttpConfig, ConfigError> {
        if self.http.base_url.is_none() {
            let message = "missing; the account's own host, such as https://xxxxx.api.infobip.com";
            return Err(ConfigError::new("base_url", message));
        }
        self.http.config("")
    }

    /// Returns the secrets of delivery reports; `None` if they are off.
    pub(crate) fn receipt_secrets(&self) -> Result<Option<ReceiptSecrets>, ConfigError> {
        self.receipts.check_offered(false)?;
        self.receipts.secrets(None)
    }
}

impl VendorSettings for Infobip2faBuilder {
    const KIND: &'static str = "infobip2fa";
    type Provider = Infobip2fa;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.key()?;
        self.application()?;
        self.transport()?;
        self.receipt_secrets()?;
        Ok(capabilities(self))
    }

    fn provider(&self, id: ProviderId) -> Result<Infobip2fa, ConfigError> {
        Infobip2fa::new(id, self)
    }
}
