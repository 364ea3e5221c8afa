//! Whatever handlers do, in whatever order, they are answered the same in every home.

mod common;
#[path = "cross_home/deeds.rs"]
mod deeds;

use std::sync::Arc;

use axum::http::StatusCode;
use common::house::{HOMES, Home};
use common::lab::Lab;
use common::properties::cases;
use deeds::{Deed, any_deed, look, perform};
use proptest::prelude::*;

/// One request of a browser.
#[derive(Clone, Debug)]
struct Visit {
    /// How many seconds it comes after the one before.
    pause: u64,
    /// Whether it answers with a redirect, which shows no messages.
    redirects: bool,
    deeds: Vec<Deed>,
}

fn any_visit() -> impl Strategy<Value = Visit> {
    (0..90_u64, prop::bool::weighted(0.2), prop::collection::vec(any_deed(), 0..9))
        .prop_map(|(pause, redirects, deeds)| Visit { pause, redirects, deeds })
}

/// What the handlers of all requests were answered, each followed by all that a prefetch then sees.
async fn play(home: Home, visits: &[Visit]) -> Vec<(Vec<String>, StatusCode, Vec<String>)> {
    let lab = Lab::new(home);
    let mut tab = lab.tab();
    let mut told = Vec::new();
    for visit in visits {
        lab.wait(visit.pause);
        tab.status = if visit.redirects { StatusCode::SEE_OTHER } else { StatusCode::OK };
        let deeds = Arc::new(visit.deeds.clone());
        let seen = tab.stay(move |session| async move {
            let mut answers = Vec::new();
            for deed in deeds.iter() {
                answers.push(format!("{deed:?}: {}", perform(&session, deed).await));
            }
            Ok(answers)
        });
        let seen = seen.await;
        let status = seen.status;
        let answers = seen.answer.unwrap().unwrap();
        let mut prefetch = tab.sending(&[("sec-purpose", "prefetch")]);
        let shown = prefetch.visit(|session| Ok(look(session))).await.ok();
        told.push((answers, status, shown));
    }
    told
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn handlers_are_answered_the_same_in_every_home(visits in prop::collection::vec(any_visit(), 1..7)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let [sealed, signed, kept] = HOMES.map(|home| runtime.block_on(play(home, &visits)));
        prop_assert_eq!(&sealed, &signed);
        prop_assert_eq!(&sealed, &kept);
    }
}
