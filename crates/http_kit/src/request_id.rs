//! The name of a request: taken over from the caller when it is sane, made otherwise, and given back in every answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use uuid::Uuid;

use crate::problem::Problem;

/// The header that carries it.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header in which a proxy tells the client.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The header of a distributed trace (W3C Trace Context).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The name of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's name for the request, when it has 1 to 128 letters, digits, dots, dashes or underscores.
    #[must_use]
    pub fn accept(headers: &HeaderMap) -> Option<Self> {
        let name = headers.get(X_REQUEST_ID)?;
        let sane = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let bytes = name.as_bytes();
        let takes = (1..=128).contains(&bytes.len()) && bytes.iter().copied().all(sane);
        takes.then(|| Self(name.clone()))
    }

    /// A name of our own.
    #[must_use]
    pub fn made(id: Uuid) -> Self {
        let mut text = Uuid::encode_buffer();
        let text: &str = id.hyphenated().encode_lower(&mut text);
        Self(HeaderValue::from_str(text).expect("an identifier is plain ASCII"))
    }

    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The same as the value of a header.
    #[must_use]
    pub const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(parts
            .extensions
            .get()
            .cloned()
            .unwrap_or(Self(HeaderValue::from_static(""))))
    }
}

/// A `traceparent` of version 00 that is well formed.
#[must_use]
pub fn traceparent(headers: &HeaderMap) -> Option<HeaderValue> {
    let header = headers.get(TRACEPARENT)?;
    let value = header.to_str().ok()?;
    let lengths = value.split('-').map(str::len);
    let hex = value
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    (hex && value.starts_with("00-") && lengths.eq([2, 32, 16, 2])).then(|| header.clone())
}

/// Where the client is. Headers are believed only when one of our own proxies sends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The client's address as [`Self::behind`] has told it; else that of the socket, and `0.0.0.0` when there is none,
    /// as in tests without a network.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        if let Some(told) = extensions.get::<Self>() {
            return *told;
        }
        let socket = extensions.get::<ConnectInfo<SocketAddr>>();
        Self(socket.map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip()))
    }

    /// The client of a request that one of our own proxies hands on: the last address in `X-Forwarded-For` that is not a
    /// proxy's. What stands before it may be invented, and so is all of it when nobody that we trust is at the other end.
    #[must_use]
    pub fn behind(proxies: &[IpNet], extensions: &Extensions, headers: &HeaderMap) -> Option<Self> {
        let is_proxy = |address: IpAddr| proxies.iter().any(|net| net.contains(&address));
        let mut last = Self::of(extensions).0.to_canonical();
        if !is_proxy(last) {
            return None;
        }
        let told = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
        let told = told.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        for address in told {
            let Ok(address) = address.trim().parse::<IpAddr>() else {
                break;
            };
            last = address.to_canonical();
            if !is_proxy(last) {
                break;
            }
        }
        Some(Self(last))
    }
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

    #[test]
    fn only_a_proxy_of_ours_tells_the_client() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        let told = |socket: &str, headers: &[&str]| {
            let mut extensions = Extensions::new();
            let socket: SocketAddr = socket.parse().expect("an address");
            extensions.insert(ConnectInfo(socket));
            let mut map = HeaderMap::new();
            for header in headers {
                map.append(X_FORWARDED_FOR, header.parse().expect("a value"));
            }
            ClientAddress::behind(&proxies, &extensions, &map).map(|client| client.0.to_string())
        };
        let none = None;
        assert_eq!(told("203.0.113.9:1", &["198.51.100.1"]), none);
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(told("10.0.0.1:1", &[]), said("10.0.0.1"));
        assert_eq!(told("10.0.0.1:1", &["198.51.100.1"]), said("198.51.100.1"));
        let invented = ["6.6.6.6, 198.51.100.1", "10.0.0.7"];
        assert_eq!(told("10.0.0.1:1", &invented), said("198.51.100.1"));
        assert_eq!(told("10.0.0.1:1", &["6.6.6.6, x"]), said("10.0.0.1"));
        assert_eq!(
            told("[::ffff:10.0.0.1]:1", &["2001:db8::1"]),
            said("2001:db8::1")
        );
    }

    #[test]
    fn only_sane_names_are_taken_over() {
        let accept = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            let value = http::HeaderValue::from_bytes(value).expect("a header value");
            headers.insert(X_REQUEST_ID, value);
            RequestId::accept(&headers).is_some()
        };
        assert!(accept(b"till-7.000_1"));
        for bad in [&b""[..], b"a b", b"a\"b", "имя".as_bytes(), &[b'x'; 129]] {
            assert!(!accept(bad), "{bad:?}");
        }
        assert_eq!(RequestId::accept(&HeaderMap::new()), None);
    }

    #[test]
    fn a_trace_is_passed_on_when_well_formed() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT, http::HeaderValue::from_static(value));
            traceparent(&headers).is_some()
        };
        assert!(read(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ));
        assert!(!read(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
        ));
        assert!(!read(
            "zz-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ));
    }
}
