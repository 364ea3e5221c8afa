//! Pages for what went wrong: what it was, and what to do now.

use axum::body::HttpBody as _;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use carryall::axum::{Rejection, RejectionKind};
use carryall::{Error, ErrorKind};
use maud::html;

use super::page::shell;

/// A page that says what went wrong.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    text: &'static str,
    /// Where to go from here: address and words.
    way: (&'static str, &'static str),
}

const HOME: (&str, &str) = ("/", "Back to the start");

impl Problem {
    /// The page for an error of a session.
    pub(super) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Outage => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "Your session is out of reach",
                text: "The server cannot get at the place where sessions are kept. Nothing was changed. Wait a moment, \
                       then try again.",
                way: ("/", "Try again"),
            },
            ErrorKind::Conflict => Self {
                status: StatusCode::CONFLICT,
                title: "Another tab was faster",
                text: "The same thing was changed elsewhere at the same moment, so nothing was changed here. Look at \
                       what is there now, then do it again.",
                way: HOME,
            },
            ErrorKind::Superseded => Self {
                status: StatusCode::CONFLICT,
                title: "This session has ended",
                text: "You signed out or in elsewhere while this page was on its way. Nothing was changed.",
                way: ("/sign-in", "Sign in"),
            },
            ErrorKind::TooManySessions => Self {
                status: StatusCode::CONFLICT,
                title: "Signed in too often",
                text: "You are signed in on as many devices as you may. Sign out on one of them, then sign in here.",
                way: ("/sign-in", "Sign in"),
            },
            ErrorKind::TooLarge => Self {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                title: "That does not fit",
                text: "A cookie holds 4096 bytes, and this session would outgrow it. Nothing was changed.",
                way: ("/inspector", "See what takes the room"),
            },
            _ => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                title: "That went wrong",
                text: "The server could not do it; its log says why.",
                way: HOME,
            },
        }
    }

    /// A form that cannot be read.
    pub(super) fn form(status: StatusCode) -> Self {
        Self {
            status,
            title: "That form makes no sense",
            text: "Something in it was missing, too long or not what the page asked for. Nothing was changed.",
            way: HOME,
        }
    }

    fn out_of_date() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            title: "This form is out of date",
            text: "You signed in or out since this page was opened, perhaps in another tab. Nothing was changed. \
                   Open the page afresh and send the form again.",
            way: ("/profile", "Open it afresh"),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::warn!(target: "carryall", %error, kind = ?error.kind());
        Self::of(&error)
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection.kind() {
            RejectionKind::Forged => Self::out_of_date(),
            RejectionKind::Form(status) => Self::form(status),
            _ if rejection.status() == StatusCode::SERVICE_UNAVAILABLE => {
                Self::of(&Error::new(ErrorKind::Outage, "the store did not answer"))
            }
            _ => Self { status: rejection.status(), ..Self::of(&Error::new(ErrorKind::Misuse, "refused")) },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let page = shell(
            self.title,
            &html! {
                section.problem {
                    p.code { (self.status.as_u16()) }
                    h1 { (self.title) }
                    p.lead { (self.text) }
                    p { a.button href=(self.way.0) { (self.way.1) } }
                }
            },
        );
        (self.status, page).into_response()
    }
}

/// No such page.
pub(super) async fn not_found() -> Problem {
    Problem {
        status: StatusCode::NOT_FOUND,
        title: "Nothing here",
        text: "There is no page at this address.",
        way: HOME,
    }
}

/// A page, but not for this method.
pub(super) async fn wrong_method() -> Problem {
    Problem {
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "Not like this",
        text: "This address answers other requests than the one that was made.",
        way: HOME,
    }
}

/// Gives the empty refusal of the layer below a page.
pub(super) async fn explain_refusal(response: Response) -> Response {
    if response.status() != StatusCode::FORBIDDEN || response.body().size_hint().exact() != Some(0) {
        return response;
    }
    let (head, _) = response.into_parts();
    let page = Problem {
        status: StatusCode::FORBIDDEN,
        title: "Refused",
        text: "Another site asked for this in your name. Nothing was changed.",
        way: HOME,
    };
    let mut explained = page.into_response();
    explained.headers_mut().extend(head.headers);
    explained.headers_mut().remove(header::CONTENT_LENGTH);
    explained
}
