//! Signing in and out, and messages that are shown once.

use crate::harness::{Tab, in_both_homes};

async fn signing_in_and_out_says_so_once(tab: Tab) {
    tab.sign_in("ada").await;
    assert_eq!(tab.visitor().await.as_deref(), Some("ada"));
    assert_eq!(tab.session().await["subject"], "ada");
    tab.reload().await;
    assert_eq!(tab.notice().await, None, "said once");
    tab.click(".visitor button").await;
    assert_eq!(tab.notice().await.as_deref(), Some("Signed out. Nothing of that session is left."));
    assert_eq!(tab.visitor().await, None);
    tab.open("/").await;
    assert_eq!(tab.notice().await, None, "said once");
    assert!(tab.session().await["subject"].is_null());
}

async fn images_styles_and_background_requests_do_not_use_a_message_up(tab: Tab) {
    tab.sign_in("ada").await;
    // Leaves a message without showing the page it is for.
    let leave = "
        const done = arguments[0];
        fetch('/cart/add', { method: 'POST', body: new URLSearchParams({ id: 'tote' }), redirect: 'manual' })
            .then(() => done(true), error => done(String(error)));";
    assert_eq!(tab.script(leave, Vec::new()).await, true);
    let between = "
        const done = arguments[0];
        const image = new Promise((loaded, failed) => {
            const image = new Image();
            image.onload = loaded;
            image.onerror = failed;
            image.src = '/avatar.svg?again';
        });
        Promise.all([image, fetch('/assets/style.css'), fetch('/api/session')])
            .then(() => done(true), error => done(String(error)));";
    assert_eq!(tab.script(between, Vec::new()).await, true);
    tab.open("/cart").await;
    assert_eq!(tab.notice().await.as_deref(), Some("Canvas tote is in your cart."));
    tab.reload().await;
    assert_eq!(tab.notice().await, None, "said once");
}

async fn sending_the_sign_in_twice_at_once_signs_in(tab: Tab) {
    tab.open("/sign-in").await;
    let replies = tab.fetch("POST", "/sign-in", &[("user", "ada")], 2).await;
    assert!(replies.iter().all(|reply| reply.status == 200), "no page of problems: {replies:?}");
    tab.open("/").await;
    assert_eq!(tab.visitor().await.as_deref(), Some("ada"));
}

async fn a_double_click_on_sign_in_signs_in(tab: Tab) {
    tab.open("/").await;
    tab.open("/sign-in").await;
    tab.fill("#user", "ada").await;
    // Both requests leave with the cookie from before.
    tab.script(
        "const form = document.querySelector('main form'); form.requestSubmit(); form.requestSubmit(); arguments[0]()",
        Vec::new(),
    )
    .await;
    tab.open("/").await;
    assert_eq!(tab.visitor().await.as_deref(), Some("ada"));
}

async fn another_user_finds_nothing_of_the_one_before(tab: Tab) {
    tab.sign_in("ada").await;
    tab.open("/cart").await;
    tab.click("button[aria-label='Add to cart: Day pack']").await;
    let adas = tab.session().await["id"].clone();
    tab.sign_in("bob").await;
    tab.open("/cart").await;
    assert_eq!(tab.count(".cart tbody tr").await, 0);
    assert_ne!(tab.session().await["id"], adas);
}

async fn remember_me_makes_the_cookie_outlive_the_browser(tab: Tab) {
    tab.open("/sign-in").await;
    tab.fill("#user", "ada").await;
    tab.choose("input[name=remember]").await;
    tab.click("main form button").await;
    let cookie = tab.cookie().await.expect("a cookie");
    assert!(cookie.expires().is_some_and(|expires| expires.is_datetime()), "{cookie:?}");
    assert_eq!(tab.session().await["persistent"], true);
}

in_both_homes! {
    signing_in_and_out_says_so_once [];
    images_styles_and_background_requests_do_not_use_a_message_up [];
    sending_the_sign_in_twice_at_once_signs_in [];
    a_double_click_on_sign_in_signs_in [];
    another_user_finds_nothing_of_the_one_before [];
    remember_me_makes_the_cookie_outlive_the_browser [];
}
