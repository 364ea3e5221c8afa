//! The inspector.

use crate::harness::{Home, Tab, in_both_homes};

async fn the_inspector_draws_what_there_is(tab: Tab) {
    tab.open("/inspector").await;
    assert_eq!(tab.text("main b").await, "You have no session.");
    assert!(tab.cookie().await.is_none(), "looking makes none");
    tab.open("/cart").await;
    tab.click("button[aria-label='Add to cart: Canvas tote']").await;
    tab.sign_in("ada").await;
    tab.open("/inspector").await;
    let parts = tab.text(".legend tbody").await;
    assert!(parts.contains("cart"), "{parts}");
    assert_eq!(parts.contains("envelope"), matches!(tab.home, Home::Client), "{parts}");
    let bars = tab.count("svg.bar rect").await;
    assert_eq!(bars, tab.count(".legend tbody tr").await);
    assert_eq!(tab.count("svg.timeline circle").await, 9, "six moments, three of them enlarged");
    assert_eq!(tab.text("main .lead code").await, tab.session().await["id"].as_str().unwrap_or_default());
    let cookie = tab.cookie().await.expect("a cookie");
    let size = format!("{} bytes", cookie.name().len() + cookie.value().len());
    assert!(tab.text(".tiles").await.contains(&size), "{size}");
    assert!(!tab.text("main").await.contains(cookie.value()), "never the cookie itself");
}

in_both_homes! {
    the_inspector_draws_what_there_is [];
}
