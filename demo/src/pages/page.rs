//! What all pages share: head, navigation, message, foot.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use carryall::id::Subject;
use carryall::{Csrf, Session};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::notice::Notice;
use super::problem::Problem;
use crate::cart::Cart;
use crate::profile::Profile;
use crate::setup::Setup;

/// A page for the visitor of this request. Reading the message uses it up, so only pages that are shown ask for it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) session: Session,
    pub(super) subject: Option<Subject>,
    pub(super) profile: Profile,
    pub(super) cart: Cart,
    pub(super) setup: Arc<Setup>,
    notice: Option<Notice>,
    path: String,
}

impl<S> FromRequestParts<S> for Page
where
    S: Send + Sync,
    Arc<Setup>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let session = <Session as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(Self {
            subject: session.subject(),
            profile: session.document::<Profile>()?.read()?,
            cart: session.document::<Cart>()?.read()?,
            notice: Notice::found(&session)?,
            setup: Arc::from_ref(state),
            path: parts.uri.path().to_owned(),
            session,
        })
    }
}

impl Page {
    /// The name that the pages call the visitor by.
    pub(super) fn name(&self) -> Option<&str> {
        let subject = self.subject.as_ref()?;
        Some(if self.profile.name.is_empty() { subject.as_str() } else { &self.profile.name })
    }

    /// The whole page.
    pub(super) fn render(&self, title: &str, main: &Markup) -> Markup {
        let foot = html! {
            p { "This session is " (self.setup.home()) ". " a href="/inspector" { "Look inside" } }
        };
        let head = html! {
            (self.navigation())
            (self.visitor())
        };
        let look = (self.profile.scheme.name(), self.profile.colour.name());
        document(
            title,
            look,
            &head,
            &html! {
                @if let Some(notice) = &self.notice { (notice.markup()) }
                (main)
            },
            &foot,
        )
    }

    fn navigation(&self) -> Markup {
        let link = |path: &str, text: &str, badge: Option<u32>| {
            html! {
                a href=(path) aria-current=[(self.path == path).then_some("page")] {
                    (text)
                    @if let Some(count) = badge { span.badge { (count) } }
                }
            }
        };
        let count = self.cart.count();
        html! {
            nav aria-label="Main" {
                (link("/", "Start", None))
                (link("/cart", "Cart", (count > 0).then_some(count)))
                (link("/profile", "Profile", None))
                (link("/inspector", "Inspector", None))
            }
        }
    }

    fn visitor(&self) -> Markup {
        let here = (self.path == "/devices").then_some("page");
        html! {
            div.visitor {
                @if let Some(name) = self.name() {
                    img src="/avatar.svg" width="28" height="28" alt="";
                    a.name href="/devices" title="Your devices" aria-current=[here] { (name) }
                    form method="post" action="/sign-out" { button.quiet { "Sign out" } }
                } @else {
                    a.button href="/sign-in" { "Sign in" }
                }
            }
        }
    }
}

/// A page that asks no session anything.
pub(super) fn shell(title: &str, main: &Markup) -> Markup {
    let head = html! {
        nav aria-label="Main" {
            a href="/" { "Start" }
            a href="/cart" { "Cart" }
            a href="/profile" { "Profile" }
            a href="/inspector" { "Inspector" }
        }
    };
    document(title, ("device", "pine"), &head, main, &html! { p { "Carryall demo" } })
}

/// The hidden field that shows that a form was made for this session.
pub(super) fn token_field(csrf: &Csrf) -> Result<Markup, carryall::Error> {
    let token = csrf.token()?;
    Ok(html! { input type="hidden" name="csrf_token" value=(token); })
}

fn document(
    title: &str,
    (scheme, colour): (&str, &str),
    head: &Markup,
    main: &Markup,
    foot: &Markup,
) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-scheme=(scheme) data-colour=(colour) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(if scheme == "device" { "light dark" } else { scheme });
                title { (title) " · Carryall demo" }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header { div.bar {
                    a.brand href="/" { (LOGO) "Carryall" }
                    (head)
                } }
                main id="main" { (main) }
                footer { div.bar { (foot) } }
            }
        }
    }
}

const LOGO: PreEscaped<&str> = PreEscaped(
    r#"<svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/><path d="M8 13h16l-1.4 12H9.4zM12 16v-4a4 4 0 0 1 8 0v4"/></svg>"#,
);
