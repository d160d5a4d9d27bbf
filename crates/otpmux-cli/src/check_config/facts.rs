use otpmux::{Capabilities, Channel};

/// What a provider can do, in words.
pub(super) fn facts(capabilities: &Capabilities) -> Vec<String> {
    let channels: Vec<_> = capabilities.channels.iter().map(Channel::as_str).collect();
    let mut facts = vec![format!("sends by {}", channels.join(", "))];
    facts.push(match (&capabilities.otpmux_codes, &capabilities.vendor_codes) {
        (Some(lengths), _) => format!(
            "carries codes of ours of {} to {} digits, so any other vendor can follow with the same",
            lengths.start(),
            lengths.end()
        ),
        (None, Some(_)) => "makes its own codes, which only it can verify".to_owned(),
        (None, None) => "makes and carries no codes".to_owned(),
    });
    if !capabilities.phone_prefixes.is_empty() {
        facts.push(format!(
            "reaches numbers that begin with {}",
            prefixes(capabilities.phone_prefixes)
        ));
    }
    let verbs = [
        (capabilities.resend, "resend"),
        (capabilities.cancel, "cancel"),
        (capabilities.status, "delivery status"),
        (capabilities.balance, "balance"),
    ];
    let verbs: Vec<_> = verbs.iter().filter(|(can, _)| *can).map(|(_, verb)| *verb).collect();
    if !verbs.is_empty() {
        facts.push(format!("has {} of its own", verbs.join(", ")));
    }
    if capabilities.idempotent {
        facts.push("sends once, however often a send is repeated".to_owned());
    }
    if !capabilities.test_recipients.is_empty() {
        facts.push(
            "TEST RECIPIENTS ARE ON: whoever names one gets in; not for production".to_owned(),
        );
    }
    facts
}

fn prefixes(all: &[&str]) -> String {
    match all {
        [] | [_] | [_, _] | [_, _, _] | [_, _, _, _] => all.join(", "),
        [first, second, third, rest @ ..] => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
    }
}
