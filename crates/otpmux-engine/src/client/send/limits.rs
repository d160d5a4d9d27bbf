use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{Blame, Certainty, Error, ErrorKind, RateLimit, Recipient, SendRequest};

use crate::client::metrics;
use crate::{
    Guess, LimitExceeded, LimitHit, LimitKey, LimitScope, MessageLimits, RecipientHash, Refund,
    ServerKeys,
};

/// The limits of a policy, prepared for counting.
pub(in crate::client) struct PolicyLimits {
    recipient: Arc<[RateLimit]>,
    ip: Arc<[RateLimit]>,
    purpose: Arc<[RateLimit]>,
    number_range: Arc<[RateLimit]>,
    domain: Arc<[RateLimit]>,
    global: Arc<[RateLimit]>,
    guesses: Arc<[RateLimit]>,
    guesses_total: Arc<[RateLimit]>,
}

impl PolicyLimits {
    pub(in crate::client) fn new(limits: &MessageLimits) -> Self {
        Self {
            recipient: limits.recipient[..].into(),
            ip: limits.ip[..].into(),
            purpose: limits.purpose[..].into(),
            number_range: limits.number_range[..].into(),
            domain: limits.domain[..].into(),
            global: limits.global[..].into(),
            guesses: limits.guesses[..].into(),
            guesses_total: limits.guesses_total[..].into(),
        }
    }

    /// The hits for one message, with any provider.
    pub(in crate::client) fn of(
        &self,
        request: &SendRequest,
        recipient: &RecipientHash,
        keys: &ServerKeys,
    ) -> Vec<LimitHit> {
        let mut limit_hits = Vec::with_capacity(4);
        let mut add = |windows: &Arc<[RateLimit]>, key: &dyn Fn() -> Option<LimitKey>| {
            if !windows.is_empty()
                && let Some(key) = key()
            {
                limit_hits.push(LimitHit { key, windows: Arc::clone(windows) });
            }
        };
        add(&self.recipient, &|| Some(LimitKey::of_recipient(LimitScope::Recipient, recipient)));
        add(&self.ip, &|| Some(keys.limit_key(LimitScope::Ip, &network(request.client.ip?))));
        add(&self.purpose, &|| {
            Some(keys.limit_key(LimitScope::Purpose, request.purpose.as_str().as_bytes()))
        });
        add(&self.number_range, &|| {
            Some(keys.limit_key(LimitScope::NumberRange, prefix(&request.recipient)?.as_bytes()))
        });
        add(&self.domain, &|| {
            let domain = request.recipient.email()?.counted_domain();
            Some(keys.limit_key(LimitScope::Domain, domain.as_bytes()))
        });
        add(&self.global, &|| Some(keys.limit_key(LimitScope::Global, b"")));
        limit_hits
    }

    /// Adds to a guess the windows that count it: by its recipient and the client's address, so
    /// that one address cannot use up another's, and over all addresses; both by tenant, so that no
    /// tenant can use up another's.
    pub(in crate::client) fn guess(
        &self,
        guess: Guess,
        tenant: Option<&str>,
        client: Option<IpAddr>,
        keys: &ServerKeys,
    ) -> Guess {
        let total = guesser(tenant, None, keys);
        let own = if client.is_some() { guesser(tenant, client, keys) } else { total };
        guess
            .within(Arc::clone(&self.guesses))
            .within_total(Arc::clone(&self.guesses_total))
            .by(own, total)
    }
}

/// Where a message was counted: the hits to take back if nothing was sent.
#[derive(Clone, Copy)]
pub(in crate::client) struct Counted {
    /// All limits except the client's and its provider's. The client's hit stays, because the
    /// request was made even if nothing was sent.
    message: [Option<LimitKey>; 5],
    /// The provider's limit: it stays counted only if the request reached the provider.
    provider: Option<LimitKey>,
    at: SystemTime,
}

impl Counted {
    /// The refunds for hits that were counted at this time.
    pub(in crate::client) fn by(limit_hits: &[LimitHit], at: SystemTime) -> Self {
        let mut counted = Self { message: [None; 5], provider: None, at };
        for LimitHit { key, .. } in limit_hits {
            let place = match key.scope {
                LimitScope::Recipient => 0,
                LimitScope::Purpose => 1,
                LimitScope::NumberRange => 2,
                LimitScope::Domain => 3,
                LimitScope::Global => 4,
                LimitScope::Provider => {
                    counted.provider = Some(*key);
                    continue;
                }
                LimitScope::Ip | LimitScope::Guesses | LimitScope::GuessesTotal => continue,
            };
            counted.message[place] = Some(*key);
        }
        counted
    }

    /// Takes the refunds of the message, apart from the provider's.
    pub(super) fn take_message(&mut self) -> impl Iterator<Item = Refund> + use<> {
        let (message, at) = (std::mem::take(&mut self.message), self.at);
        message.into_iter().flatten().map(move |key| Refund { key, at })
    }

    /// The refund of the provider's hit.
    pub(super) fn provider(&self) -> Option<Refund> {
        self.provider.map(|key| Refund { key, at: self.at })
    }

    /// The refunds of a message whose request certainly did not reach the provider.
    pub(super) fn all(mut self) -> Vec<Refund> {
        let provider = self.provider();
        self.take_message().chain(provider).collect()
    }
}

/// Keyed hash of the guesser; zeros when neither tenant nor address is known.
fn guesser(tenant: Option<&str>, client: Option<IpAddr>, keys: &ServerKeys) -> [u8; 8] {
    let mut who = [0; 8];
    if tenant.is_none() && client.is_none() {
        return who;
    }
    let address = client.map(network).unwrap_or_default();
    let tenant = tenant.map(str::as_bytes).unwrap_or_default();
    // The length of the address comes first, so that a tenant's name cannot pass for a part of it.
    let length = u8::try_from(address.len()).unwrap_or_default();
    let text = [&[length], &address[..], tenant].concat();
    who.copy_from_slice(&keys.tag("guesser", &text)[..8]);
    who
}

/// The whole IPv4 address, or the first 64 bits of an IPv6 address: every household can use any
/// number of addresses behind them.
fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

/// The number without its last four digits.
fn prefix(recipient: &Recipient) -> Option<&str> {
    let phone = recipient.phone()?;
    let number = phone.expose();
    number.get(..number.len().checked_sub(4)?)
}

/// The error of a limit that has no room.
pub(in crate::client) fn limited(limited: &LimitExceeded) -> Error {
    metrics::limited(limited.scope);
    let RateLimit { count, per, .. } = limited.window;
    let whose = match limited.scope {
        LimitScope::Recipient => "this recipient",
        LimitScope::Ip => "this client address",
        LimitScope::Purpose => "this purpose",
        LimitScope::NumberRange => "this block of numbers",
        LimitScope::Domain => "this mail domain",
        LimitScope::Provider => "this provider",
        LimitScope::Global => "all recipients together",
        LimitScope::Guesses => "guesses",
        LimitScope::GuessesTotal => "guesses from all addresses",
    };
    // If all providers are at their limits, another vendor could still carry the message.
    let blame = match limited.scope {
        LimitScope::Provider => Blame::Provider,
        _ => Blame::Policy,
    };
    Error::new(ErrorKind::RateLimited, Certainty::NotSent, blame)
        .with_detail(format!(
            "the limit `{}` is reached: {count} in {} s for {whose}",
            limited.scope.as_str(),
            per.as_secs()
        ))
        .with_limit(limited.scope.as_str())
        .with_retry_after(limited.retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_counts_as_one_client_and_so_does_a_mapped_ipv4_address() {
        let of = |ip: &str| network(ip.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_block_is_a_number_without_its_last_four_digits() {
        let of = |to: &str| prefix(&to.parse().unwrap()).map(str::to_owned);
        assert_eq!(of("+919876543210").as_deref(), Some("+91987654"));
        assert_eq!(of("a@example.com"), None);
    }
}
