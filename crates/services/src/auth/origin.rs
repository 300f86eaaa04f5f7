//! Where a request comes from, as far as it is told, and how little of it is kept.

use std::net::{IpAddr, Ipv6Addr};

use domain::text::Text;

/// The longest name of a program that is looked at.
const LONGEST_AGENT: usize = 512;

/// The address, the device and the program of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address at the other end.
    pub address: Option<IpAddr>,
    /// What the program says that its device is: a random name that it keeps.
    pub device: Option<Text<64>>,
    /// What the program says that it is (`User-Agent`).
    pub agent: String,
}

/// What contains the first says the second.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// In this order: most programs claim to be those that follow them.
const PROGRAMS: [(&str, &str); 8] = [
    ("OwnCircle/", "Own Circle"),
    ("YaBrowser/", "Yandex Browser"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

impl Origin {
    /// The bytes of the network: a whole IPv4 address, or the 64 bits of an IPv6 one that its holder shares with nobody.
    #[must_use]
    pub fn network(&self) -> Option<Vec<u8>> {
        Some(match canonical(self.address?) {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets()[..8].to_vec(),
        })
    }

    /// A coarse place, for the list of sign-ins: half of an IPv4 address or a quarter of an IPv6 one.
    #[must_use]
    pub fn place(&self) -> String {
        match self.address.map(canonical) {
            None => String::new(),
            Some(IpAddr::V4(v4)) => {
                let [a, b, ..] = v4.octets();
                format!("{a}.{b}.0.0/16")
            }
            Some(IpAddr::V6(v6)) => {
                let [a, b, ..] = v6.segments();
                format!("{}/32", Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0))
            }
        }
    }

    /// The program and its system, as far as both are known by name; nothing that tells two people apart.
    #[must_use]
    pub fn client(&self) -> String {
        let agent = self.agent.get(..LONGEST_AGENT).unwrap_or(&self.agent);
        let find = |names: &[(&str, &'static str)]| {
            let found = names.iter().find(|(mark, _)| agent.contains(mark));
            found.map(|(_, name)| *name)
        };
        match (find(&PROGRAMS), find(&SYSTEMS)) {
            (Some(program), Some(system)) => format!("{program}, {system}"),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => String::new(),
        }
    }
}

/// An IPv4 address in the clothes of IPv6 is an IPv4 address.
fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Origin {
        Origin {
            address: Some(address.parse().unwrap()),
            ..Origin::default()
        }
    }

    #[test]
    fn a_v6_network_of_64_bits_is_one() {
        let network = |text| at(text).network().unwrap();
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2:f::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.2"), network("192.0.2.1"));
        assert_eq!(Origin::default().network(), None);
    }

    #[test]
    fn the_place_is_coarse() {
        assert_eq!(at("203.0.113.7").place(), "203.0.0.0/16");
        assert_eq!(at("::ffff:203.0.113.7").place(), "203.0.0.0/16");
        assert_eq!(at("2001:db8:1:2:3::4").place(), "2001:db8::/32");
        assert_eq!(Origin::default().place(), "");
    }

    #[test]
    fn the_program_is_told_by_name_only() {
        for (agent, client) in [
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome, Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari, iOS",
            ),
            ("OwnCircle/1.2 (Android 14)", "Own Circle, Android"),
            ("curl/8.5.0", "curl"),
            ("anything else", ""),
            ("", ""),
        ] {
            let origin = Origin {
                agent: agent.to_owned(),
                ..Origin::default()
            };
            assert_eq!(origin.client(), client);
        }
        let long = Origin {
            agent: "я".repeat(1000),
            ..Origin::default()
        };
        assert_eq!(long.client(), "");
    }
}
