//! Cookies that are lost, edited and kept too long.

use crate::harness::{Tab, in_both_homes};

async fn without_its_cookie_a_session_begins_again(tab: Tab) {
    tab.open("/").await;
    tab.sign_in("ada").await;
    let before = tab.session().await["id"].clone();
    tab.delete_cookies().await;
    tab.open("/").await;
    assert_eq!((tab.text(".figure .number").await.as_str(), tab.visitor().await), ("1", None));
    assert_ne!(tab.session().await["id"], before);
}

async fn one_changed_character_makes_a_stranger_and_no_error_page(tab: Tab) {
    tab.sign_in("ada").await;
    let good = tab.cookie().await.expect("a cookie").value().to_owned();
    // At the front, in the middle and near the end, where base64 has no spare bits.
    for at in [0, good.len() / 2, good.len() - 3] {
        let mut edited = good.clone();
        let other = if &good[at..=at] == "A" { "B" } else { "A" };
        edited.replace_range(at..=at, other);
        tab.edit_cookie(&edited).await;
        tab.open("/cart").await;
        assert_eq!((tab.text("h1").await.as_str(), tab.visitor().await), ("Cart", None), "character {at}");
    }
    for nonsense in ["", "x", "....", "%00%ff"] {
        tab.edit_cookie(nonsense).await;
        tab.open("/cart").await;
        assert_eq!((tab.text("h1").await.as_str(), tab.visitor().await), ("Cart", None), "{nonsense:?}");
    }
    tab.edit_cookie(&good).await;
    tab.open("/cart").await;
    assert_eq!(tab.visitor().await.as_deref(), Some("ada"), "the good one is still good");
}

async fn a_cookie_from_before_signing_out_is_worth_nothing(tab: Tab) {
    tab.sign_in("ada").await;
    let old = tab.cookie().await.expect("a cookie").value().to_owned();
    tab.click(".visitor button").await;
    tab.edit_cookie(&old).await;
    tab.open("/cart").await;
    assert_eq!(tab.visitor().await, None);
}

async fn a_cookie_from_before_signing_in_is_worth_nothing(tab: Tab) {
    tab.open("/").await;
    let planted = tab.cookie().await.expect("a cookie").value().to_owned();
    tab.sign_in("ada").await;
    tab.edit_cookie(&planted).await;
    tab.open("/cart").await;
    assert_eq!(tab.visitor().await, None);
    tab.open("/").await;
    assert_eq!(tab.text("h1").await, "Your session has moved on");
    tab.open("/profile").await;
    assert_eq!(tab.path().await, "/sign-in");
    // Whoever lost a response must be able to sign in at once.
    tab.sign_in("ada").await;
    assert_eq!(tab.visitor().await.as_deref(), Some("ada"));
}

in_both_homes! {
    without_its_cookie_a_session_begins_again [];
    one_changed_character_makes_a_stranger_and_no_error_page [];
    a_cookie_from_before_signing_out_is_worth_nothing [];
    a_cookie_from_before_signing_in_is_worth_nothing [];
}
