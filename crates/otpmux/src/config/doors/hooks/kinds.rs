//! The kinds of hooks as data: where each caller writes what, how it proves itself, and the form of
//! answers that it reads.

use std::fmt;
use std::str::FromStr;

/// Declares the kinds: the variant, its word in a file, and its form.
macro_rules! kinds {
    ($($(#[$meta:meta])* $variant:ident = $word:literal => $form:expr;)*) => {
        /// The software that calls a hook.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum HookKind {
            $($(#[$meta])* $variant,)*
        }

        impl HookKind {
            /// The words of a file.
            pub(super) const WORDS: &'static [&'static str] = &[$($word),*];

            /// Returns every kind.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$variant),*].into_iter()
            }

            /// Returns the word of a file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Returns what its caller writes and reads.
            pub(super) fn form(self) -> &'static Form {
                match self { $(Self::$variant => const { &$form },)* }
            }
        }
    };
}

/// What a caller writes, how it proves itself, and what it reads.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) check: CheckForm,
    /// The header of the check, in lower case.
    pub(super) header: &'static str,
    pub(super) places: Places,
    /// Numbers come in international form, with or without `+`.
    pub(super) plus_is_optional: bool,
    /// Bodies may be forms (`application/x-www-form-urlencoded`).
    pub(super) urlencoded: bool,
    pub(super) answers: HookAnswers,
}

/// Where the values of a request are: JSON pointers (RFC 6901), of which the first that leads to a
/// text that is not empty counts.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) recipient: &'static [&'static str],
    pub(super) code: &'static [&'static str],
    pub(super) text: &'static [&'static str],
    pub(super) locale: &'static [&'static str],
    pub(super) ip: &'static [&'static str],
    pub(super) channel: &'static [&'static str],
    pub(super) request: &'static [&'static str],
}

impl Places {
    const NONE: Self = Self {
        recipient: &[],
        code: &[],
        text: &[],
        locale: &[],
        ip: &[],
        channel: &[],
        request: &[],
    };
}

/// How a caller proves itself, as a word of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckForm {
    Bearer,
    Basic,
    Header,
    HmacHex,
    TV1,
    TV2,
    StandardWebhooks,
}

/// The form of the answers that a caller reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookAnswers {
    /// Success is 200 with the id of the delivery; an error has its HTTP status and
    /// `{"error": .., "message": ..}`.
    Plain,
    /// As `Plain`, but the body of an error is its message alone, as plain text.
    Text,
    /// As Supabase Auth reads them: an error that its user may read is a success with `error`.
    Supabase,
    /// As Authgear reads them: `code` decides, whatever the status.
    Authgear,
    /// As `Plain`, with the id and the date where Novu looks for them.
    Novu,
}

/// Supabase Auth: both hooks differ only in where things are.
const SUPABASE: Form = Form {
    check: CheckForm::StandardWebhooks,
    header: "webhook-signature",
    places: Places {
        // `sms` and `metadata` are newer than `user`.
        ip: &["/metadata/ip_address"],
        request: &["/metadata/uuid"],
        ..Places::NONE
    },
    // Supabase Auth keeps numbers without `+`.
    plus_is_optional: true,
    urlencoded: false,
    answers: HookAnswers::Supabase,
};

/// A caller with a secret in `Authorization` and the shortest names.
const SHORT: Form = Form {
    check: CheckForm::Bearer,
    header: "authorization",
    places: Places {
        recipient: &["/to"],
        code: &["/code"],
        text: &["/text"],
        locale: &["/locale"],
        ip: &["/ip"],
        channel: &["/channel"],
        request: &["/id"],
    },
    plus_is_optional: false,
    urlencoded: false,
    answers: HookAnswers::Plain,
};

kinds! {
    /// Supabase Auth, the hook "Send SMS".
    SupabaseSms = "supabase_sms" => Form {
        places: Places {
            recipient: &["/sms/phone", "/user/phone"],
            code: &["/sms/otp"],
            channel: &["/sms/sms_type"],
            ..SUPABASE.places
        },
        ..SUPABASE
    };
    /// Supabase Auth, the hook "Send Email".
    SupabaseEmail = "supabase_email" => Form {
        places: Places {
            recipient: &["/user/email"],
            code: &["/email_data/token"],
            ..SUPABASE.places
        },
        ..SUPABASE
    };
    /// Ory Kratos, a courier channel of type `http`. The names are those of the templates in the
    /// documentation of otpmux.
    Kratos = "kratos" => Form {
        places: Places {
            code: &[
                "/code",
                "/data/login_code",
                "/data/verification_code",
                "/data/registration_code",
                "/data/recovery_code",
            ],
            ..SHORT.places
        },
        ..SHORT
    };
    /// Logto, the connectors "HTTP SMS" and "HTTP Email".
    Logto = "logto" => Form {
        check: CheckForm::Header,
        places: Places { code: &["/payload/code"], text: &[], ..SHORT.places },
        plus_is_optional: true,
        answers: HookAnswers::Text,
        ..SHORT
    };
    /// ZITADEL, the HTTP providers for SMS and e-mail.
    Zitadel = "zitadel" => Form {
        check: CheckForm::TV1,
        header: "zitadel-signature",
        places: Places {
            recipient: &["/contextInfo/recipientPhoneNumber", "/contextInfo/recipientEmailAddress"],
            code: &["/args/code"],
            text: &["/templateData/text"],
            ..Places::NONE
        },
        plus_is_optional: true,
        ..SHORT
    };
    /// Authgear, a custom SMS provider by webhook.
    Authgear = "authgear" => Form {
        check: CheckForm::HmacHex,
        header: "x-authgear-body-signature",
        places: Places {
            recipient: &["/to"],
            code: &["/template_variables/code"],
            text: &["/body"],
            locale: &["/language_tag"],
            ..Places::NONE
        },
        answers: HookAnswers::Authgear,
        ..SHORT
    };
    /// Novu, the integration "SMS Webhook".
    Novu = "novu" => Form {
        check: CheckForm::Header,
        header: "x-api-key",
        places: Places {
            recipient: &["/to"],
            text: &["/content"],
            request: &["/id"],
            ..Places::NONE
        },
        answers: HookAnswers::Novu,
        ..SHORT
    };
    /// Keycloak with the SMS authenticator of keycloak-mfa-plugins.
    Keycloak = "keycloak" => Form {
        check: CheckForm::Header,
        places: Places { recipient: &["/to"], text: &["/text"], request: &["/id"], ..Places::NONE },
        urlencoded: true,
        ..SHORT
    };
    /// Authsignal, the webhooks `sms.created` and `email.created`.
    Authsignal = "authsignal" => Form {
        check: CheckForm::TV2,
        header: "x-signature-v2",
        places: Places {
            recipient: &["/data/to"],
            code: &["/data/code"],
            locale: &["/data/locale"],
            request: &["/data/idempotencyKey"],
            ..Places::NONE
        },
        ..SHORT
    };
    /// Any other software; the configuration says where things are.
    Hook = "hook" => Form { urlencoded: true, ..SHORT };
}

impl CheckForm {
    pub(super) const WORDS: &'static [&'static str] =
        &["bearer", "basic", "header", "hmac_hex", "t_v1", "t_v2", "standard_webhooks"];

    fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Header => "header",
            Self::HmacHex => "hmac_hex",
            Self::TV1 => "t_v1",
            Self::TV2 => "t_v2",
            Self::StandardWebhooks => "standard_webhooks",
        }
    }
}

impl fmt::Display for CheckForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CheckForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [
            Self::Bearer,
            Self::Basic,
            Self::Header,
            Self::HmacHex,
            Self::TV1,
            Self::TV2,
            Self::StandardWebhooks,
        ];
        let found = all.into_iter().find(|check| check.as_str() == text);
        found.ok_or_else(|| format!("must be one of {}", Self::WORDS.join(", ")))
    }
}

impl fmt::Display for HookKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HookKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::all().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("must be one of {}", Self::WORDS.join(", ")))
    }
}

otpmux_core::text_setting!(HookKind);
otpmux_core::text_setting!(CheckForm);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in HookKind::all() {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for word in CheckForm::WORDS {
            assert_eq!(word.parse::<CheckForm>().unwrap().as_str(), *word);
        }
        assert!("hooks".parse::<HookKind>().is_err() && "none".parse::<CheckForm>().is_err());
    }

    #[test]
    fn every_kind_says_who_gets_what() {
        for kind in HookKind::all() {
            let Form { places, header, .. } = kind.form();
            assert!(!places.recipient.is_empty(), "{kind}");
            assert!(!places.code.is_empty() || !places.text.is_empty(), "{kind}");
            assert_eq!(*header, header.to_ascii_lowercase(), "{kind}");
            let all = [places.recipient, places.code, places.text, places.locale, places.ip];
            let pointers = all.concat();
            assert!(pointers.iter().all(|pointer| pointer.starts_with('/')), "{kind}");
        }
    }
}
