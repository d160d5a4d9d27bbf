//! Texts with placeholders.

use otpmux_core::settings::nearest;

/// A text with places for values: `{code}`, `{minutes}`, `{app}` and declared variables. `{{` is a
/// brace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Code,
    Minutes,
    App,
    Variable(String),
}

/// The placeholders that every text may have; no variable has one of these names.
pub(super) const COMMON: [&str; 3] = ["code", "minutes", "app"];

impl Template {
    /// Parses a text. `variables` are the declared names.
    ///
    /// # Errors
    ///
    /// Every mistake: a name that is not declared, a brace that is not closed.
    pub(super) fn parse(text: &str, variables: &[&str]) -> Result<Self, Vec<String>> {
        let (mut template, mut mistakes) = (Self::default(), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            template.literal(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('{') {
                template.literal("{");
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}') else {
                mistakes.push("holds a `{` without its `}`; write `{{` for a brace".to_owned());
                rest = "";
                break;
            };
            rest = after;
            match name {
                "code" => template.0.push(Part::Code),
                "minutes" => template.0.push(Part::Minutes),
                "app" => template.0.push(Part::App),
                name if variables.contains(&name) => {
                    template.0.push(Part::Variable(name.to_owned()));
                }
                name => mistakes.push(unknown(name, variables)),
            }
        }
        template.literal(rest);
        if mistakes.is_empty() { Ok(template) } else { Err(mistakes) }
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    pub(super) fn literal(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Literal(before)) => before.push_str(text),
            _ => self.0.push(Part::Literal(text.to_owned())),
        }
    }

    /// Adds the parts of another text.
    pub(super) fn append(&mut self, other: &Self) {
        for part in &other.0 {
            match part {
                Part::Literal(text) => self.literal(text),
                part => self.0.push(part.clone()),
            }
        }
    }

    pub(super) fn code(&mut self) {
        self.0.push(Part::Code);
    }

    /// How often it has the code.
    pub(super) fn codes(&self) -> usize {
        self.0.iter().filter(|part| **part == Part::Code).count()
    }

    pub(super) fn has_app(&self) -> bool {
        self.0.contains(&Part::App)
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The literal parts, with `value` in the places of values.
    pub(super) fn filled(&self, value: impl Fn(&Part) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            part => value(part),
        };
        self.0.iter().map(part).collect()
    }
}

fn unknown(name: &str, variables: &[&str]) -> String {
    let known = || COMMON.iter().chain(variables).copied();
    let simple =
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-. ".contains(c));
    let what = if simple && name.len() <= 40 {
        format!("`{{{name}}}` is not a placeholder")
    } else {
        "holds braces with something else than a name".to_owned()
    };
    if let Some(near) = nearest(name, known()) {
        return format!("{what}; did you mean `{{{near}}}`?");
    }
    let known: Vec<_> = known().map(|name| format!("`{{{name}}}`")).collect();
    format!(
        "{what}; there are {}; declare others under [messages.variables], and write `{{{{` for a brace",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Part>, Vec<String>> {
        Template::parse(text, &["name"]).map(|template| template.0)
    }

    #[test]
    fn places_and_literals() {
        let literal = |text: &str| Part::Literal(text.to_owned());
        assert_eq!(
            parse("{name}, {code} is your {app} code ({{}) for {minutes} min").unwrap(),
            [
                Part::Variable("name".to_owned()),
                literal(", "),
                Part::Code,
                literal(" is your "),
                Part::App,
                literal(" code ({}) for "),
                Part::Minutes,
                literal(" min"),
            ]
        );
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("}").unwrap(), [literal("}")]);
    }

    #[test]
    fn every_mistake_of_a_text() {
        let mistakes = parse("{cod} {first-name} {} {code").unwrap_err();
        assert_eq!(mistakes.len(), 4, "{mistakes:#?}");
        assert_eq!(mistakes[0], "`{cod}` is not a placeholder; did you mean `{code}`?");
        assert!(mistakes[1].starts_with(
            "`{first-name}` is not a placeholder; there are `{code}`, `{minutes}`, `{app}`, `{name}`; \
             declare others under [messages.variables]"
        ));
        assert!(mistakes[2].starts_with("holds braces with something else than a name"));
        assert_eq!(mistakes[3], "holds a `{` without its `}`; write `{{` for a brace");
    }
}
