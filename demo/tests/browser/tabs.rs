//! Two tabs of one browser.

use crate::harness::{Tab, in_both_homes};

async fn two_tabs_share_one_session(tab: Tab) {
    tab.open("/").await;
    let first = tab.handle().await;
    tab.open_tab().await;
    tab.open("/cart").await;
    tab.click("button[aria-label='Add to cart: Steel bottle']").await;
    tab.switch_to(first).await;
    tab.open("/cart").await;
    assert_eq!(tab.text(".cart tbody th").await, "Steel bottle");
    assert_eq!(tab.notice().await, None, "the other tab has shown the message");
}

async fn who_signed_out_in_one_tab_cannot_act_in_the_other(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/profile").await;
    let first = tab.handle().await;
    tab.open_tab().await;
    tab.open("/").await;
    tab.click(".visitor button").await;
    tab.switch_to(first).await;
    tab.fill("#name", "Ada").await;
    tab.click("main form button").await;
    assert_eq!(tab.text(".problem h1").await, "This form is out of date");
    tab.click(".problem .button").await;
    assert_eq!((tab.path().await.as_str(), tab.visitor().await), ("/sign-in", None));
}

async fn a_form_from_before_a_sign_in_is_refused_with_a_friendly_page(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/profile").await;
    let first = tab.handle().await;
    tab.open_tab().await;
    tab.sign_in("ada").await;
    tab.switch_to(first).await;
    tab.fill("#name", "Ada").await;
    tab.click("main form button").await;
    assert_eq!(tab.text(".problem h1").await, "This form is out of date");
    tab.click(".problem .button").await;
    tab.fill("#name", "Ada").await;
    tab.click("main form button").await;
    assert_eq!(tab.notice().await.as_deref(), Some("Your profile is saved."), "opened afresh, it works");
}

async fn a_form_of_one_user_is_not_taken_from_another(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/profile").await;
    tab.fill("#name", "Ada").await;
    let first = tab.handle().await;
    tab.open_tab().await;
    tab.sign_in("bob").await;
    tab.switch_to(first).await;
    tab.click("main form button").await;
    assert_eq!(tab.text(".problem h1").await, "This form is out of date");
    tab.open("/profile").await;
    assert_eq!(tab.visitor().await.as_deref(), Some("bob"));
}

in_both_homes! {
    two_tabs_share_one_session [];
    who_signed_out_in_one_tab_cannot_act_in_the_other [];
    a_form_from_before_a_sign_in_is_refused_with_a_friendly_page [];
    a_form_of_one_user_is_not_taken_from_another [];
}
