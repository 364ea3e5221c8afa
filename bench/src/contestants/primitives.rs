//! The floor of a session in a cookie: cryptography, base64 and codec of the application's own struct, and
//! nothing else. No layer, no deadlines, no envelope, no refusals.

use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::NO_PAD;
use carryall::random::{Random, SystemRandom};

use super::{Contestant, Keeps, PRIMITIVES_SEALED, PRIMITIVES_SIGNED, header};
use crate::login::Login;

pub(super) const SEALED: Contestant =
    Contestant { name: PRIMITIVES_SEALED, keeps: Keeps::Client, app: app::<Sealed> };
pub(super) const SIGNED: Contestant =
    Contestant { name: PRIMITIVES_SIGNED, keeps: Keeps::Client, app: app::<Signed> };

const TAG_LEN: usize = 32;

static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));
static SEALING: LazyLock<LessSafeKey> = LazyLock::new(|| {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &[7; 32]).expect("the key has its length"))
});
static SIGNING: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]));

/// How bytes are protected.
trait Protection: 'static {
    fn protect(login: &Login) -> Vec<u8>;
    fn open(token: &mut [u8]) -> &[u8];
}

/// nonce, ciphertext, tag.
struct Sealed;

/// payload, MAC.
struct Signed;

impl Protection for Sealed {
    fn protect(login: &Login) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom.nonce(&mut nonce);
        let mut token = Vec::with_capacity(512);
        token.extend_from_slice(&nonce);
        rmp_serde::encode::write_named(&mut token, login).expect("plain data has a form");
        let tag = SEALING
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(header::NAME),
                &mut token[NONCE_LEN..],
            )
            .expect("the payload is short");
        token.extend_from_slice(tag.as_ref());
        token
    }

    fn open(token: &mut [u8]) -> &[u8] {
        let (nonce, sealed) = token.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("the nonce has its length");
        SEALING.open_in_place(nonce, Aad::from(header::NAME), sealed).expect("the token is good")
    }
}

impl Protection for Signed {
    fn protect(login: &Login) -> Vec<u8> {
        let mut token = Vec::with_capacity(512);
        rmp_serde::encode::write_named(&mut token, login).expect("plain data has a form");
        let tag = hmac::sign(&SIGNING, &token);
        token.extend_from_slice(tag.as_ref());
        token
    }

    fn open(token: &mut [u8]) -> &[u8] {
        let (payload, tag) = token.split_at(token.len() - TAG_LEN);
        hmac::verify(&SIGNING, payload, tag).expect("the token is good");
        payload
    }
}

fn app<P: Protection>() -> Router {
    Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(async |request: Request| load::<P>(&request).counter.to_string()))
        .route("/modify", get(async |request: Request| modify::<P>(&request)))
        .route("/new", get(async || header::setting(&save::<P>(&Login::new()), "ok")))
}

fn modify<P: Protection>(request: &Request) -> Response {
    let mut login = load::<P>(request);
    let counter = login.counter;
    login.counter += 1;
    header::setting(&save::<P>(&login), counter.to_string())
}

fn load<P: Protection>(request: &Request) -> Login {
    let value = header::value(request.headers()).expect("the client brings its cookie");
    let mut token = [0; 1024];
    let length = BASE64.decode_slice(value, &mut token).expect("the token is base64url");
    rmp_serde::from_slice(P::open(&mut token[..length])).expect("the token is good")
}

fn save<P: Protection>(login: &Login) -> String {
    BASE64.encode(P::protect(login))
}
