//! Signing in and out. Any name will do: this is a demo.

use std::time::Duration;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Redirect;
use carryall::Session;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Fields;
use super::notice::Notice;
use super::page::Page;
use super::problem::Problem;

/// The longest name, in characters.
pub(crate) const LONGEST_NAME: usize = 40;

/// How long "remember me" is asked for.
pub(super) const REMEMBERED: Duration = Duration::from_hours(30 * 24);

#[derive(Debug, Deserialize)]
pub(super) struct SignIn {
    user: String,
    remember: Option<String>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

pub(super) async fn show(page: Page, next: Result<Query<Next>, QueryRejection>) -> Markup {
    let next = next.ok().and_then(|Query(query)| query.next);
    page.render("Sign in", &html! {
        section.narrow {
            h1 { "Sign in" }
            p.lead { "Any name will do. There are no passwords here, because the demo is about what comes after them." }
            @if let Some(name) = page.name() {
                p.hint { "You are signed in as " b { (name) } ". Signing in under another name ends that session." }
            }
            form.panel method="post" action="/sign-in" {
                label for="user" { "Name" }
                input #user name="user" required maxlength=(LONGEST_NAME) autocomplete="username" autofocus
                    value=[page.subject.as_ref().map(carryall::id::Subject::as_str)];
                label.check { input type="checkbox" name="remember" value="yes"; " Remember me for 30 days" }
                @if let Some(next) = next.as_deref().filter(|next| destination(Some(*next)) != "/") {
                    input type="hidden" name="next" value=(next);
                }
                button { "Sign in" }
            }
            p.hint { "Signing in gives the session a new generation: a cookie from before is worth nothing after it. What is in your cart stays." }
        }
    })
}

pub(super) async fn sign_in(session: Session, Fields(form): Fields<SignIn>) -> Result<Redirect, Problem> {
    let name = form.user.trim();
    if !is_name(name) {
        Notice::leave(&session, "A name has 1 to 40 characters.")?;
        return Ok(Redirect::to("/sign-in"));
    }
    session.login(name)?;
    if form.remember.is_some() {
        session.persist_for(REMEMBERED)?;
    }
    Notice::leave(&session, format!("Signed in as {name}."))?;
    Ok(Redirect::to(destination(form.next.as_deref())))
}

pub(super) async fn sign_out(session: Session) -> Result<Redirect, Problem> {
    if session.subject().is_some() {
        session.logout()?;
        Notice::leave(&session, "Signed out. Nothing of that session is left.")?;
    }
    Ok(Redirect::to("/"))
}

/// Whether somebody may be called so.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// Where to go after signing in: pages of this site that ask for it, nothing else.
fn destination(next: Option<&str>) -> &'static str {
    match next {
        Some("profile") => "/profile",
        Some("cart") => "/cart",
        Some("devices") => "/devices",
        _ => "/",
    }
}
