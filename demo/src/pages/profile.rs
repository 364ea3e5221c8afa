//! The profile: for users only, and only from a form that was made for this very session.

use axum::response::{IntoResponse, Redirect, Response};
use carryall::Segment;
use carryall::axum::{Authenticated, CsrfForm, Rejection};
use maud::{Markup, html};
use serde::Deserialize;

use super::notice::Notice;
use super::page::{Page, token_field};
use super::problem::Problem;
use crate::profile::{Colour, Profile, Scheme};

/// The longest name and town, in characters.
const LONGEST: usize = 60;

#[derive(Debug, Deserialize)]
pub(super) struct Form {
    name: String,
    town: String,
    colour: Colour,
    scheme: Scheme,
}

pub(super) async fn show(page: Page) -> Result<Response, Problem> {
    if page.subject.is_none() {
        Notice::leave(&page.session, "Sign in to have a profile.")?;
        return Ok(Redirect::to("/sign-in?next=profile").into_response());
    }
    let form = form(&page)?;
    let page = page.render("Profile", &html! {
        section.narrow {
            h1 { "Profile" }
            p.lead { "Kept in a segment of its own, for as long as the session lasts." }
            (form)
            p.hint { "The form carries a token made for this session since its last sign-in. Sign in again in another tab, \
                and this one is refused: open it afresh." }
        }
    });
    Ok(page.into_response())
}

pub(super) async fn save(
    user: Option<Authenticated>,
    profile: Segment<Profile>,
    form: Result<CsrfForm<Form>, Rejection>,
) -> Result<Redirect, Problem> {
    let CsrfForm(form) = form?;
    if user.is_none() {
        Notice::leave(profile.session(), "Sign in to have a profile.")?;
        return Ok(Redirect::to("/sign-in?next=profile"));
    }
    profile.set(&Profile {
        name: tidy(&form.name),
        town: tidy(&form.town),
        colour: form.colour,
        scheme: form.scheme,
    })?;
    Notice::leave(profile.session(), "Your profile is saved.")?;
    Ok(Redirect::to("/profile"))
}

/// Without control characters and blanks at the ends, and not too long.
fn tidy(text: &str) -> String {
    text.trim().chars().filter(|letter| !letter.is_control()).take(LONGEST).collect()
}

fn form(page: &Page) -> Result<Markup, Problem> {
    let profile = &page.profile;
    let token = token_field(&page.session.csrf())?;
    Ok(html! {
        form.panel method="post" action="/profile" {
            (token)
            label for="name" { "Display name" }
            input #name name="name" maxlength=(LONGEST) autocomplete="name" value=(profile.name);
            label for="town" { "Town" }
            input #town name="town" maxlength=(LONGEST) autocomplete="address-level2" value=(profile.town);
            fieldset {
                legend { "Colour" }
                div.choices {
                    @for colour in Colour::ALL {
                        label.choice {
                            input type="radio" name="colour" value=(colour.name()) checked[colour == profile.colour];
                            span.swatch data-swatch=(colour.name()) {}
                            (capital(colour.name()))
                        }
                    }
                }
            }
            fieldset {
                legend { "Light or dark" }
                div.choices {
                    @for scheme in Scheme::ALL {
                        label.choice {
                            input type="radio" name="scheme" value=(scheme.name()) checked[scheme == profile.scheme];
                            (if scheme == Scheme::Device { "As the device".to_owned() } else { capital(scheme.name()) })
                        }
                    }
                }
            }
            button { "Save" }
        }
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
