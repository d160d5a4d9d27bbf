use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::terms::Terms;
use crate::check::same_secret;

/// How a login goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// The client is asked for more: the text of a 334.
    Ask(&'static str),
    Right,
    Wrong,
    /// A mechanism that is not offered.
    Unknown,
}

/// A login whose first answer is awaited.
#[derive(Debug, Default)]
pub(super) struct Dialogue {
    mechanism: Mechanism,
    user: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mechanism {
    #[default]
    Plain,
    Login,
}

/// The base64 forms of `Username:` and `Password:`.
const USERNAME: &str = "VXNlcm5hbWU6";
const PASSWORD: &str = "UGFzc3dvcmQ6";

impl Dialogue {
    /// Begins with the words after `AUTH`.
    pub(super) fn begin(words: &str, account: &Terms) -> (Self, Login) {
        let (name, initial) = words.split_once(' ').unwrap_or((words, ""));
        let mechanism = match name.to_ascii_uppercase().as_str() {
            "PLAIN" => Mechanism::Plain,
            "LOGIN" => Mechanism::Login,
            _ => return (Self::default(), Login::Unknown),
        };
        let mut dialogue = Self { mechanism, user: None };
        let next = match (mechanism, initial.trim()) {
            (Mechanism::Plain, "") => Login::Ask(""),
            (Mechanism::Login, "") => Login::Ask(USERNAME),
            (_, initial) => dialogue.go_on(initial, account),
        };
        (dialogue, next)
    }

    /// Goes on with a line of the client.
    pub(super) fn go_on(&mut self, line: &str, account: &Terms) -> Login {
        let decoded = BASE64_STANDARD.decode(line).ok().and_then(|it| String::from_utf8(it).ok());
        let Some(text) = decoded else { return Login::Wrong };
        let (user, password) = match (self.mechanism, self.user.take()) {
            (Mechanism::Plain, _) => {
                // An identity to act as, which is mostly empty, the user and the password.
                let mut parts = text.split('\0').skip(1);
                match (parts.next(), parts.next()) {
                    (Some(user), Some(password)) => (user.to_owned(), password.to_owned()),
                    _ => return Login::Wrong,
                }
            }
            (Mechanism::Login, None) => {
                self.user = Some(text);
                return Login::Ask(PASSWORD);
            }
            (Mechanism::Login, Some(user)) => (user, text),
        };
        let right = user == account.username && same_secret(&password, &account.password);
        if right { Login::Right } else { Login::Wrong }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_mechanisms_with_and_without_a_first_answer() {
        let mut account = Terms::default();
        "otp".clone_into(&mut account.username);
        "swordfish".clone_into(&mut account.password);
        let plain = BASE64_STANDARD.encode("\0otp\0swordfish");
        let wrong = BASE64_STANDARD.encode("\0otp\0guppy");
        let (user, password) = (BASE64_STANDARD.encode("otp"), BASE64_STANDARD.encode("swordfish"));
        assert_eq!(Dialogue::begin(&format!("PLAIN {plain}"), &account).1, Login::Right);
        assert_eq!(Dialogue::begin(&format!("plain {wrong}"), &account).1, Login::Wrong);
        assert_eq!(Dialogue::begin("PLAIN ?", &account).1, Login::Wrong);
        assert_eq!(Dialogue::begin("CRAM-MD5", &account).1, Login::Unknown);
        let (mut dialogue, next) = Dialogue::begin("PLAIN", &account);
        assert_eq!((next, dialogue.go_on(&plain, &account)), (Login::Ask(""), Login::Right));
        for begin in ["LOGIN".to_owned(), format!("LOGIN {user}")] {
            let (mut dialogue, next) = Dialogue::begin(&begin, &account);
            let next =
                if next == Login::Ask(USERNAME) { dialogue.go_on(&user, &account) } else { next };
            assert_eq!(next, Login::Ask(PASSWORD));
            assert_eq!(dialogue.go_on(&password, &account), Login::Right);
        }
    }
}
