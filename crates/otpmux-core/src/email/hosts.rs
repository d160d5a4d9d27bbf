//! Spellings of an address that a mail host delivers to the same mailbox.

/// A host that delivers several spellings to one mailbox.
struct Host {
    /// The first domain is the one that is counted.
    domains: &'static [&'static str],
    /// Characters of the local part that the host ignores.
    ignores: &'static str,
}

/// Google documents that personal accounts ignore dots and everything after a plus sign, and that
/// `googlemail.com` is the same as `gmail.com`.
const GMAIL: Host = Host { domains: &["gmail.com", "googlemail.com"], ignores: "." };

/// Hosts for the counted form; not all of their rules are certain.
const HOSTS: [Host; 3] = [
    GMAIL,
    // One account has its name at all of these domains; names that differ only in these characters
    // are equal.
    Host { domains: &["proton.me", "protonmail.com", "protonmail.ch", "pm.me"], ignores: ".-_" },
    // Apple gives older accounts the same name at the newer domains.
    Host { domains: &["icloud.com", "me.com", "mac.com"], ignores: "" },
];

/// Hosts that document that mail to `anything@NAME.fastmail.com` goes to `NAME@fastmail.com`.
const SUBDOMAIN_IS_NAME: [&str; 2] = ["fastmail.com", "fastmail.fm"];

/// Second-level labels that a country uses as categories.
const KINDS: [&str; 17] = [
    "ac", "co", "com", "edu", "gen", "go", "gob", "gouv", "gov", "ltd", "me", "ne", "net", "nom",
    "or", "org", "sch",
];

/// Returns one form for addresses that certainly name the same mailbox.
pub(super) fn canonical(local: &str, domain: &str) -> String {
    let local = local.to_ascii_lowercase();
    if GMAIL.domains.contains(&domain) {
        join(&GMAIL.without_ignored(cut(&local, '+')), GMAIL.domains[0])
    } else {
        join(&local, domain)
    }
}

/// Returns one form for addresses that may name the same mailbox.
pub(super) fn counted(local: &str, domain: &str) -> String {
    let local = local.to_ascii_lowercase();
    let name = cut(&local, '+');
    if let Some(host) = HOSTS.iter().find(|host| host.domains.contains(&domain)) {
        return join(&host.without_ignored(name), host.domains[0]);
    }
    if is_yahoo(domain) {
        // A hyphen begins the tag of a disposable address there; no name contains one.
        return join(cut(name, '-'), domain);
    }
    let owner = SUBDOMAIN_IS_NAME.into_iter().find_map(|host| {
        let name = domain.strip_suffix(host)?.strip_suffix('.')?;
        (!name.contains('.')).then_some((name, host))
    });
    let (name, domain) = owner.unwrap_or((name, domain));
    join(name, domain)
}

/// Returns a domain without its subdomains.
pub(super) fn counted_domain(domain: &str) -> &str {
    if let Some(host) = HOSTS.iter().find(|host| host.domains.contains(&domain)) {
        return host.domains[0];
    }
    let mut labels = domain.rsplit('.');
    let (last, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let labels = if last.len() == 2 && KINDS.contains(&second) { 3 } else { 2 };
    match domain.rmatch_indices('.').nth(labels - 1) {
        Some((dot, _)) => &domain[dot + 1..],
        None => domain,
    }
}

impl Host {
    /// Returns a name without the ignored characters, or the name itself if it holds nothing else.
    fn without_ignored(&self, name: &str) -> String {
        let rest = name.replace(|sign| self.ignores.contains(sign), "");
        if rest.is_empty() { name.to_owned() } else { rest }
    }
}

/// Returns the part before a tag. A name that begins with the sign has no tag.
fn cut(name: &str, sign: char) -> &str {
    match name.split_once(sign) {
        // Otherwise the name would end with a dot.
        Some((name, _)) if !name.trim_end_matches('.').is_empty() => name.trim_end_matches('.'),
        _ => name,
    }
}

fn is_yahoo(domain: &str) -> bool {
    domain.starts_with("yahoo.") || ["ymail.com", "rocketmail.com"].contains(&domain)
}

fn join(local: &str, domain: &str) -> String {
    [local, "@", domain].concat()
}

#[cfg(test)]
mod tests {
    use crate::EmailAddress;

    fn address(text: &str) -> EmailAddress {
        text.parse().unwrap()
    }

    #[test]
    fn certain_and_counted_forms() {
        for (given, canonical, counted) in [
            ("Ann@Example.COM", "ann@example.com", "ann@example.com"),
            ("ANN+x@example.com", "ann+x@example.com", "ann@example.com"),
            ("a.nn@example.com", "a.nn@example.com", "a.nn@example.com"),
            ("ann-x@example.com", "ann-x@example.com", "ann-x@example.com"),
            ("+x@example.com", "+x@example.com", "+x@example.com"),
            ("ann+x+y@example.com", "ann+x+y@example.com", "ann@example.com"),
            ("A.n.n+x.y@gmail.com", "ann@gmail.com", "ann@gmail.com"),
            ("ann@googlemail.com", "ann@gmail.com", "ann@gmail.com"),
            ("+x@gmail.com", "+x@gmail.com", "+x@gmail.com"),
            ("ann@mail.gmail.com", "ann@mail.gmail.com", "ann@mail.gmail.com"),
            ("a.n-n_1@pm.me", "a.n-n_1@pm.me", "ann1@proton.me"),
            ("ann+x@me.com", "ann+x@me.com", "ann@icloud.com"),
            ("ann-x@yahoo.co.uk", "ann-x@yahoo.co.uk", "ann@yahoo.co.uk"),
            ("x@ann.fastmail.com", "x@ann.fastmail.com", "ann@fastmail.com"),
            ("x@y.ann.fastmail.com", "x@y.ann.fastmail.com", "x@y.ann.fastmail.com"),
            ("ann@notfastmail.com", "ann@notfastmail.com", "ann@notfastmail.com"),
        ] {
            assert_eq!(address(given).canonical(), canonical, "{given}");
            assert_eq!(address(given).counted(), counted, "{given}");
        }
    }

    #[test]
    fn subdomains_count_as_their_domain() {
        for (domain, counted) in [
            ("example.com", "example.com"),
            ("a.b.example.com", "example.com"),
            ("example.co.uk", "example.co.uk"),
            ("a.example.co.uk", "example.co.uk"),
            ("co.uk", "co.uk"),
            ("x.gmx.de", "gmx.de"),
            ("a.co.example", "co.example"),
            ("googlemail.com", "gmail.com"),
        ] {
            assert_eq!(address(&format!("a@{domain}")).counted_domain(), counted, "{domain}");
        }
    }
}
