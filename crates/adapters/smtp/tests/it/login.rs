use otpmux_core::{Certainty, ErrorKind};

use crate::server::{Act, Script, Server};
use crate::world::{message, send, settings};

#[tokio::test]
async fn the_first_way_that_the_server_offers_is_used() {
    for (offered, auth, command) in [
        ("AUTH PLAIN LOGIN", "auto", "AUTH PLAIN AG90cABzd29yZGZpc2g="),
        ("AUTH LOGIN PLAIN", "plain", "AUTH PLAIN AG90cABzd29yZGZpc2g="),
        ("AUTH LOGIN", "auto", "AUTH LOGIN"),
        ("AUTH XOAUTH2", "xoauth2", "AUTH XOAUTH2 "),
    ] {
        let server = Server::start(Script::default().feature(offered)).await;
        let settings = settings(server.port).username("otp").password("swordfish").auth(auth);
        send(settings, message()).await.unwrap();
        let commands = server.commands();
        assert!(commands.iter().any(|line| line.starts_with(command)), "{commands:?}");
        assert_eq!(server.mails().len(), 1);
    }
}

#[tokio::test]
async fn a_login_that_is_not_offered_or_not_accepted_sends_nothing() {
    for (script, kind, certainty, words) in [
        (Script::default(), ErrorKind::Configuration, Certainty::NotSent, "none of the configured"),
        (
            Script::default().feature("AUTH CRAM-MD5"),
            ErrorKind::Configuration,
            Certainty::NotSent,
            "none of the configured",
        ),
        (
            Script::default().feature("AUTH PLAIN").act("AUTH", Act::Say("535 5.7.8 no")),
            ErrorKind::Unauthenticated,
            Certainty::Rejected,
            "does not accept the login",
        ),
        (
            Script::default().feature("AUTH PLAIN").act("AUTH", Act::Say("534 5.7.9 no")),
            ErrorKind::Unauthenticated,
            Certainty::Rejected,
            "made for applications",
        ),
    ] {
        let server = Server::start(script).await;
        let settings = settings(server.port).username("otp").password("swordfish");
        let error = send(settings, message()).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (kind, certainty), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("swordfish"));
        assert!(!server.commands().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn a_server_that_wants_a_login_says_so() {
    let server =
        Server::start(Script::default().act("MAIL", Act::Say("530 5.7.0 Authentication required")))
            .await;
    let error = send(settings(server.port), message()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.to_string().contains("set username and password"), "{error}");
}
