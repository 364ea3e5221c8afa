//! Where a user is signed in, and signing out there.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use carryall::axum::{CsrfForm, Rejection};
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::id::Subject;
use carryall::{Listed, Session};
use maud::{Markup, html};
use serde::Deserialize;

use super::notice::Notice;
use super::page::{Page, token_field};
use super::problem::Problem;
use crate::setup::Setup;
use crate::{agent, moment};

/// A device to sign out, by its public handle.
#[derive(Debug, Deserialize)]
pub(super) struct One {
    handle: String,
}

/// A form with nothing but its token.
#[derive(Debug, Deserialize)]
pub(super) struct All {}

pub(super) async fn show(page: Page) -> Result<Response, Problem> {
    if page.subject.is_none() {
        Notice::leave(&page.session, "Sign in to see your devices.")?;
        return Ok(to_sign_in().into_response());
    }
    let sessions = &page.setup.sessions;
    let content = if sessions.can_list() {
        list(&page, &sessions.list_from(&page.session).await?)?
    } else {
        nothing_to_list(&page)
    };
    let page = page.render(
        "Your devices",
        &html! {
            section.medium {
                h1 { "Your devices" }
                p.lead { "Every browser in which you are signed in. What you do not recognise, sign out." }
                (content)
            }
        },
    );
    Ok(page.into_response())
}

pub(super) async fn sign_out_one(
    State(setup): State<Arc<Setup>>,
    session: Session,
    form: Result<CsrfForm<One>, Rejection>,
) -> Result<Redirect, Problem> {
    let CsrfForm(One { handle }) = form?;
    let Some(subject) = user(&session)? else { return Ok(to_sign_in()) };
    let was_there = setup.sessions.revoke_one(&subject, &handle).await?;
    let said = if was_there { "That device is signed out." } else { "That device was signed out already." };
    Notice::leave(&session, said)?;
    Ok(Redirect::to("/devices"))
}

pub(super) async fn sign_out_others(
    State(setup): State<Arc<Setup>>,
    session: Session,
    form: Result<CsrfForm<All>, Rejection>,
) -> Result<Redirect, Problem> {
    let CsrfForm(All {}) = form?;
    if user(&session)?.is_none() {
        return Ok(to_sign_in());
    }
    let said = match setup.sessions.revoke_others(&session).await? {
        0 => "You are signed in nowhere else.".to_owned(),
        1 => "One other device is signed out.".to_owned(),
        count => format!("{count} other devices are signed out."),
    };
    Notice::leave(&session, said)?;
    Ok(Redirect::to("/devices"))
}

/// Here too. The revocation reaches sessions that are just beginning, and those in which nobody asks.
pub(super) async fn sign_out_all(
    State(setup): State<Arc<Setup>>,
    session: Session,
    form: Result<CsrfForm<All>, Rejection>,
) -> Result<Redirect, Problem> {
    let CsrfForm(All {}) = form?;
    let Some(subject) = user(&session)? else { return Ok(to_sign_in()) };
    setup.sessions.revoke_subject(&subject).await?;
    session.logout()?;
    Notice::leave(&session, "Signed out everywhere.")?;
    Ok(Redirect::to("/"))
}

fn user(session: &Session) -> Result<Option<String>, Problem> {
    let subject = session.subject().as_ref().map(Subject::as_str).map(str::to_owned);
    if subject.is_none() {
        Notice::leave(session, "Sign in to see your devices.")?;
    }
    Ok(subject)
}

fn to_sign_in() -> Redirect {
    Redirect::to("/sign-in?next=devices")
}

fn nothing_to_list(page: &Page) -> Markup {
    html! {
        div.panel.blank {
            p { b { "There is no list here." } }
            p { "This session is " (page.setup.home()) ", so nobody can say what others there are." }
        }
    }
}

fn list(page: &Page, devices: &[Listed]) -> Result<Markup, Problem> {
    let token = token_field(&page.session.csrf())?;
    let now = SystemClock.now();
    let others = devices.iter().filter(|device| !device.is_current).count();
    Ok(html! {
        ul.panel.devices {
            @for device in devices { (row(device, &token, now)) }
        }
        div.acts {
            @if others > 0 {
                form method="post" action="/devices/others" { (token) button { "Sign out all others" } }
            }
            form method="post" action="/devices/all" { (token) button.quiet { "Sign out everywhere" } }
        }
    })
}

fn row(device: &Listed, token: &Markup, now: Timestamp) -> Markup {
    let name = agent::name(device.agent.as_deref());
    html! {
        li data-handle=(device.handle) {
            div {
                h2 title=[device.agent.as_deref()] {
                    (name)
                    @if device.is_current { " " span.badge { "This device" } }
                }
                p {
                    @if let Some(address) = device.address { (address) " · " }
                    "seen " (moment::distance(device.seen, now))
                    " · signed in " (moment::distance(device.auth_time, now))
                    @if device.is_persistent { " · remembered" }
                }
                p { "Since " (moment::text(device.created)) " · " code { (device.handle) } }
            }
            @if device.is_current {
                form method="post" action="/sign-out" { button.quiet.small { "Sign out" } }
            } @else {
                form method="post" action="/devices/one" {
                    (token)
                    input type="hidden" name="handle" value=(device.handle);
                    button.quiet.small aria-label={ "Sign out: " (name) } { "Sign out" }
                }
            }
        }
    }
}
