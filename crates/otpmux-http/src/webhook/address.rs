use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public internet. Everything else may be a part of the operator's
/// own network, such as the metadata service of a cloud (169.254.169.254, `fd00:ec2::254`).
///
/// The source is IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its
/// successors), as of the row of RFC 9780. This function is stricter in one point: a range that is not
/// globally reachable has no exceptions, because those in 192.0.0.0/24 and `2001::/23` are services of the
/// network in which the process runs. An IPv6 address that maps to an IPv4 address (mapped, or NAT64) is as
/// public as that one.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// The IPv4 ranges that are not public, each by its first address and the length of its prefix.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network, RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private use, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared address space, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback, RFC 1122
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link local, RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private use, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation, RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relay anycast, deprecated by RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private use, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation, RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation, RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast, RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, and limited broadcast, RFC 1112
];

/// The only IPv6 range of global unicast addresses (RFC 4291). The others are unassigned, local, or multicast.
const UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The ranges in it that are not public.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, RFC 2928; Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, RFC 3056
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
];

/// The ranges whose last 32 bits are the IPv4 address that they stand for: mapped addresses (RFC 4291), and NAT64
/// (RFC 6052), by which a machine without IPv4 reaches receivers that have nothing else. Of NAT64's
/// other range, 64:ff9b:1::/48 (RFC 8215), each network decides what it maps to.
const FOR_V4: [(Ipv6Addr, u32); 2] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
];

fn v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4.iter().any(|(first, length)| (bits ^ first.to_bits()) >> (32 - length) == 0)
}

fn v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let within =
        |(first, length): &(Ipv6Addr, u32)| (bits ^ first.to_bits()) >> (128 - length) == 0;
    if FOR_V4.iter().any(within) {
        let [.., a, b, c, d] = address.octets();
        return v4(Ipv4Addr::new(a, b, c, d));
    }
    within(&UNICAST) && !SPECIAL_V6.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of IANA's registries: the address block, and whether it is globally reachable (`none`: the
    /// registry does not say, because the block is deprecated or maps to others).
    /// Sources: iana.org/assignments/iana-ipv4-special-registry and
    /// iana.org/assignments/iana-ipv6-special-registry, the CSV files as of 2025.
    const REGISTRIES: [&str; 51] = [
        "0.0.0.0/8 no",
        "0.0.0.0/32 no",
        "10.0.0.0/8 no",
        "100.64.0.0/10 no",
        "127.0.0.0/8 no",
        "169.254.0.0/16 no",
        "172.16.0.0/12 no",
        "192.0.0.0/24 no",
        "192.0.0.0/29 no",
        "192.0.0.8/32 no",
        "192.0.0.9/32 yes",
        "192.0.0.10/32 yes",
        "192.0.0.170/32 no",
        "192.0.0.171/32 no",
        "192.0.2.0/24 no",
        "192.31.196.0/24 yes",
        "192.52.193.0/24 yes",
        "192.88.99.0/24 none",
        "192.88.99.2/32 no",
        "192.168.0.0/16 no",
        "192.175.48.0/24 yes",
        "198.18.0.0/15 no",
        "198.51.100.0/24 no",
        "203.0.113.0/24 no",
        "240.0.0.0/4 no",
        "255.255.255.255/32 no",
        "::1/128 no",
        "::/128 no",
        "::ffff:0:0/96 no",
        "64:ff9b::/96 yes",
        "64:ff9b:1::/48 no",
        "100::/64 no",
        "100:0:0:1::/64 no",
        "2001::/23 no",
        "2001::/32 none",
        "2001:1::1/128 yes",
        "2001:1::2/128 yes",
        "2001:1::3/128 yes",
        "2001:2::/48 no",
        "2001:3::/32 yes",
        "2001:4:112::/48 yes",
        "2001:10::/28 none",
        "2001:20::/28 yes",
        "2001:30::/28 yes",
        "2001:db8::/32 no",
        "2002::/16 none",
        "2620:4f:8000::/48 yes",
        "3fff::/20 no",
        "5f00::/16 no",
        "fc00::/7 no",
        "fe80::/10 no",
    ];

    /// A row of the registries: its first and last address as numbers, and whether it is reachable.
    struct Row {
        is_v4: bool,
        first: u128,
        last: u128,
        reachable: bool,
    }

    impl Row {
        fn read(row: &str) -> Self {
            let (block, reachable) = row.split_once(' ').unwrap();
            let (first, length) = block.split_once('/').unwrap();
            let (first, bits) = match first.parse().unwrap() {
                IpAddr::V4(first) => (u128::from(first.to_bits()), 32),
                IpAddr::V6(first) => (first.to_bits(), 128),
            };
            let size = bits - length.parse::<u32>().unwrap();
            let last = first + ((1 << size) - 1);
            Self { is_v4: bits == 32, first, last, reachable: reachable == "yes" }
        }

        /// Its ends, and the addresses beside them, if there are any.
        fn samples(&self) -> impl Iterator<Item = IpAddr> {
            let outside = [self.first.checked_sub(1), self.last.checked_add(1)];
            let all = outside.into_iter().flatten().chain([self.first, self.last]);
            all.filter_map(|number| match u32::try_from(number) {
                Ok(number) if self.is_v4 => Some(Ipv4Addr::from_bits(number).into()),
                Err(_) if self.is_v4 => None,
                _ => Some(Ipv6Addr::from_bits(number).into()),
            })
        }
    }

    /// The answer by the registries alone: the least reachable row decides, and an address that maps to an
    /// IPv4 address is as public as that one.
    fn expected(rows: &[Row], address: IpAddr) -> bool {
        let (number, unicast) = match address {
            IpAddr::V4(it) => (u128::from(it.to_bits()), !it.is_multicast()),
            IpAddr::V6(it) => {
                let [first, .., e, f, g, h] = it.octets().map(u32::from);
                let nat64 = it.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
                if nat64 || it.to_ipv4_mapped().is_some() {
                    let bits = e << 24 | f << 16 | g << 8 | h;
                    return expected(rows, Ipv4Addr::from_bits(bits).into());
                }
                (it.to_bits(), (0x20..0x40).contains(&first))
            }
        };
        let covers =
            |row: &&Row| row.is_v4 == address.is_ipv4() && (row.first..=row.last).contains(&number);
        unicast && rows.iter().filter(covers).all(|row| row.reachable)
    }

    #[test]
    fn every_row_of_the_registries_at_both_ends_and_outside() {
        let rows = REGISTRIES.map(Row::read);
        for row in &rows {
            for address in row.samples() {
                assert_eq!(is_public(address), expected(&rows, address), "{address}");
            }
        }
    }

    #[test]
    fn only_addresses_of_the_public_internet() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:200::1",
            "2620:fe::fe",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn no_address_of_another_network() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "169.254.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "::8.8.8.8",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "2002:a00:1::1",
            "2002:808:808::1",
            "192.0.0.9",
            "2001:1::1",
            "5f00::1",
            "100:0:0:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "4000::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }
}
