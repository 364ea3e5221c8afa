//! Ages and deadlines: the session's life as a line, and the part that moves with every use enlarged below it.

use carryall::clock::Timestamp;
use maud::{Markup, html};

use super::facts::Facts;
use crate::moment;

/// The drawing's width and the ends of its lines.
const WIDTH: f64 = 800.0;
const LEFT: f64 = 12.0;
const RIGHT: f64 = WIDTH - LEFT;
/// Where the two lines run.
const LIFE: f64 = 58.0;
const IDLE: f64 = 148.0;

/// An instant worth a mark.
struct Mark {
    name: &'static str,
    about: &'static str,
    at: Timestamp,
    kind: &'static str,
}

pub(super) fn show(facts: &Facts) -> Markup {
    let marks = marks(facts);
    html! {
        section aria-labelledby="times" {
            h2 #times { "Ages and deadlines" }
            div.panel {
                div.scroll tabindex="0" role="region" aria-label="Time line" { (drawing(facts, &marks)) }
                dl.moments {
                    @for mark in &marks {
                        div {
                            dt { span class={ "dot " (mark.kind) } {} (mark.name) }
                            dd {
                                time datetime=(moment::rfc3339(mark.at)) { (moment::text(mark.at)) }
                                small { (moment::distance(mark.at, facts.now)) " · " (mark.about) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn marks(facts: &Facts) -> Vec<Mark> {
    let meta = &facts.meta;
    let mut marks = vec![
        Mark { name: "Began", about: "the first write", at: meta.created, kind: "began" },
        Mark { name: "Last seen", about: "written anew once it is old enough", at: meta.seen, kind: "seen" },
        Mark { name: "Now", about: "the server's clock", at: facts.now, kind: "now" },
        Mark { name: "Idle deadline", about: "unless it is used before", at: meta.expires, kind: "idle" },
        Mark { name: "Last end", about: "no use moves it", at: facts.ends, kind: "ends" },
    ];
    if let Some(at) = meta.auth_time {
        marks.push(Mark { name: "Signed in", about: "proved who they are", at, kind: "auth" });
    }
    marks.sort_by_key(|mark| mark.at);
    marks
}

fn drawing(facts: &Facts, marks: &[Mark]) -> Markup {
    let (meta, now) = (&facts.meta, facts.now);
    let life = |at: Timestamp| place(at, meta.created, facts.ends);
    let idle = |at: Timestamp| place(at, meta.seen, meta.expires);
    html! {
        svg.timeline viewBox={ "0 0 " (WIDTH) " 200" } role="img" aria-label="The session's life as a line, its idle time enlarged; the list below says the same" {
            (label("Began", meta.created, now, LEFT, 18.0, "start"))
            (label("Last end", facts.ends, now, RIGHT, 18.0, "end"))
            path.zoom d=(zoom(life(meta.seen), life(meta.expires))) {}
            (line("life", LEFT, RIGHT, LIFE))
            (line("spent", LEFT, life(now), LIFE))
            (line("reach", life(now), life(meta.expires), LIFE))
            @for mark in marks { (dot(mark.kind, life(mark.at), LIFE)) }
            (line("reach", LEFT, RIGHT, IDLE))
            (line("spent", LEFT, idle(now), IDLE))
            (dot("seen", LEFT, IDLE))
            (dot("idle", RIGHT, IDLE))
            (dot("now", idle(now), IDLE))
            (label("Last seen", meta.seen, now, LEFT, 176.0, "start"))
            (label("Idle deadline", meta.expires, now, RIGHT, 176.0, "end"))
            text x=(one(idle(now))) y=(IDLE - 15.0) text-anchor=(anchor(idle(now))) { "Now" }
        }
    }
}

/// Labels near an end of the line run inwards.
fn anchor(x: f64) -> &'static str {
    if x < LEFT + 20.0 {
        "start"
    } else if x > RIGHT - 20.0 {
        "end"
    } else {
        "middle"
    }
}

/// From the part of the upper line to the whole of the lower one.
fn zoom(from: f64, to: f64) -> String {
    format!("M{from:.1} {LIFE}H{to:.1}L{RIGHT} {IDLE}H{LEFT}Z")
}

fn line(kind: &str, from: f64, to: f64, y: f64) -> Markup {
    html! { line class=(kind) x1=(one(from)) x2=(one(to)) y1=(y) y2=(y) {} }
}

fn dot(kind: &str, x: f64, y: f64) -> Markup {
    html! { circle class=(kind) cx=(one(x)) cy=(y) r="7" {} }
}

fn label(name: &str, at: Timestamp, now: Timestamp, x: f64, y: f64, anchor: &str) -> Markup {
    html! {
        text x=(x) y=(y) text-anchor=(anchor) { (name) }
        text.when x=(x) y=(y + 17.0) text-anchor=(anchor) { (moment::distance(at, now)) }
    }
}

/// Where on a line from one instant to another a third is.
#[allow(clippy::cast_precision_loss, reason = "a pixel is coarser than any rounding")]
fn place(at: Timestamp, from: Timestamp, to: Timestamp) -> f64 {
    let whole = to.since(from).as_millis().max(1) as f64;
    let part = at.since(from).as_millis() as f64;
    LEFT + (RIGHT - LEFT) * (part / whole).clamp(0.0, 1.0)
}

fn one(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_outside_the_line_are_drawn_at_its_ends() {
        let at = Timestamp::from_secs;
        assert!((place(at(5), at(10), at(20)) - LEFT).abs() < 1e-6);
        assert!((place(at(25), at(10), at(20)) - RIGHT).abs() < 1e-6);
        assert!((place(at(15), at(10), at(20)) - WIDTH / 2.0).abs() < 1e-6);
    }
}
