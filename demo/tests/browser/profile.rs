//! The profile form under CSRF protection.

use crate::harness::{Tab, in_both_homes};

async fn a_profile_is_saved_and_changes_the_pages(tab: Tab) {
    tab.open("/profile").await;
    assert_eq!(tab.path().await, "/sign-in");
    assert_eq!(tab.notice().await.as_deref(), Some("Sign in to have a profile."));
    tab.fill("#user", "ada").await;
    tab.click("main form button").await;
    assert_eq!(tab.path().await, "/profile", "back to where it was asked for");
    tab.fill("#name", "Ada <b>Lovelace</b> & Söhne").await;
    tab.fill("#town", "London").await;
    tab.choose("input[value=plum]").await;
    tab.choose("input[value=dark]").await;
    tab.click("main form button").await;
    assert_eq!(tab.notice().await.as_deref(), Some("Your profile is saved."));
    assert_eq!(tab.visitor().await.as_deref(), Some("Ada <b>Lovelace</b> & Söhne"));
    assert_eq!(tab.field("#town").await, "London");
    assert_eq!(tab.count("html[data-colour=plum][data-scheme=dark]").await, 1);
}

async fn sending_a_profile_twice_saves_it(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/profile").await;
    tab.fill("#name", "Ada").await;
    tab.script(
        "const form = document.querySelector('main form'); form.requestSubmit(); form.requestSubmit(); arguments[0]()",
        Vec::new(),
    )
    .await;
    tab.open("/profile").await;
    assert_eq!((tab.path().await.as_str(), tab.field("#name").await.as_str()), ("/profile", "Ada"));
}

async fn a_form_without_its_token_changes_nothing(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/profile").await;
    let fields = [("name", "Eve"), ("town", ""), ("colour", "sea"), ("scheme", "dark")];
    let replies = tab.fetch("POST", "/profile", &fields, 1).await;
    assert_eq!(replies[0].status, 403);
    assert!(replies[0].text.contains("This form is out of date"), "{}", replies[0].text);
    tab.open("/profile").await;
    assert_eq!(tab.field("#name").await, "");
}

async fn the_back_button_brings_a_form_that_still_works(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/profile").await;
    tab.open("/cart").await;
    tab.back().await;
    tab.fill("#name", "Ada").await;
    tab.click("main form button").await;
    assert_eq!(tab.notice().await.as_deref(), Some("Your profile is saved."));
}

in_both_homes! {
    a_profile_is_saved_and_changes_the_pages [];
    sending_a_profile_twice_saves_it [];
    a_form_without_its_token_changes_nothing [];
    the_back_button_brings_a_form_that_still_works [];
}
