//! Limits on open connections: in total, and per address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Room {
    most: usize,
    most_of_one: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// A slot for one connection, released on drop.
pub(super) struct Place {
    room: Arc<Room>,
    of: Option<IpAddr>,
}

/// The limit that is reached; a label of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Address,
}

impl Room {
    /// Creates the limits. Without `most_of_one`, an address gets half of the slots.
    pub(super) fn new(most: usize, most_of_one: Option<usize>) -> Arc<Self> {
        let most_of_one = most_of_one.unwrap_or(most.div_ceil(2));
        Arc::new(Self { most, most_of_one, taken: Mutex::default() })
    }

    /// Takes a slot for a connection from this address; `None` is an address without its own limit.
    pub(super) fn take(self: &Arc<Self>, of: Option<IpAddr>) -> Result<Place, Full> {
        let of = of.map(network);
        let mut taken = self.taken();
        if taken.all >= self.most {
            return Err(Full::All);
        }
        if let Some(address) = of {
            let own = taken.by.entry(address).or_default();
            if *own >= self.most_of_one {
                return Err(Full::Address);
            }
            *own += 1;
        }
        taken.all += 1;
        Ok(Place { room: Arc::clone(self), of })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // No step under the lock can panic half-way.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.all -= 1;
        let Some(address) = self.of else { return };
        if let Some(own) = taken.by.get_mut(&address) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&address);
            }
        }
    }
}

impl Full {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Address => "address",
        }
    }
}

/// The network that an address counts for: the owner of one IPv6 address has its whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_given_back_and_forgotten() {
        let room = Room::new(4, Some(2));
        let take = |address: &str| room.take(Some(address.parse().unwrap()));
        let (one, two) = (take("2001:db8::1").ok(), take("2001:db8::2").ok());
        assert!(one.is_some() && two.is_some());
        assert_eq!(take("2001:db8::ffff:3").err(), Some(Full::Address), "one network");
        let other = take("2001:db8:0:1::1").ok();
        assert!(other.is_some(), "another one");
        let proxy = room.take(None).ok();
        assert!(proxy.is_some());
        assert_eq!(room.take(None).err(), Some(Full::All));
        drop(one);
        let again = take("2001:db8::3").ok();
        assert!(again.is_some());
        drop((two, other, proxy, again));
        let taken = room.taken();
        assert_eq!((taken.all, taken.by.len()), (0, 0));
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_its_ipv6_form() {
        let room = Room::new(2, None);
        let _one = room.take(Some("192.0.2.1".parse().unwrap())).ok();
        let mapped = room.take(Some("::ffff:192.0.2.1".parse().unwrap()));
        assert_eq!(mapped.err(), Some(Full::Address), "half of all, without its own bound");
    }
}
