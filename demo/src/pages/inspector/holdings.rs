//! Bytes per segment, as a bar with its legend, and the room that is left in the cookie.

use maud::{Markup, html};

use super::facts::Facts;

/// What a browser keeps of one cookie, name and value together (RFC 6265bis section 5.6).
const COOKIE_LIMIT: usize = 4096;

/// A part of the bar.
struct Part {
    name: String,
    about: &'static str,
    bytes: usize,
    /// Which colour of the stylesheet.
    colour: String,
}

pub(super) fn show(facts: &Facts) -> Markup {
    let parts = parts(facts);
    let total: usize = parts.iter().map(|part| part.bytes).sum();
    let title = if facts.is_carried { "What the cookie holds" } else { "What the server holds" };
    html! {
        section aria-labelledby="holdings" {
            h2 #holdings { (title) }
            div.panel {
                (bar(&parts, total))
                (legend(&parts, total))
            }
            (room(facts))
        }
    }
}

fn parts(facts: &Facts) -> Vec<Part> {
    let mut parts = Vec::new();
    let values: usize = facts.segments.iter().map(|(_, bytes)| bytes).sum();
    if let Some(cookie) = facts.cookie.filter(|_| facts.is_carried) {
        // Four letters of base64 carry three bytes.
        let raw = cookie * 3 / 4;
        if let Some(bytes) = raw.checked_sub(values).filter(|bytes| *bytes > 0) {
            let about = "Deadlines, who is signed in, key id, nonce and seal";
            parts.push(Part { name: "envelope".into(), about, bytes, colour: "envelope".into() });
        }
    }
    for (index, (name, bytes)) in facts.segments.iter().enumerate() {
        let (shown, about) = describe(name);
        parts.push(Part { name: shown.into(), about, bytes: *bytes, colour: format!("part-{}", index % 6) });
    }
    parts
}

/// A segment's name for people, and what it is for.
fn describe(name: &str) -> (&str, &'static str) {
    match name {
        "" => ("values", "What the API sets and counts"),
        "~flash" => ("flash", "Messages for the next page"),
        "pages" => (name, "The count of visits"),
        "cart" | "profile" => (name, "A typed document"),
        _ => (name, "Another library's or feature's"),
    }
}

fn bar(parts: &[Part], total: usize) -> Markup {
    let mut left = 0;
    let rects: Vec<_> = parts
        .iter()
        .map(|part| {
            let from = left;
            left += part.bytes;
            (part, per_mille(from, total), per_mille(left, total))
        })
        .collect();
    html! {
        svg.bar viewBox="0 0 1000 36" preserveAspectRatio="none" role="img" aria-label="Bytes of each part, in proportion; the table below names them" {
            @for (part, from, to) in &rects {
                rect class=(part.colour) x=(from) width=(to - from) height="36" {
                    title { (part.name) ": " (part.bytes) " bytes" }
                }
            }
            @for (_, from, _) in rects.iter().skip(1) {
                line.gap x1=(from) x2=(from) y1="0" y2="36" {}
            }
        }
    }
}

fn legend(parts: &[Part], total: usize) -> Markup {
    html! {
        table.legend {
            thead.sr { tr { th { "Part" } th { "What it is" } th { "Bytes" } th { "Share" } } }
            tbody {
                @for part in parts {
                    tr {
                        th scope="row" { span class={ "key " (part.colour) } {} code { (part.name) } }
                        td.about { (part.about) }
                        td.number { (part.bytes) " B" }
                        td.number.share { ((per_mille(part.bytes, total) + 5) / 10) " %" }
                    }
                }
            }
            tfoot { tr {
                th scope="row" { "Together" }
                td.about {}
                td.number { (total) " B" }
                td.number.share {}
            } }
        }
    }
}

fn room(facts: &Facts) -> Markup {
    let Some(bytes) = facts.cookie else { return Markup::default() };
    let used = per_mille(bytes, COOKIE_LIMIT).min(1000);
    html! {
        div.room {
            svg.meter viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
                rect.used width=(used) height="10" {}
            }
            p.hint {
                "The cookie that came with this request takes " b { (bytes) " of " (COOKIE_LIMIT) " bytes" }
                " that browsers keep."
                @if !facts.is_carried { " It would take as many however much the session held." }
            }
        }
    }
}

fn per_mille(part: usize, of: usize) -> usize {
    (part * 1000).checked_div(of).unwrap_or(0)
}
