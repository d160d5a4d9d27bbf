//! Reading what callers send: strictly, within a size and a time.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use otpmux::VerificationId;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

use crate::problem::Problem;

/// Larger than any body of this API.
const LARGEST: usize = 16 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A JSON body. Unknown fields, another content type, and anything after the value are refused.
pub(super) struct Json<T>(pub(super) T);

/// A JSON body that may be left out.
pub(super) struct Optional<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts) {
            return Err(Problem::not_json());
        }
        parse(&read(body).await?).map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for Optional<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json(&parts) {
            return Err(Problem::not_json());
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(parts: &Parts) -> bool {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    let whole = timeout(PATIENCE, Limited::new(body, LARGEST).collect()).await;
    match whole.map_err(|_| Problem::too_slow())? {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(LARGEST)),
        Err(_) => Err(Problem::invalid("the body ended before its end")),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let object = serde_json::from_slice(bytes).map(|Object(value)| value);
    object.map_err(|error| {
        // A mistake of syntax is told by its place alone; one of form names the field. Neither
        // quotes a value, which may be a code or a number.
        let (line, column) = (error.line(), error.column());
        let text = if error.is_data() { form(&error) } else { "it is not JSON".to_owned() };
        Problem::invalid(format!("the body cannot be read at line {line}, column {column}: {text}"))
    })
}

/// A JSON object. Left to itself, serde takes a list of a structure's fields as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// For a field that may be left out or null, and holds an object otherwise.
pub(super) fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(value)| value))
}

/// For a field that may be left out or null, and holds a whole number otherwise: `300.0` is one in
/// JSON, and what some languages write.
pub(super) fn whole<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number in its range")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
            Ok(number)
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
            let whole = format!("{number}").parse();
            whole.map_err(|_| E::invalid_value(Unexpected::Other("a fraction"), &self))
        }
    }

    struct Maybe(u64);

    impl<'de> Deserialize<'de> for Maybe {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Whole).map(Self)
        }
    }

    let number = Option::<Maybe>::deserialize(deserializer)?;
    let fits = |Maybe(number)| {
        let too_large = || D::Error::invalid_value(Unexpected::Other("another number"), &Whole);
        T::try_from(number).map_err(|_| too_large())
    };
    number.map(fits).transpose()
}

/// What serde says of a value that does not fit, up to where it would quote it. The name of an
/// unknown field is a caller's own text as well: what is known is told instead.
fn form(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("unknown field") {
        // From the end on: the name may hold any text.
        let known = text.rsplit_once(", expected ").map_or("", |(_, known)| known);
        return format!("unknown field, expected {}", without_place(known));
    }
    let fixed = ["missing field", "duplicate field"];
    if fixed.iter().any(|start| text.starts_with(start)) {
        return without_place(&text);
    }
    match text.split_once(", expected ") {
        Some((_, expected)) => format!("expected {}", without_place(expected)),
        None => "a value is not of the form that it must have".to_owned(),
    }
}

fn without_place(text: &str) -> String {
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The id in a path; one that cannot be an id is unknown like any other.
pub(super) struct Id(pub(super) Option<VerificationId>);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(text.ok().and_then(|Path(text)| text.parse().ok())))
    }
}
