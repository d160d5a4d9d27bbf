//! Which spellings of an address a mail host takes for the same mailbox.

/// A host that takes several spellings for one mailbox.
struct Host {
    /// The first is the one that is counted.
    domains: &'static [&'static str],
    /// Characters of the local part that it does not look at.
    ignores: &'static str,
}

/// Google documents that dots do not matter in personal accounts, that what follows a plus sign does
/// not either, and that `googlemail.com` is `gmail.com`.
const GMAIL: Host = Host { domains: &["gmail.com", "googlemail.com"], ignores: "." };

/// Hosts of which limits know more than they may be sure of.
const HOSTS: [Host; 3] = [
    GMAIL,
    // One account has its name at all of them; names that differ in these signs are one.
    Host { domains: &["proton.me", "protonmail.com", "protonmail.ch", "pm.me"], ignores: ".-_" },
    // Apple gives older accounts the same name at the newer domains.
    Host { domains: &["icloud.com", "me.com", "mac.com"], ignores: "" },
];

/// Where mail to `anything@NAME.fastmail.com` goes to `NAME@fastmail.com`, as documented.
const SUBDOMAIN_IS_NAME: [&str; 2] = ["fastmail.com", "fastmail.fm"];

/// Words that say what kind of name a country registers below them.
const KINDS: [&str; 17] = [
    "ac", "co", "com", "edu", "gen", "go", "gob", "gouv", "gov", "ltd", "me", "ne", "net", "nom",
    "or", "org", "sch",
];

/// The one form of what is certainly the same mailbox.
pub(super) fn canonical(local: &str, domain: &str) -> String {
    let local = local.to_ascii_lowercase();
    if GMAIL.domains.contains(&domain) {
        join(&GMAIL.without_ignored(cut(&local, '+')), GMAIL.domains[0])
    } else {
        join(&local, domain)
    }
}

/// The one form of what may be the same mailbox.
pub(super) fn counted(local: &str, domain: &str) -> String {
    let local = local.to_ascii_lowercase();
    let name = cut(&local, '+');
    if let Some(host) = HOSTS.iter().find(|host| host.domains.contains(&domain)) {
        return join(&host.without_ignored(name), host.domains[0]);
    }
    if is_yahoo(domain) {
        // A hyphen begins the tag of a disposable address there; no name has one.
        return join(cut(name, '-'), domain);
    }
    let owner = SUBDOMAIN_IS_NAME.into_iter().find_map(|host| {
        let name = domain.strip_suffix(host)?.strip_suffix('.')?;
        (!name.contains('.')).then_some((name, host))
    });
    let (name, domain) = owner.unwrap_or((name, domain));
    join(name, domain)
}

/// A domain without its subdomains.
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
    /// A name without what its host does not look at; as it is, if nothing else is in it.
    fn without_ignored(&self, name: &str) -> String {
        let rest = name.replace(|sign| self.ignores.contains(sign), "");
        if rest.is_empty() { name.to_owned() } else { rest }
    }
}

/// What comes before a tag. A name that begins with the sign has no tag.
fn cut(name: &str, sign: char) -> &str {
    match name.split_once(sign) {
        // A dot before the sign would end the name otherwise.
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
