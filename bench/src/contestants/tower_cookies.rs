//! tower-cookies: the application's own struct as JSON in a private (encrypted) or a signed cookie.

use std::sync::LazyLock;

use axum::Router;
use axum::routing::get;
use tower_cookies::cookie::SameSite;
use tower_cookies::{Cookie, CookieManagerLayer, Cookies, Key};

use super::header::NAME;
use super::{Contestant, Keeps, TOWER_COOKIES_PRIVATE, TOWER_COOKIES_SIGNED};
use crate::login::Login;

pub(super) const PRIVATE: Contestant =
    Contestant { name: TOWER_COOKIES_PRIVATE, keeps: Keeps::Client, app: app::<Private> };
pub(super) const SIGNED: Contestant =
    Contestant { name: TOWER_COOKIES_SIGNED, keeps: Keeps::Client, app: app::<Signed> };

static KEY: LazyLock<Key> = LazyLock::new(Key::generate);

/// One of the jars.
trait Jar: 'static {
    fn open(cookies: &Cookies) -> Option<Cookie<'static>>;
    fn add(cookies: &Cookies, cookie: Cookie<'static>);
}

/// The jar that encrypts.
struct Private;

/// The jar that signs.
struct Signed;

impl Jar for Private {
    fn open(cookies: &Cookies) -> Option<Cookie<'static>> {
        cookies.private(&KEY).get(NAME)
    }

    fn add(cookies: &Cookies, cookie: Cookie<'static>) {
        cookies.private(&KEY).add(cookie);
    }
}

impl Jar for Signed {
    fn open(cookies: &Cookies) -> Option<Cookie<'static>> {
        cookies.signed(&KEY).get(NAME)
    }

    fn add(cookies: &Cookies, cookie: Cookie<'static>) {
        cookies.signed(&KEY).add(cookie);
    }
}

fn app<J: Jar>() -> Router {
    Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(async |cookies: Cookies| load::<J>(&cookies).counter.to_string()))
        .route("/modify", get(async |cookies: Cookies| modify::<J>(&cookies)))
        .route("/new", get(async |cookies: Cookies| save::<J>(&cookies, &Login::new())))
        .layer(CookieManagerLayer::new())
}

fn modify<J: Jar>(cookies: &Cookies) -> String {
    let mut login = load::<J>(cookies);
    let counter = login.counter;
    login.counter += 1;
    save::<J>(cookies, &login);
    counter.to_string()
}

fn load<J: Jar>(cookies: &Cookies) -> Login {
    let cookie = J::open(cookies).expect("the client brings its cookie");
    serde_json::from_str(cookie.value()).expect("the jar gives back what was put in")
}

fn save<J: Jar>(cookies: &Cookies, login: &Login) {
    let cookie = Cookie::build((NAME, login.to_json()))
        .path("/")
        .http_only(true)
        .secure(true)
        .same_site(SameSite::Lax);
    J::add(cookies, cookie.build());
}
