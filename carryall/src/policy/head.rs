//! What the policies ask of a request.

use std::net::{IpAddr, SocketAddr};

use http::header::HOST;
use http::{HeaderMap, HeaderValue};

/// The head of a request: method, target, headers, peer.
///
/// Implemented for `http::Request` and `http::request::Parts`; another server implements it for its own request
/// type.
///
/// ```
/// use carryall::policy::RequestHead;
///
/// let request = http::Request::get("https://shop.example/cart?x=1").header("accept", "*/*").body(()).unwrap();
/// let (head, ()) = request.into_parts();
/// assert_eq!((head.method(), head.path()), ("GET", "/cart"));
/// assert_eq!(head.authority(), Some(&b"shop.example"[..]));
/// assert_eq!(head.header("Accept"), Some(&b"*/*"[..]));
/// ```
pub trait RequestHead {
    /// The method as sent, such as `GET`; case-sensitive (RFC 9110 section 9.1).
    fn method(&self) -> &str;

    /// The target's path as sent, percent-encoded, without query.
    fn path(&self) -> &str;

    /// Host and port of an absolute target (HTTP/2 `:authority`), else of the one `Host` header. `None` when there
    /// is neither, or `Host` is repeated.
    fn authority(&self) -> Option<&[u8]>;

    /// Every value under a header name, one a line, in order. The name is matched without regard to letter case.
    fn values<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]>;

    /// The address at the other end of the connection, if the server knows it.
    fn peer(&self) -> Option<IpAddr>;

    /// The first value under a header name.
    fn header<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.values(name).next()
    }
}

/// A request's extension that says who is at the other end of the connection.
///
/// Inserted by the application or its server glue; without it there is no client address.
///
/// ```
/// use std::net::SocketAddr;
/// use carryall::policy::{PeerAddr, RequestHead};
///
/// let peer = SocketAddr::from(([192, 0, 2, 7], 50_000));
/// let request = http::Request::get("/").extension(PeerAddr(peer)).body(()).unwrap();
/// assert_eq!(request.peer(), Some(peer.ip()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// A header that means something only if it is there once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Single<'a> {
    Absent,
    One(&'a [u8]),
    Repeated,
}

/// Looks up a header that must not be repeated.
pub(crate) fn single<'a>(head: &'a impl RequestHead, name: &'a str) -> Single<'a> {
    let mut values = head.values(name);
    match (values.next(), values.next()) {
        (None, _) => Single::Absent,
        (Some(value), None) => Single::One(value),
        (Some(_), Some(_)) => Single::Repeated,
    }
}

/// The names of a usual request are compared in less time than it takes to make a key of a text.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    let known = headers.keys().find(|known| known.as_str().eq_ignore_ascii_case(name));
    known.into_iter().flat_map(|known| headers.get_all(known)).map(HeaderValue::as_bytes)
}

/// `Host` must be sent once (RFC 9112 section 3.2); an absolute target overrides it.
fn authority<'a>(uri: &'a http::Uri, headers: &'a HeaderMap) -> Option<&'a [u8]> {
    if let Some(authority) = uri.authority() {
        return Some(authority.as_str().as_bytes());
    }
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.as_bytes()),
        _ => None,
    }
}

fn peer(extensions: &http::Extensions) -> Option<IpAddr> {
    extensions.get::<PeerAddr>().map(|PeerAddr(address)| address.ip())
}

impl RequestHead for http::request::Parts {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path(&self) -> &str {
        self.uri.path()
    }

    fn authority(&self) -> Option<&[u8]> {
        authority(&self.uri, &self.headers)
    }

    fn values<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        values(&self.headers, name)
    }

    fn peer(&self) -> Option<IpAddr> {
        peer(&self.extensions)
    }
}

impl<B> RequestHead for http::Request<B> {
    fn method(&self) -> &str {
        self.method().as_str()
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn authority(&self) -> Option<&[u8]> {
        authority(self.uri(), self.headers())
    }

    fn values<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        values(self.headers(), name)
    }

    fn peer(&self) -> Option<IpAddr> {
        peer(self.extensions())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &impl RequestHead) {
        assert_eq!((head.method(), head.path()), ("PUT", "/a"));
        assert_eq!(head.authority(), Some(&b"app.example"[..]));
        assert_eq!(head.peer(), Some(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(head.header("X-TWO"), Some(&b"1"[..]));
        assert_eq!(single(head, "x-one"), Single::One(b"1"));
        assert_eq!(single(head, "x-two"), Single::Repeated);
        assert_eq!(single(head, "x-three"), Single::Absent);
        assert_eq!(head.values("x-two").next_back(), Some(&b"2"[..]));
    }

    #[test]
    fn a_request_and_its_parts_answer_alike() {
        let request = http::Request::put("/a?b")
            .header("x-one", "1")
            .header("x-two", "1")
            .header("X-Two", "2")
            .header("host", "app.example")
            .extension(PeerAddr(SocketAddr::from(([192, 0, 2, 1], 9))))
            .body("body")
            .unwrap();
        check(&request);
        check(&request.into_parts().0);
    }

    #[test]
    fn an_absolute_target_overrides_host_and_two_hosts_are_none() {
        let request =
            http::Request::get("http://a.example:81/").header("host", "b.example").body(()).unwrap();
        assert_eq!(request.authority(), Some(&b"a.example:81"[..]));
        let request = http::Request::get("/").header("host", "a").header("host", "a").body(()).unwrap();
        assert_eq!(request.authority(), None);
        assert_eq!(http::Request::get("/").body(()).unwrap().authority(), None);
    }
}
