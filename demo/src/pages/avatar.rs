//! The picture beside the visitor's name. It reads the session on every page, and leaves messages alone.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use carryall::Session;
use maud::html;

use super::problem::Problem;
use crate::profile::{Colour, Profile};

pub(super) async fn show(session: Session) -> Result<Response, Problem> {
    let profile = session.document::<Profile>()?.read()?;
    let subject = session.subject();
    let name = subject.as_ref().map_or("", |subject| subject.as_str());
    let name = if profile.name.is_empty() { name } else { &profile.name };
    let initial: String = name.chars().take(1).flat_map(char::to_uppercase).collect();
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28" {
            circle cx="14" cy="14" r="14" fill=(fill(profile.colour)) {}
            text x="14" y="19" text-anchor="middle" font-family="system-ui, sans-serif" font-size="14" font-weight="600" fill="#fff" {
                (initial)
            }
        }
    };
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], drawing.into_string()).into_response())
}

/// Dark enough for white letters in both schemes.
const fn fill(colour: Colour) -> &'static str {
    match colour {
        Colour::Pine => "#16594b",
        Colour::Sea => "#1f5c8f",
        Colour::Plum => "#7a3b69",
        Colour::Clay => "#9a4a22",
    }
}
