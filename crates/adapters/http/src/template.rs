//! Texts with placeholders: `Key {setting.api_key}`.

use otpmux_core::settings::nearest;

/// A text with the places of values. Values are never parsed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template<V> {
    pub(crate) pieces: Vec<Piece<V>>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<V> {
    Literal(String),
    /// A value, and the text in its place if it is absent.
    Value(V, Option<String>),
}

/// The placeholders that a kind of template may have.
pub(crate) trait Placeholder: Sized {
    /// The names, for messages. A name that ends in `.` takes a word after it.
    const NAMES: &'static [&'static str];

    /// Returns the placeholder of a name, without braces.
    fn parse(name: &str) -> Option<Self>;
}

impl<V: Placeholder> Template<V> {
    /// Parses a text: `{name}` and `{name|default}` are placeholders, `{{` and `}}` are braces.
    ///
    /// # Errors
    ///
    /// A brace without its partner, or an unknown placeholder.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let from = &rest[at..];
            if from.starts_with("{{") || from.starts_with("}}") {
                literal.push_str(&from[..1]);
                rest = &from[2..];
                continue;
            }
            let inner = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((inner, after)) = inner else {
                return Err(
                    "has a brace without its partner; write {{ or }} for a brace".to_owned()
                );
            };
            let (name, default) = match inner.split_once('|') {
                Some((name, default)) => (name, Some(default.to_owned())),
                None => (inner, None),
            };
            let value = V::parse(name).ok_or_else(|| unknown::<V>(name))?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Value(value, default));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { pieces })
    }

    /// Returns the values of the template.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(value, _) => Some(value),
            Piece::Literal(_) => None,
        })
    }
}

fn unknown<V: Placeholder>(name: &str) -> String {
    if let Some(near) = nearest(name, V::NAMES.iter().copied()) {
        return format!("unknown placeholder {{{name}}}; did you mean {{{near}}}?");
    }
    let known: Vec<_> = V::NAMES.iter().map(|name| format!("{{{name}}}")).collect();
    format!("unknown placeholder {{{name}}}; the known ones are: {}", known.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Word(String);

    impl Placeholder for Word {
        const NAMES: &'static [&'static str] = &["code", "setting."];

        fn parse(name: &str) -> Option<Self> {
            let known =
                name == "code" || name.strip_prefix("setting.").is_some_and(|n| !n.is_empty());
            known.then(|| Self(name.to_owned()))
        }
    }

    fn value(name: &str, default: Option<&str>) -> Piece<Word> {
        Piece::Value(Word(name.to_owned()), default.map(str::to_owned))
    }

    fn literal(text: &str) -> Piece<Word> {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn placeholders_and_braces() {
        let parse = |text| Template::<Word>::parse(text).map(|template| template.pieces);
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(parse("a {code}."), Ok(vec![literal("a "), value("code", None), literal(".")]));
        assert_eq!(parse("{{code}}"), Ok(vec![literal("{code}")]));
        assert_eq!(
            parse("{setting.a|en}{code|}"),
            Ok(vec![value("setting.a", Some("en")), value("code", Some(""))])
        );
        for (text, told) in [
            ("{code", "has a brace without its partner"),
            ("code}", "has a brace without its partner"),
            ("{}", "unknown placeholder {}"),
            ("{cod}", "unknown placeholder {cod}; did you mean {code}?"),
            ("{setting.}", "unknown placeholder {setting.}"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(told), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_text_with_doubled_braces_is_literal(text in "\\PC{0,40}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            let parsed = Template::<Word>::parse(&doubled).unwrap();
            let whole: String = parsed.pieces.iter().map(|piece| match piece {
                Piece::Literal(text) => text.as_str(),
                Piece::Value(..) => "a value",
            }).collect();
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn no_text_panics(text in "[{}|a-z.]{0,40}") {
            let _ = Template::<Word>::parse(&text);
        }
    }
}
