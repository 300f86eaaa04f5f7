//! The address that a request comes from. What a header says of it is believed only of the proxies that the settings
//! name, and only as far back as the first address that is none of them: whatever stands before was written by
//! somebody whom nobody vouches for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

use crate::problem::Problem;

/// The header that most proxies write.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Which header the trusted proxies write. The other one is the client's own word and never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies in front of the service.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TrustedProxies {
    /// Where they stand; none, and no header is read.
    pub networks: Vec<IpNet>,
    /// What they write.
    pub header: ProxyHeader,
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Who sent a request that came from `peer` with these headers.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if self.networks.is_empty() || !self.trusts(peer) {
            return client;
        }
        let name = match self.header {
            ProxyHeader::XForwardedFor => X_FORWARDED_FOR,
            ProxyHeader::Forwarded => header::FORWARDED,
        };
        let lines: Vec<&str> = headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops {
            let address = match self.header {
                ProxyHeader::XForwardedFor => address_in(hop),
                ProxyHeader::Forwarded => forwarded_for(hop).and_then(address_in),
            };
            // A hop that hides its address is the last that somebody vouches for.
            let Some(address) = address else { break };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }
}

/// The value of `for` in one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for")
            .then(|| value.trim_matches('"'))
    })
}

/// An address, alone or with a port, a version 6 one with brackets or without.
fn address_in(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let alone = bare.unwrap_or(hop).parse::<IpAddr>().ok();
    alone.or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// The address of whoever sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What the outermost layer found out; `0.0.0.0` when there is no socket, as in tests without a network.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        let found = extensions.get::<Self>().copied();
        found.unwrap_or_else(|| Self(peer(extensions)))
    }

    /// Finds out.
    pub(crate) fn find(
        proxies: &TrustedProxies,
        extensions: &Extensions,
        headers: &HeaderMap<HeaderValue>,
    ) -> Self {
        Self(proxies.client(peer(extensions), headers))
    }
}

/// The other end of the connection.
fn peer(extensions: &Extensions) -> IpAddr {
    let socket = extensions.get::<ConnectInfo<SocketAddr>>();
    socket.map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip())
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.extensions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: ProxyHeader, peer: &str, lines: &[&str]) -> String {
        let proxies = TrustedProxies {
            networks: ["10.0.0.0/8", "fd00::/8"]
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
            header,
        };
        let mut headers = HeaderMap::new();
        for (name, other) in [
            (X_FORWARDED_FOR, ProxyHeader::Forwarded),
            (header::FORWARDED, ProxyHeader::XForwardedFor),
        ] {
            if header == other {
                // The header that the proxies don't write is always there, and never believed.
                headers.append(name, HeaderValue::from_static("for=192.0.2.66, 192.0.2.66"));
            } else {
                for line in lines {
                    headers.append(name.clone(), HeaderValue::from_str(line).unwrap());
                }
            }
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_add_is_believed() {
        let x = |peer: &str, lines: &[&str]| client(ProxyHeader::XForwardedFor, peer, lines);
        assert_eq!(x("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(x("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(x("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            x("10.0.0.1", &["192.0.2.7, 198.51.100.1, 10.2.3.4"]),
            "198.51.100.1"
        );
        assert_eq!(
            x("10.0.0.1", &["192.0.2.7", "198.51.100.1", "10.2.3.4"]),
            "198.51.100.1"
        );
        assert_eq!(x("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(x("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(x("10.0.0.1", &["192.0.2.7, unknown"]), "10.0.0.1");
        assert_eq!(x("10.0.0.1", &[""]), "10.0.0.1");
        assert_eq!(x("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(x("10.0.0.1", &["10.9.9.9"]), "10.9.9.9");
    }

    #[test]
    fn the_standard_header_is_read_where_proxies_write_it() {
        let f = |peer: &str, lines: &[&str]| client(ProxyHeader::Forwarded, peer, lines);
        assert_eq!(
            f("10.0.0.1", &["for=198.51.100.1;proto=https;by=10.0.0.1"]),
            "198.51.100.1"
        );
        assert_eq!(
            f("10.0.0.1", &["For=\"[2001:db8::7]:4711\""]),
            "2001:db8::7"
        );
        assert_eq!(
            f(
                "10.0.0.1",
                &["for=192.0.2.7, for=198.51.100.1", "for=10.1.1.1"]
            ),
            "198.51.100.1"
        );
        assert_eq!(f("10.0.0.1", &["for=_hidden"]), "10.0.0.1");
        assert_eq!(f("203.0.113.9", &["for=198.51.100.1"]), "203.0.113.9");
    }
}
