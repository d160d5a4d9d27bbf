//! Clients that may use some purposes only, and readiness.

use otpmux_core::{Blame, Certainty, Code, Error, ErrorKind, Purpose};
use otpmux_engine::{NewVerification, Resend, Scope, ScopedClient};

use crate::world::{World, carrier, phone};

fn scope(names: &[&str]) -> Scope {
    Scope::of(names.iter().map(|name| Purpose::new(*name).unwrap()))
}

async fn verify(client: &ScopedClient, id: otpmux_engine::VerificationId, code: &str) -> String {
    let code: Code = code.parse().unwrap();
    client.verify(id, &code).await.unwrap().as_str().to_owned()
}

#[tokio::test]
async fn a_verification_of_another_purpose_does_not_exist() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send_for("payout").await;
    let code = a.otpmux_codes().remove(0);
    for foreign in [scope(&["login"]), scope(&["login", "signup"]), scope(&[])] {
        let foreign = world.client.scoped(foreign);
        assert_eq!(verify(&foreign, sent.id, &code).await, "not_found");
        for error in [
            foreign.status(sent.id).await.unwrap_err(),
            foreign.resend(sent.id, Resend::new()).await.unwrap_err(),
            foreign.cancel(sent.id).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.blame()), (ErrorKind::NotFound, Blame::Caller));
        }
        let new = NewVerification::to(phone()).for_purpose(Purpose::new("payout").unwrap());
        let error = foreign.send(new).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Forbidden, Certainty::NotSent));
    }
    assert_eq!(a.count(), 1);
    let status = world.client.status(sent.id).await.unwrap();
    assert_eq!(status.guesses_left, 5, "no guess was counted");
    let own = world.client.scoped(scope(&["login", "payout"]));
    assert_eq!(verify(&own, sent.id, &code).await, "approved");
}

#[tokio::test(start_paused = true)]
async fn ready_while_codes_can_be_verified_however_the_vendors_are() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    world.client.ready().await.unwrap();
    let refused = |_: &_, _: &_| {
        Err(Error::new(ErrorKind::Unauthenticated, Certainty::Rejected, Blame::Provider))
    };
    a.sends.always(refused);
    world.send().await.unwrap();
    b.sends.always(refused);
    world.send().await.unwrap_err();
    world.client.ready().await.unwrap();
    let open = world.client.providers().iter().filter(|view| !view.is_available()).count();
    assert_eq!(open, 2, "they are reported apart");
}
