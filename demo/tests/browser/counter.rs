//! The count of visits.

use crate::harness::{Tab, in_both_homes};

async fn visits(tab: &Tab) -> u64 {
    tab.text(".figure .number").await.parse().expect("a number")
}

async fn every_visit_counts(tab: Tab) {
    for expected in 1..=3 {
        tab.open("/").await;
        assert_eq!(visits(&tab).await, expected);
    }
    tab.click(".hero .button").await;
    assert_eq!(visits(&tab).await, 4);
    // Only the start counts, and images, styles and the API do not.
    tab.open("/cart").await;
    tab.fetch("GET", "/api/session", &[], 3).await;
    tab.open("/").await;
    assert_eq!(visits(&tab).await, 5);
}

async fn the_back_button_asks_again_and_shows_no_old_page(tab: Tab) {
    tab.open("/").await;
    tab.open("/cart").await;
    tab.sign_in("ada").await;
    tab.open("/cart").await;
    tab.click(".visitor button").await;
    assert_eq!(tab.visitor().await, None);
    tab.back().await;
    assert_eq!(
        (tab.path().await.as_str(), tab.visitor().await),
        ("/cart", None),
        "nobody is signed in any more"
    );
}

async fn the_cookie_is_the_strictest_a_browser_knows(tab: Tab) {
    tab.open("/").await;
    let cookie = tab.cookie().await.expect("a cookie");
    assert_eq!(cookie.name(), "__Host-session");
    assert_eq!((cookie.secure(), cookie.http_only(), cookie.path()), (Some(true), Some(true), Some("/")));
    assert!(cookie.same_site().is_some_and(|same_site| same_site.is_lax()));
    assert!(cookie.expires().is_none_or(|expires| expires.is_session()), "it ends with the browser");
    let seen = tab.script("arguments[0](document.cookie)", Vec::new()).await;
    assert_eq!(seen, "", "no script sees it");
}

in_both_homes! {
    every_visit_counts [];
    the_back_button_asks_again_and_shows_no_old_page [];
    the_cookie_is_the_strictest_a_browser_knows [];
}
