//! "Your devices": two browsers of one user.

use crate::harness::{Home, Tab, in_both_homes, run_two};

async fn who_is_not_signed_in_is_asked_to(tab: Tab) {
    tab.open("/devices").await;
    assert_eq!(tab.path().await, "/sign-in");
    assert_eq!(tab.notice().await.as_deref(), Some("Sign in to see your devices."));
    tab.fill("#user", "ada").await;
    tab.click("main form button").await;
    assert_eq!(tab.path().await, "/devices", "back to where it was asked for");
    tab.open("/").await;
    tab.click(".visitor a.name").await;
    assert_eq!((tab.path().await.as_str(), tab.text("main h1").await.as_str()), ("/devices", "Your devices"));
    let (devices, explained) = match tab.home {
        Home::Client => (0, 1),
        Home::Store => (1, 0),
    };
    assert_eq!((tab.count(".devices li").await, tab.count("main .blank").await), (devices, explained));
}

async fn a_form_without_its_token_signs_nobody_out(tab: Tab) {
    tab.sign_in("ada").await;
    for path in ["/devices/one", "/devices/others", "/devices/all"] {
        let replies = tab.fetch("POST", path, &[("handle", "x")], 1).await;
        assert_eq!(replies[0].status, 403, "{path}");
    }
    tab.open("/").await;
    assert_eq!(tab.visitor().await.as_deref(), Some("ada"));
}

in_both_homes! {
    who_is_not_signed_in_is_asked_to [];
    a_form_without_its_token_signs_nobody_out [];
}

const THIS: &str = ".devices li:has(.badge)";
const OTHER: &str = ".devices li:not(:has(.badge))";

/// Both signed in as one user; the second looks at its devices.
async fn both_signed_in(first: &Tab, second: &Tab) {
    first.sign_in("ada").await;
    second.sign_in("ada").await;
    second.open("/devices").await;
    assert_eq!((second.count(THIS).await, second.count(OTHER).await), (1, 1));
    assert!(second.text(&format!("{OTHER} h2")).await.contains("Chrome"), "the browser is named");
    assert!(second.text(&format!("{OTHER} p")).await.contains("127.0.0.1"));
}

async fn one_signs_the_other_out(first: Tab, second: Tab) {
    both_signed_in(&first, &second).await;
    second.click(&format!("{OTHER} button")).await;
    assert_eq!(second.notice().await.as_deref(), Some("That device is signed out."));
    assert_eq!((second.count(THIS).await, second.count(OTHER).await), (1, 0));
    first.reload().await;
    assert_eq!(first.visitor().await, None, "it is out");
    first.open("/devices").await;
    assert_eq!(first.path().await, "/sign-in");
    second.reload().await;
    assert_eq!(second.visitor().await.as_deref(), Some("ada"), "this one is still in");
}

#[tokio::test]
async fn another_device_is_signed_out_from_here() {
    run_two(Home::Store, &[], one_signs_the_other_out).await;
}

#[tokio::test]
async fn another_device_is_signed_out_from_here_with_sessions_in_files() {
    let scratch = carryall_testbed::scratch();
    let store = format!("file:{}", scratch.path().join("sessions").display());
    run_two(Home::Store, &["--store", &store], one_signs_the_other_out).await;
}

#[tokio::test]
async fn all_other_devices_are_signed_out_at_once_and_then_this_one() {
    run_two(Home::Store, &[], |first, second| async move {
        both_signed_in(&first, &second).await;
        second.click("form[action='/devices/others'] button").await;
        assert_eq!(second.notice().await.as_deref(), Some("One other device is signed out."));
        assert_eq!(second.count("form[action='/devices/others']").await, 0, "there are no others");
        first.open("/").await;
        assert_eq!(first.visitor().await, None);
        first.sign_in("ada").await;
        second.click("form[action='/devices/all'] button").await;
        assert_eq!(second.notice().await.as_deref(), Some("Signed out everywhere."));
        assert_eq!(second.visitor().await, None);
        first.reload().await;
        assert_eq!(first.visitor().await, None);
        first.sign_in("ada").await;
        first.open("/devices").await;
        assert_eq!(
            (first.count(THIS).await, first.count(OTHER).await),
            (1, 0),
            "what was revoked is not listed"
        );
    })
    .await;
}

#[tokio::test]
async fn a_device_too_many_is_refused_with_a_friendly_page() {
    run_two(Home::Store, &["--devices", "1", "--when-full", "new"], |first, second| async move {
        first.sign_in("ada").await;
        second.open("/sign-in").await;
        second.fill("#user", "ada").await;
        second.click("main form button").await;
        assert_eq!(second.text(".problem h1").await, "Signed in too often");
        second.open("/").await;
        assert_eq!(second.visitor().await, None);
        first.reload().await;
        assert_eq!(first.visitor().await.as_deref(), Some("ada"));
    })
    .await;
}
