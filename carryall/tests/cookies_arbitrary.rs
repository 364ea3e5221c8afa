//! No bytes in a `Cookie` header do harm.

mod common;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::routing::get;
use carryall::{Error, Session};
use common::house::HOMES;
use common::lab::Lab;
use common::properties::cases;
use proptest::prelude::*;
use tower::ServiceExt;

async fn count(session: Session) -> Result<String, Error> {
    session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1).map(|n| n.to_string())
}

async fn send(app: &Router, uri: &str, lines: &[&[u8]]) -> Response<Body> {
    let mut request = Request::get(uri).body(Body::empty()).unwrap();
    for line in lines {
        request.headers_mut().append("cookie", HeaderValue::from_bytes(line).unwrap());
    }
    app.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

fn counter(lab: &Lab) -> Router {
    Router::new().route("/", get(count)).layer(lab.sessions.layer())
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn no_cookie_header_makes_a_panic_or_a_server_error(
        bytes in prop::collection::vec(prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8, Just(b'\t')], 0..300),
        named in any::<bool>(), lines in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let line = if named { [b"__Host-session=", &*bytes].concat() } else { bytes };
        for home in HOMES {
            let app = counter(&Lab::new(home));
            let response = runtime.block_on(send(&app, "/", &vec![&*line; lines]));
            prop_assert_eq!(response.status(), StatusCode::OK);
        }
    }

    #[test]
    fn no_change_of_one_byte_leaves_a_token_good(at in 0..10_000_usize, byte in 0x21..=0x7e_u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for home in HOMES {
            let lab = Lab::new(home);
            let mut tab = runtime.block_on(lab.user("ada"));
            let mut token = tab.cookie.clone().unwrap().into_bytes();
            let at = at % token.len();
            prop_assume!(token[at] != byte && byte != b';');
            token[at] = byte;
            tab.cookie = Some(String::from_utf8(token).unwrap());
            let seen = runtime.block_on(tab.visit(|session| Ok(session.exists())));
            prop_assert!(!seen.sets_cookie());
            prop_assert!(!seen.ok());
        }
    }
}
