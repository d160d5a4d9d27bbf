//! The texts of messages as they are configured, before they are checked.

use std::collections::BTreeMap;

use otpmux_core::settings::parses;
use otpmux_core::{Channel, Purpose};

use super::{Locale, values};

otpmux_core::settings! {
    /// The texts of messages, before they are checked. [`Messages::new`](super::Messages::new)
    /// checks them.
    ///
    /// Texts have placeholders: `{code}`, `{minutes}` (how long the code is valid), `{app}` and the
    /// declared variables. `{{` is a brace.
    ///
    /// ```
    /// use otpmux_engine::{LocalizedText, MessageSettings, Messages};
    ///
    /// let settings = MessageSettings::new("Acme").texts(
    ///     "login".parse()?,
    ///     "en".parse()?,
    ///     LocalizedText::new("{code} is your {app} sign-in code."),
    /// );
    /// let messages = Messages::new(&settings).map_err(|mistakes| mistakes[0].clone())?;
    /// # let _ = messages;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MessageSettings {
        /// The name of your service, `{app}` in texts; required with this section. With at most 11
        /// characters every built-in text is one SMS segment.
        pub app: Option<String> = None, text().check(values::check_brand), example "Acme";
        /// The locale (BCP 47) for recipients without a locale, and for languages without a text.
        pub default_locale: Locale = Locale::default(), text().check(parses::<Locale>),
            example "pt-BR";
        /// Add a sentence that says not to share the code to every text, in the language of the
        /// text. It is not added to a text of a purpose with DLT ids, nor to an SMS that would be
        /// too long with it.
        pub do_not_share: bool = true, flag(), example false;
        /// The host of your website. An SMS then ends with a line such as `@acme.example #123456`,
        /// from which browsers fill the code in (WebOTP, Safari), at this host only. Absent: no such
        /// line.
        pub webotp_host: Option<String> = None, text().check(values::check_host),
            example "acme.example";
        /// The hash of your Android app, 11 characters. An SMS then ends with it, so that the app
        /// reads the code without a permission (SMS Retriever). Absent: no hash.
        pub android_hash: Option<String> = None, text().check(values::check_android_hash),
            example "FA+9qCX9VSu";
        /// Allow links in texts. Users who expect no links in these messages fall for fewer false
        /// ones, and networks filter messages with links.
        pub allow_links: bool = false, flag(), example true;
        /// SMS segments that a text may need with its longest values; each is paid. `check-config`
        /// warns of longer texts.
        pub allow_segments: u32 = 1, integer(1..=10), example 2;
        plain {
            /// The variables that a caller may set, by name.
            pub variables: BTreeMap<String, Variable> = BTreeMap::new();
            /// The texts, by purpose and locale. The texts of `default` are for every purpose
            /// without texts; without them, built-in texts are used.
            pub texts: BTreeMap<Purpose, BTreeMap<Locale, LocalizedText>> = BTreeMap::new();
            /// Vendors' names of templates, by purpose, then by provider, kind of provider, or a
            /// shared word such as `whatsapp`. Those of `default` are for every purpose without
            /// some.
            pub templates: BTreeMap<Purpose, BTreeMap<String, String>> = BTreeMap::new();
            /// The ids that India's networks require (DLT), by purpose. Those of `default` are for
            /// every purpose without some.
            pub dlt: BTreeMap<Purpose, DltIds> = BTreeMap::new();
            /// Names besides `app` that callers may choose, for the check of lengths.
            pub brands: Vec<String> = Vec::new();
        }
    }
}

otpmux_core::settings! {
    /// A variable of texts: a value that the caller gives for each message.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Variable {
        /// Characters that a value may have. Links and control characters are always refused.
        pub max: u32 = 20, integer(1..=100), example 30;
    }
}

otpmux_core::settings! {
    /// The texts of one purpose in one locale.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LocalizedText {
        /// The text, for every channel that has no other. Required.
        pub text: Option<String> = None, text(), example "{code} is your {app} code.";
        /// The subject of e-mails. Absent: the built-in one of this language.
        pub subject: Option<String> = None, text(), example "Your {app} code";
        /// The HTML of e-mails; `text` is then the plain part. Values are escaped.
        pub html: Option<String> = None, text(), example "<p><b>{code}</b> is your {app} code.</p>";
        /// The text of voice calls. Digits are read one by one; a text with one `{code}` is said
        /// twice. Absent: `text`.
        pub speech: Option<String> = None, text(), example "Your {app} code is {code}.";
        /// The sentence that says not to share the code. Absent: the built-in one of this language.
        pub do_not_share: Option<String> = None, text(), example "Keep it to yourself.";
        /// The DLT template id of this text, in place of the one of the purpose.
        pub dlt_template_id: Option<String> = None, text().check(values::check_digits),
            example "1107161234567890124";
        plain {
            /// The texts of single channels, in place of those above.
            pub channels: BTreeMap<Channel, ChannelText> = BTreeMap::new();
            /// Vendors' names of templates in this locale, in place of those of the purpose.
            pub templates: BTreeMap<String, String> = BTreeMap::new();
        }
    }
}

otpmux_core::settings! {
    /// The texts of one channel, in place of those of the locale.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ChannelText {
        /// The text.
        pub text: Option<String> = None, text(), example "{code} is your {app} code.";
        /// The subject of e-mails.
        pub subject: Option<String> = None, text(), example "Your {app} code";
        /// The HTML of e-mails.
        pub html: Option<String> = None, text(), example "<p><b>{code}</b> is your {app} code.</p>";
        /// The text of voice calls.
        pub speech: Option<String> = None, text(), example "Your {app} code is {code}.";
    }
}

otpmux_core::settings! {
    /// The ids under which a text is registered in India (DLT).
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DltIds {
        /// The id of your company (principal entity).
        pub entity_id: Option<String> = None, text().required().check(values::check_digits),
            example "1101234567890123456";
        /// The id of the text (content template). A locale's `dlt_template_id` replaces it.
        pub template_id: Option<String> = None, text().required().check(values::check_digits),
            example "1107161234567890123";
    }
}

impl MessageSettings {
    /// The settings of a service of this name, with built-in texts only.
    pub fn new(app: impl Into<String>) -> Self {
        Self::default().app(app)
    }

    /// Sets the texts of a purpose in a locale.
    #[must_use]
    pub fn texts(mut self, purpose: Purpose, locale: Locale, text: LocalizedText) -> Self {
        self.texts.entry(purpose).or_default().insert(locale, text);
        self
    }

    /// Declares a variable with the most characters that a value may have.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, max: u32) -> Self {
        self.variables.insert(name.into(), Variable::default().max(max));
        self
    }

    /// Sets a vendor's name for a template, by the name of a provider, its kind, or a shared word
    /// such as `whatsapp`.
    #[must_use]
    pub fn template(
        mut self,
        purpose: Purpose,
        vendor: impl Into<String>,
        template: impl Into<String>,
    ) -> Self {
        self.templates.entry(purpose).or_default().insert(vendor.into(), template.into());
        self
    }

    /// Sets the DLT ids of a purpose.
    #[must_use]
    pub fn dlt(mut self, purpose: Purpose, ids: DltIds) -> Self {
        self.dlt.insert(purpose, ids);
        self
    }
}

impl LocalizedText {
    /// A text for every channel.
    pub fn new(text: impl Into<String>) -> Self {
        Self::default().text(text)
    }

    /// Sets the texts of one channel.
    #[must_use]
    pub fn channel(mut self, channel: Channel, text: ChannelText) -> Self {
        self.channels.insert(channel, text);
        self
    }

    /// Sets a vendor's name for a template in this locale.
    #[must_use]
    pub fn template(mut self, vendor: impl Into<String>, template: impl Into<String>) -> Self {
        self.templates.insert(vendor.into(), template.into());
        self
    }
}
