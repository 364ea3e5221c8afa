//! Carryall with the whole session as one typed document, as jars and tokens keep it.

use axum::Router;
use axum::routing::get;
use carryall::error::{Error, ErrorKind};
use carryall::{Segment, SegmentData, Sessions};

use super::carryall::{sealed, signed};
use super::{CARRYALL_SEALED_DOCUMENT, CARRYALL_SIGNED_DOCUMENT, Contestant, Keeps};
use crate::login::Login;

pub(super) const SEALED: Contestant =
    Contestant { name: CARRYALL_SEALED_DOCUMENT, keeps: Keeps::Client, app: || app(&sealed()) };
pub(super) const SIGNED: Contestant =
    Contestant { name: CARRYALL_SIGNED_DOCUMENT, keeps: Keeps::Client, app: || app(&signed()) };

impl SegmentData for Login {
    const NAME: &'static str = "login";
}

fn app(sessions: &Sessions) -> Router {
    Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(read))
        .route("/modify", get(modify))
        .route("/new", get(new))
        .layer(sessions.layer())
}

fn kept(login: &Segment<Login>) -> Result<Login, Error> {
    login.get()?.ok_or_else(|| Error::new(ErrorKind::Misuse, "the session is made first"))
}

async fn read(login: Segment<Login>) -> Result<String, Error> {
    Ok(kept(&login)?.counter.to_string())
}

async fn modify(login: Segment<Login>) -> Result<String, Error> {
    let mut document = kept(&login)?;
    let counter = document.counter;
    document.counter += 1;
    login.set(&document)?;
    Ok(counter.to_string())
}

async fn new(login: Segment<Login>) -> Result<&'static str, Error> {
    login.set(&Login::new())?;
    Ok("ok")
}
