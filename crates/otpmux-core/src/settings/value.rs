use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Settings, duration_text, limit_text};
use crate::{Channel, CountryCode, Purpose, RateLimit, Secret};

/// A type that holds the value of a configuration key.
///
/// ```
/// # use otpmux_core::settings::{SettingValue, Settings, parses};
/// /// A type of your own that is a text in the file.
/// #[derive(Clone, Copy, PartialEq)]
/// enum Speed { Slow, Fast }
/// # impl std::str::FromStr for Speed {
/// #     type Err = String;
/// #     fn from_str(text: &str) -> Result<Self, String> {
/// #         match text { "slow" => Ok(Self::Slow), "fast" => Ok(Self::Fast), _ => Err("slow or fast".into()) }
/// #     }
/// # }
/// # impl std::fmt::Display for Speed {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("slow") }
/// # }
/// // `Speed` has `FromStr` and `Display`.
/// otpmux_core::text_setting!(Speed);
/// assert_eq!(Speed::Slow.write(), "slow");
/// ```
pub trait SettingValue: Sized {
    /// The type that a setter takes: `T` for an `Option<T>`, otherwise the type itself.
    type Given;

    /// Returns the value of a key that was read; `None` if the key is absent.
    fn read(settings: &Settings, key: &str) -> Option<Self>;

    /// Returns the value in the form of a file; JSON `null` for a value that a file would omit, and
    /// for secrets.
    fn write(&self) -> Value;

    /// Returns the value that a setter got.
    fn given(value: Self::Given) -> Self;

    /// Returns the secret, if the value is one.
    fn secret(&self) -> Option<Secret> {
        None
    }
}

macro_rules! setting {
    ($type:ty, $settings:ident, $key:ident => $read:expr, $value:ident => $write:expr) => {
        impl SettingValue for $type {
            type Given = Self;

            fn read($settings: &Settings, $key: &str) -> Option<Self> {
                $read
            }

            fn write(&self) -> Value {
                let $value = self;
                $write
            }

            fn given(value: Self) -> Self {
                value
            }
        }
    };
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        // The declared range fits the type, so the conversion does not fail.
        setting!($type, settings, key => settings.integer(key)?.try_into().ok(), value => json!(value));
    )*};
}

integer!(u8, u32, u64, usize, i64);
setting!(bool, settings, key => settings.flag(key), value => json!(value));
setting!(Duration, settings, key => settings.duration(key), value => duration_text(*value).into());
setting!(String, settings, key => settings.text(key).map(str::to_owned), value => json!(value));
setting!(
    PathBuf,
    settings, key => settings.text(key).map(Into::into),
    value => value.to_string_lossy().into()
);
setting!(
    Vec<RateLimit>,
    settings, key => settings.limits(key).map(<[_]>::to_vec),
    value => value.iter().map(limit_text).collect()
);
setting!(
    BTreeMap<String, String>,
    settings, key => settings.texts(key).cloned(),
    value => json!(value)
);
setting!(
    BTreeMap<Channel, Duration>,
    settings, key => {
        let mut times = BTreeMap::new();
        for (channel, time) in settings.durations(key)? {
            times.insert(channel.parse().ok()?, *time);
        }
        Some(times)
    },
    value => {
        let mut table = Map::new();
        for (channel, time) in value {
            table.insert(channel.as_str().to_owned(), duration_text(*time).into());
        }
        table.into()
    }
);

/// Stores a type with `FromStr` and `Display` as text in the file. Give the declaration a
/// [`check`](crate::settings::Setting::check) with [`parses`](crate::settings::parses), or the
/// words of a choice.
#[macro_export]
macro_rules! text_setting {
    ($type:ty) => {
        impl $crate::settings::SettingValue for $type {
            type Given = Self;

            fn read(settings: &$crate::settings::Settings, key: &str) -> Option<Self> {
                settings.text(key)?.parse().ok()
            }

            fn write(&self) -> $crate::settings::Json {
                self.to_string().into()
            }

            fn given(value: Self) -> Self {
                value
            }
        }
    };
}

text_setting!(SocketAddr);
text_setting!(CountryCode);
text_setting!(Purpose);
text_setting!(Channel);

impl SettingValue for Secret {
    type Given = Self;

    fn read(settings: &Settings, key: &str) -> Option<Self> {
        settings.secret(key)
    }

    fn write(&self) -> Value {
        Value::Null
    }

    fn given(value: Self) -> Self {
        value
    }

    fn secret(&self) -> Option<Secret> {
        Some(self.clone())
    }
}

/// A list of texts.
impl<T: FromStr + Display> SettingValue for Vec<T> {
    type Given = Self;

    fn read(settings: &Settings, key: &str) -> Option<Self> {
        // The check of the declaration has accepted each entry.
        Some(settings.list(key)?.iter().filter_map(|text| text.parse().ok()).collect())
    }

    fn write(&self) -> Value {
        self.iter().map(ToString::to_string).collect()
    }

    fn given(value: Self) -> Self {
        value
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    type Given = T;

    fn read(settings: &Settings, key: &str) -> Option<Self> {
        T::read(settings, key).map(Some)
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }

    fn given(value: T) -> Self {
        Some(value)
    }

    fn secret(&self) -> Option<Secret> {
        self.as_ref().and_then(T::secret)
    }
}
