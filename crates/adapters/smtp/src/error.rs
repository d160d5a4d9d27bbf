use otpmux_core::{Blame, Certainty, Error, ErrorKind, ProviderId, plain_words};

use crate::stage::Stage;

/// The meaning of a refusal: one row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    kind: ErrorKind,
    certainty: Certainty,
    blame: Blame,
    words: &'static str,
}

const fn provider(kind: ErrorKind, words: &'static str) -> Row {
    Row { kind, certainty: Certainty::Rejected, blame: Blame::Provider, words }
}

const fn recipient(words: &'static str) -> Row {
    let kind = ErrorKind::InvalidRecipient;
    Row { kind, certainty: Certainty::Rejected, blame: Blame::Recipient, words }
}

const TEMPORARY: Row =
    provider(ErrorKind::Unavailable, "the server cannot take it now (a temporary refusal)");
const LOGIN: Row = provider(
    ErrorKind::Unauthenticated,
    "the server does not accept the login; check username, password and auth",
);
const LOGIN_OR_TLS: Row = provider(
    ErrorKind::Unauthenticated,
    "the server wants a login or TLS first; set username and password, and tls",
);
const NO_MAILBOX: Row = recipient("there is no such mailbox");
const FULL: Row = recipient("the mailbox is full");
const BLOCKED: Row = provider(
    ErrorKind::Forbidden,
    "the server refuses it by its rules: relaying, reputation or content",
);
const TOO_LARGE: Row =
    provider(ErrorKind::Forbidden, "the message is larger than the server accepts");

/// The table: the stage, the reply code (RFC 5321, 4954), and the enhanced status code (RFC 3463,
/// 5248), which says more where it is there.
#[expect(clippy::match_same_arms, reason = "a table: the order decides, and each row is a rule")]
fn row(stage: Stage, code: u16, enhanced: Option<(u8, u16, u16)>) -> Row {
    let subject = enhanced.map(|(_, subject, detail)| (subject, detail));
    match (stage, code, subject) {
        // The server may have closed for another reason than this message.
        (Stage::End, 421, _) => Row { certainty: Certainty::Unknown, ..TEMPORARY },
        (_, 421, _) => TEMPORARY,
        (Stage::Login, 534, _) => provider(
            ErrorKind::Unauthenticated,
            "the server wants a stronger way to log in; many want a password made for applications",
        ),
        (Stage::Login, 535 | 432, _) => LOGIN,
        (_, 530 | 538, _) => LOGIN_OR_TLS,
        (Stage::Recipient | Stage::End, _, Some((2, 2))) => FULL,
        (_, 400..=499, _) => TEMPORARY,
        (Stage::Connect, _, _) => {
            provider(ErrorKind::Forbidden, "the server does not serve this client")
        }
        (Stage::Tls | Stage::Login, _, _) => provider(
            ErrorKind::Configuration,
            "the server does not take this way to begin TLS or to log in; check tls and auth",
        ),
        (_, _, Some((3, 4))) => TOO_LARGE,
        (_, _, Some((7, _))) => BLOCKED,
        (Stage::Recipient, 552, None) => FULL,
        (Stage::Recipient | Stage::End, _, Some((1, 1..=3 | 6 | 10) | (2, 1)))
        | (Stage::Recipient, 501 | 550 | 551 | 553, _) => NO_MAILBOX,
        (Stage::Sender, 501 | 550 | 551 | 553 | 554, _) => {
            provider(ErrorKind::Forbidden, "the server refuses the sender; check from")
        }
        (Stage::Data | Stage::End, 552, _) => TOO_LARGE,
        (_, 550 | 554, _) => BLOCKED,
        _ => provider(ErrorKind::Unavailable, "the server refuses the command"),
    }
}

/// Reads an enhanced status code such as `5.1.1` at the beginning of a reply's text.
fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let word = text.split_whitespace().next()?;
    let mut parts = word.split('.');
    let class = parts.next()?.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?;
    let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
    parts.next().is_none().then_some((class, subject, detail))
}

fn number(text: &str) -> Option<u16> {
    (text.len() <= 3).then(|| text.parse().ok()).flatten()
}

/// Returns the error for a refusal. `hidden` are the values of the request that a server may repeat.
pub(crate) fn refused(
    provider: &ProviderId,
    stage: Stage,
    code: u16,
    text: &str,
    hidden: &[&str],
) -> Error {
    let status = enhanced(text).filter(|(class, ..)| u16::from(*class) == code / 100);
    let row = row(stage, code, status);
    let untouched = stage <= Stage::Login && row.kind != ErrorKind::Unauthenticated;
    let certainty = if untouched { Certainty::NotSent } else { row.certainty };
    let rest =
        if status.is_some() { text.split_once(' ').map_or("", |(_, rest)| rest) } else { text };
    let said = plain_words(rest);
    let lower = said.to_lowercase();
    let shows =
        hidden.iter().any(|value| !value.is_empty() && lower.contains(&value.to_lowercase()));
    let detail = if said.is_empty() || shows {
        row.words.to_owned()
    } else {
        format!("{}; it says: {said}", row.words)
    };
    let vendor_code = match status {
        Some((class, subject, detail)) => format!("{class}.{subject}.{detail}"),
        None => code.to_string(),
    };
    Error::new(row.kind, certainty, row.blame)
        .with_provider(provider.clone())
        .with_status(code)
        .with_vendor_code(&vendor_code)
        .with_detail(detail)
}

/// Returns the error for a conversation that ended without an answer.
pub(crate) fn broken(
    provider: &ProviderId,
    kind: ErrorKind,
    stage: Stage,
    detail: &'static str,
) -> Error {
    let certainty = if stage.may_have_sent() { Certainty::Unknown } else { Certainty::NotSent };
    Error::new(kind, certainty, Blame::Provider).with_provider(provider.clone()).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Blame::{Provider, Recipient};
        use Certainty::{NotSent, Rejected, Unknown};
        use ErrorKind as K;
        let id = ProviderId::new("mail").unwrap();
        for (stage, reply, kind, certainty, blame) in [
            (Stage::Connect, "421 too busy", K::Unavailable, NotSent, Provider),
            (Stage::Connect, "554 no service", K::Forbidden, NotSent, Provider),
            (Stage::Tls, "454 no TLS now", K::Unavailable, NotSent, Provider),
            (Stage::Tls, "502 what?", K::Configuration, NotSent, Provider),
            (Stage::Login, "535 5.7.8 no", K::Unauthenticated, Rejected, Provider),
            (Stage::Login, "534 5.7.9 app password", K::Unauthenticated, Rejected, Provider),
            (Stage::Login, "530 5.7.0 STARTTLS first", K::Unauthenticated, Rejected, Provider),
            (Stage::Login, "454 4.7.0 later", K::Unavailable, NotSent, Provider),
            (Stage::Login, "504 5.5.4 mechanism", K::Configuration, NotSent, Provider),
            (Stage::Sender, "530 5.7.1 login", K::Unauthenticated, Rejected, Provider),
            (Stage::Sender, "553 5.7.1 not yours", K::Forbidden, Rejected, Provider),
            (Stage::Sender, "550 sender unknown", K::Forbidden, Rejected, Provider),
            (Stage::Sender, "452 4.3.1 disk", K::Unavailable, Rejected, Provider),
            (Stage::Recipient, "550 5.1.1 unknown", K::InvalidRecipient, Rejected, Recipient),
            (Stage::Recipient, "550 no such user", K::InvalidRecipient, Rejected, Recipient),
            (Stage::Recipient, "551 user not local", K::InvalidRecipient, Rejected, Recipient),
            (Stage::Recipient, "553 mailbox name", K::InvalidRecipient, Rejected, Recipient),
            (Stage::Recipient, "552 over quota", K::InvalidRecipient, Rejected, Recipient),
            (Stage::Recipient, "552 5.2.2 full", K::InvalidRecipient, Rejected, Recipient),
            (Stage::Recipient, "452 4.2.2 full", K::InvalidRecipient, Rejected, Recipient),
            (Stage::Recipient, "452 disk", K::Unavailable, Rejected, Provider),
            (Stage::Recipient, "450 4.7.1 greylisted", K::Unavailable, Rejected, Provider),
            (Stage::Recipient, "550 5.7.1 relaying denied", K::Forbidden, Rejected, Provider),
            (Stage::Recipient, "554 5.7.1 blocked", K::Forbidden, Rejected, Provider),
            (Stage::Recipient, "503 5.5.1 order", K::Unavailable, Rejected, Provider),
            (Stage::Data, "554 no valid recipients", K::Forbidden, Rejected, Provider),
            (Stage::End, "550 spam", K::Forbidden, Rejected, Provider),
            (Stage::End, "554 5.7.1 spam", K::Forbidden, Rejected, Provider),
            (Stage::End, "552 5.3.4 too large", K::Forbidden, Rejected, Provider),
            (Stage::End, "550 5.1.1 unknown", K::InvalidRecipient, Rejected, Recipient),
            (Stage::End, "451 4.3.0 try later", K::Unavailable, Rejected, Provider),
            (Stage::End, "421 4.3.2 closing", K::Unavailable, Unknown, Provider),
        ] {
            let (code, text) = reply.split_once(' ').unwrap();
            let error = refused(&id, stage, code.parse().unwrap(), text, &[]);
            let found = (error.kind(), error.certainty(), error.blame());
            assert_eq!(found, (kind, certainty, blame), "{stage:?} {reply}");
        }
    }

    #[test]
    fn a_reply_is_shown_without_the_values_that_it_repeats() {
        let id = ProviderId::new("mail").unwrap();
        let error = refused(
            &id,
            Stage::Recipient,
            550,
            "5.1.1 <ann@example.com>: User unknown in table",
            &["ann"],
        );
        assert_eq!(error.vendor_code(), Some("5.1.1"));
        assert_eq!(error.detail(), "there is no such mailbox; it says: … User unknown in table");
        let error = refused(&id, Stage::Recipient, 550, "5.1.1 mailbox Ann unknown", &["ann"]);
        assert_eq!(error.detail(), "there is no such mailbox");
        let error = refused(&id, Stage::Recipient, 550, "No such user here", &["ann"]);
        assert_eq!(error.vendor_code(), Some("550"));
        assert_eq!(error.detail(), "there is no such mailbox; it says: No such user here");
        // An enhanced code of another class than the reply says nothing.
        let error = refused(&id, Stage::Recipient, 450, "5.1.1 unknown", &[]);
        assert_eq!((error.blame(), error.vendor_code()), (Blame::Provider, Some("450")));
    }

    #[test]
    fn only_the_final_dot_makes_an_outcome_unknown() {
        let id = ProviderId::new("mail").unwrap();
        let certainty =
            |stage| broken(&id, ErrorKind::Transport, stage, "the connection broke").certainty();
        assert_eq!(certainty(Stage::Data), Certainty::NotSent);
        assert_eq!(certainty(Stage::End), Certainty::Unknown);
    }
}
