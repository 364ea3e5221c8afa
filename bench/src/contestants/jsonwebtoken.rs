//! jsonwebtoken: the application's own struct as claims of a JWT in a cookie, HMAC-SHA256 by aws-lc-rs.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use carryall::clock::{Clock, SystemClock};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{Contestant, JSONWEBTOKEN, Keeps, header};
use crate::login::Login;

pub(super) const CONTESTANT: Contestant = Contestant { name: JSONWEBTOKEN, keeps: Keeps::Client, app };

/// Keys and rules, prepared once.
struct Issuer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    header: Header,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iat: u64,
    exp: u64,
    session: Login,
}

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let secret = [7; 32];
    Issuer {
        encoding: EncodingKey::from_secret(&secret),
        decoding: DecodingKey::from_secret(&secret),
        header: Header::new(Algorithm::HS256),
        validation: Validation::new(Algorithm::HS256),
    }
});

fn app() -> Router {
    Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(async |request: Request| load(&request).counter.to_string()))
        .route("/modify", get(modify))
        .route("/new", get(async || save(Login::new(), "ok")))
}

async fn modify(request: Request) -> Response {
    let mut login = load(&request);
    let counter = login.counter;
    login.counter += 1;
    save(login, counter.to_string())
}

fn load(request: &Request) -> Login {
    let token = header::value(request.headers()).expect("the client brings its cookie");
    let data = decode::<Claims>(token, &ISSUER.decoding, &ISSUER.validation).expect("the token is good");
    data.claims.session
}

fn save(session: Login, body: impl IntoResponse) -> Response {
    let iat = SystemClock.now().as_secs();
    let claims = Claims { iat, exp: iat + 12 * 3600, session };
    let token = encode(&ISSUER.header, &claims, &ISSUER.encoding).expect("the claims have a JSON form");
    header::setting(&token, body)
}
