//! The inspector: what the cookie and the server hold, as pictures.

mod facts;
mod holdings;
mod timeline;

use axum::http::HeaderMap;
use maud::{Markup, html};

use self::facts::Facts;
use super::page::Page;
use super::problem::Problem;

pub(super) async fn show(headers: HeaderMap, page: Page) -> Result<Markup, Problem> {
    let Some(facts) = Facts::of(&page, &headers) else { return Ok(blank(&page)) };
    Ok(page.render(
        "Inspector",
        &html! {
            h1 { "Inspector" }
            p.lead { "Session " code { (facts.meta.handle) } ", " (page.setup.home()) "." }
            (tiles(&facts))
            (holdings::show(&facts))
            (timeline::show(&facts))
            (identity(&facts))
        },
    ))
}

fn blank(page: &Page) -> Markup {
    page.render("Inspector", &html! {
        h1 { "Inspector" }
        div.panel.blank {
            p { b { "You have no session." } }
            p { "Nothing was written for you yet, so there is no cookie and no record. Visit the start, or put something into the cart." }
            p { a.button href="/" { "To the start" } }
        }
    })
}

fn tiles(facts: &Facts) -> Markup {
    let tile = |name: &str, value: &Markup, more: &str| {
        html! { div.tile { dt { (name) } dd { (value) @if !more.is_empty() { small { (more) } } } } }
    };
    let cookie = facts.cookie.map_or_else(|| html! { "on its way" }, |bytes| html! { (bytes) " bytes" });
    let key = facts.key.as_ref().map_or_else(|| html! { "on its way" }, |key| html! { code { (key) } });
    html! {
        dl.tiles {
            (tile("Cookie", &cookie, facts.carrier))
            (tile("Key", &key, "its id, not the key"))
            (tile("Generation", &html! { (facts.meta.generation) }, "identity changes so far"))
            (tile("Level", &html! { (facts.meta.level) }, if facts.meta.level == 0 { "nobody signed in" } else { "signed in" }))
        }
    }
}

fn identity(facts: &Facts) -> Markup {
    let meta = &facts.meta;
    html! {
        section aria-labelledby="who" {
            h2 #who { "Who" }
            dl.pairs {
                div { dt { "Subject" } dd { (meta.subject.as_ref().map_or("nobody", |subject| subject.as_str())) } }
                @if let Some(address) = meta.address { div { dt { "Began from" } dd { (address) } } }
                @if let Some(agent) = &meta.agent { div { dt { "Began with" } dd { (agent) } } }
                div { dt { "When the browser closes" } dd { (if meta.is_persistent { "the cookie stays" } else { "the cookie goes" }) } }
            }
        }
    }
}
