//! Every field of the capabilities, and the trials that prove it.
//!
//! [`Capabilities`] may grow, and another crate cannot list all its fields in a pattern. So the
//! fields are counted in its derived `Debug`, which shows all of them. A field that is missing in
//! this table makes a trial of every adapter fail.

use otpmux_core::Capabilities;

use super::case::{Cases, ensure};
use super::{asking, otpmux_codes, sending, vendor_codes, wishes};

struct Claim {
    field: &'static str,
    claimed: fn(&Capabilities) -> bool,
    /// Adds the trials of the claim.
    trials: fn(&mut Cases),
    /// Adds the trials for a provider that does not claim it.
    otherwise: fn(&mut Cases),
}

const fn claim(
    field: &'static str,
    claimed: fn(&Capabilities) -> bool,
    trials: fn(&mut Cases),
    otherwise: fn(&mut Cases),
) -> Claim {
    Claim { field, claimed, trials, otherwise }
}

/// A claim about the vendor that does not affect the provider.
const fn data(field: &'static str) -> Claim {
    claim(field, |_| false, nothing, nothing)
}

const CLAIMS: &[Claim] = &[
    claim("channels", |c| !c.channels.is_empty(), sending::channels, nothing),
    claim(
        "otpmux_codes",
        |c| c.otpmux_codes.is_some(),
        otpmux_codes::claimed,
        otpmux_codes::unclaimed,
    ),
    claim(
        "letters_in_codes",
        |c| c.letters_in_codes,
        otpmux_codes::letters,
        otpmux_codes::digits_only,
    ),
    claim(
        "vendor_codes",
        |c| c.vendor_codes.is_some(),
        vendor_codes::claimed,
        vendor_codes::unclaimed,
    ),
    claim("ttls", |c| c.ttls.is_some(), sending::ttls, nothing),
    claim("phone_prefixes", |c| !c.phone_prefixes.is_empty(), sending::prefixes, nothing),
    claim("countries", |c| !c.countries.is_empty(), sending::countries, nothing),
    data("receipts_by_reference"),
    // The engine and the check of the configuration read it; the provider refuses nothing for it.
    data("needs_dlt"),
    claim("message", |c| c.message, wishes::message, nothing),
    claim("needs_message", |c| c.needs_message, wishes::needed_message, nothing),
    claim("template", |c| c.template, wishes::template, nothing),
    claim("locale", |c| c.locale, wishes::locale, nothing),
    claim("sender", |c| c.sender, wishes::sender, nothing),
    claim("resend", |c| c.resend, asking::resend, asking::no_resend),
    claim("cancel", |c| c.cancel, asking::cancel, asking::no_cancel),
    claim("status", |c| c.status, asking::status, asking::no_status),
    claim("status_by_key", |c| c.status_by_key, asking::status_by_key, nothing),
    claim("balance", |c| c.balance, asking::balance, asking::no_balance),
    claim("report", |c| c.report, asking::report, asking::no_report),
    claim("receipts", |c| c.receipts.is_some(), asking::receipts, asking::no_receipts),
    claim("idempotent", |c| c.idempotent, sending::idempotent, nothing),
    claim(
        "test_recipients",
        |c| !c.test_recipients.is_empty(),
        vendor_codes::test_recipients,
        nothing,
    ),
    // The vendor's documented numbers, for the engine's limiters. Only the guesses can be observed
    // from outside, and the trials of the vendor's codes use them.
    data("limits"),
];

fn nothing(_: &mut Cases) {}

pub(super) fn add(cases: &mut Cases) {
    let mut problems = fields_without_a_row(cases.capabilities());
    for claim in CLAIMS {
        if !(claim.claimed)(cases.capabilities()) {
            (claim.otherwise)(cases);
            continue;
        }
        let before = cases.len();
        (claim.trials)(cases);
        if cases.len() == before {
            problems.push(format!("`{}` is claimed, and nothing was tried", claim.field));
        }
    }
    cases.add("claims/each-has-a-trial", async move |_| {
        ensure!(problems.is_empty(), "{}", problems.join("; "));
        Ok(())
    });
}

fn fields_without_a_row(capabilities: &Capabilities) -> Vec<String> {
    let fields = fields(&format!("{capabilities:#?}"));
    let unknown = fields
        .iter()
        .filter(|field| CLAIMS.iter().all(|claim| claim.field != *field))
        .map(|field| format!("`{field}` has no trial in the conformance suite"));
    let gone = CLAIMS
        .iter()
        .filter(|claim| fields.iter().all(|field| field != claim.field))
        .map(|claim| format!("`{}` is no capability any more", claim.field));
    unknown.chain(gone).collect()
}

/// Returns the names of the outermost fields in an alternate `Debug` text.
fn fields(debug: &str) -> Vec<String> {
    let outermost = |line: &str| {
        let rest = line.strip_prefix("    ")?;
        let (name, _) = rest.split_once(':')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        is_name.then(|| name.to_owned())
    };
    debug.lines().filter_map(outermost).collect()
}

#[cfg(test)]
mod tests {
    use otpmux_core::Channel;

    use super::*;

    #[test]
    fn every_capability_has_a_row() {
        let capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(Some(4..=8));
        assert_eq!(fields(&format!("{capabilities:#?}")).len(), CLAIMS.len());
        assert_eq!(fields_without_a_row(&capabilities), Vec::<String>::new());
    }

    #[test]
    fn a_new_capability_is_noticed() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "only its Debug is looked at")]
        struct Grown {
            channels: Vec<u8>,
            teleport: Option<Inner>,
        }
        #[derive(Debug)]
        #[expect(dead_code, reason = "only its Debug is looked at")]
        struct Inner {
            deeper: bool,
        }
        let grown = Grown { channels: vec![1], teleport: Some(Inner { deeper: true }) };
        assert_eq!(fields(&format!("{grown:#?}")), ["channels", "teleport"]);
    }
}
