//! Sessions that end by themselves.

use std::time::Duration;

use crate::harness::{Tab, in_both_homes};

/// The idle lifetime of these demos, and a little more for clocks: from the last use on, that is the end.
async fn rest() {
    tokio::time::sleep(Duration::from_millis(2050)).await;
}

async fn an_unused_session_ends_at_its_idle_deadline(tab: Tab) {
    tab.sign_in("ada").await;
    let session = tab.session().await;
    assert_eq!(session["subject"], "ada");
    rest().await;
    tab.open("/cart").await;
    assert_eq!((tab.text("h1").await.as_str(), tab.visitor().await), ("Cart", None));
    assert_ne!(tab.session().await["id"], session["id"]);
}

async fn a_used_session_outlives_its_idle_deadline(tab: Tab) {
    tab.sign_in("ada").await;
    let first = tab.session().await["expires"].clone();
    // Each look is a use; bounded by the deadline, which moves as long as it works.
    for _ in 0..200 {
        let session = tab.session().await;
        assert_eq!(session["subject"], "ada", "ended although it was used");
        if session["now"].as_str() > first.as_str() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the first deadline was never reached");
}

async fn no_use_moves_the_absolute_deadline(tab: Tab) {
    tab.sign_in("ada").await;
    for _ in 0..200 {
        let session = tab.session().await;
        if session["subject"].is_null() {
            tab.open("/cart").await;
            assert_eq!((tab.text("h1").await.as_str(), tab.visitor().await), ("Cart", None));
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never ended");
}

async fn a_form_sent_after_the_end_gets_a_friendly_page(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/profile").await;
    rest().await;
    tab.click("main form button").await;
    assert_eq!(tab.text(".problem h1").await, "This form is out of date");
}

in_both_homes! {
    an_unused_session_ends_at_its_idle_deadline ["--idle", "2"];
    a_used_session_outlives_its_idle_deadline ["--idle", "2"];
    no_use_moves_the_absolute_deadline ["--absolute", "4", "--idle", "2"];
    a_form_sent_after_the_end_gets_a_friendly_page ["--idle", "2"];
}
