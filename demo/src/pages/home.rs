//! The start: how often the visitor has been here, and what to try.

use carryall::{Error, ErrorKind};
use maud::{Markup, html};

use super::page::Page;
use super::problem::Problem;
use crate::catalogue::euros;

/// Counts apart from the API's values, so that nothing a script writes can be in the way.
const SEGMENT: &str = "pages";

pub(super) async fn show(page: Page) -> Result<Markup, Problem> {
    let hero = match count(&page).await {
        Ok(visits) => counted(&page, visits),
        Err(error) if error.kind() == ErrorKind::Superseded => not_counted(),
        Err(error) => return Err(error.into()),
    };
    let main = html! {
        (hero)
        (cards(&page))
        (experiments())
    };
    Ok(page.render("Start", &main))
}

/// The committed count.
async fn count(page: &Page) -> Result<u64, Error> {
    let segment = page.session.segment(SEGMENT)?;
    segment.update("visits", |visits: Option<u64>| visits.unwrap_or(0).saturating_add(1))?;
    page.session.commit().await?;
    segment.get_or("visits", 1)
}

fn counted(page: &Page, visits: u64) -> Markup {
    html! {
        section.hero {
            p.figure {
                span.number { (visits) }
                span.unit { (if visits == 1 { "visit" } else { "visits" }) }
            }
            div {
                h1 {
                    (if visits == 1 { "Your first visit" } else { "Welcome back" })
                    @if let Some(name) = page.name() { ", " (name) }
                }
                p.lead {
                    @if page.subject.is_none() { "Nobody asked who you are, and still this page can count. " }
                    "The number is part of your session, " (page.setup.home()) "."
                }
                p { a.button href="/" { "Come back again" } }
            }
        }
    }
}

/// For a session that was ended or replaced while this page was on its way, or whose old cookie came back.
fn not_counted() -> Markup {
    html! {
        section.hero {
            p.figure { span.number { "–" } }
            div {
                h1 { "Your session has moved on" }
                p.lead {
                    "You signed in or out elsewhere, and this cookie is from before. It is good for nothing now, not \
                     even for counting. Within a minute it counts as none."
                }
                p { a.button href="/sign-in" { "Sign in" } }
            }
        }
    }
}

fn cards(page: &Page) -> Markup {
    let cart = &page.cart;
    html! {
        section.cards aria-label="Pages" {
            a.card href="/cart" {
                h2 { "Cart" }
                @if cart.count() == 0 { p { "Empty so far. A typed document in a segment of its own." } }
                @else { p { (cart.count()) " in it, " (euros(cart.total())) ". A typed document in a segment of its own." } }
            }
            a.card href="/profile" {
                h2 { "Profile" }
                @match page.name() {
                    Some(name) => p { "Signed in as " (name) ". The form knows for whom it was made." },
                    None => p { "Sign in to have one. The form knows for whom it was made." },
                }
            }
            a.card href="/inspector" {
                h2 { "Inspector" }
                p { "What the cookie and the server hold, byte by byte, and until when." }
            }
        }
    }
}

fn experiments() -> Markup {
    html! {
        section {
            h2 { "Try to break it" }
            ul.experiments {
                li { b { "Edit the cookie." } " Change one character in the developer tools: you are a stranger, and nothing else happens." }
                li { b { "Delete it." } " The count begins again." }
                li { b { "Open two tabs," } " sign out in one and send the profile from the other." }
                li { b { "Sign in twice." } " What was open before your last sign-in can change nothing any more." }
                li { b { "Wait." } " Started with " code { "--idle 10s" } ", the demo forgets you when you look away." }
                li { b { "Ask from a script." } " " code { "curl -X POST http://…/api/counters/apples" } " answers the committed number." }
            }
        }
    }
}
