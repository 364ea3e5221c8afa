//! The cart.

use crate::harness::{Tab, in_both_homes};

async fn quantity(tab: &Tab) -> String {
    tab.text(".cart .count").await
}

async fn a_cart_fills_changes_and_empties(tab: Tab) {
    tab.open("/cart").await;
    assert_eq!(tab.count(".cart tbody tr").await, 0);
    tab.click("button[aria-label='Add to cart: Canvas tote']").await;
    assert_eq!(tab.notice().await.as_deref(), Some("Canvas tote is in your cart."));
    tab.click("button[aria-label='One more: Canvas tote']").await;
    assert_eq!((quantity(&tab).await.as_str(), tab.text("#total").await.as_str()), ("2", "€ 36.00"));
    tab.click("button[aria-label='Add to cart: Field notebook']").await;
    assert_eq!((tab.text("#total").await.as_str(), tab.text(".badge").await.as_str()), ("€ 45.50", "3"));
    tab.click("button[aria-label='One less: Field notebook']").await;
    assert_eq!(tab.notice().await.as_deref(), Some("Field notebook is back on the shelf."));
    tab.click("form[action='/cart/empty'] button").await;
    assert_eq!((tab.count(".cart tbody tr").await, tab.count(".badge").await), (0, 0));
}

async fn a_cart_survives_signing_in_and_ends_with_signing_out(tab: Tab) {
    tab.open("/cart").await;
    tab.click("button[aria-label='Add to cart: Day pack']").await;
    tab.sign_in("ada").await;
    tab.open("/cart").await;
    assert_eq!(tab.text(".cart tbody th").await, "Day pack");
    tab.click(".visitor button").await;
    tab.open("/cart").await;
    assert_eq!(tab.count(".cart tbody tr").await, 0);
}

async fn sending_a_quantity_twice_is_sending_it_once(tab: Tab) {
    tab.open("/cart").await;
    tab.click("button[aria-label='Add to cart: Canvas tote']").await;
    let replies = tab.fetch("POST", "/cart/put", &[("id", "tote"), ("quantity", "5")], 2).await;
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    tab.open("/cart").await;
    assert_eq!(quantity(&tab).await, "5");
}

in_both_homes! {
    a_cart_fills_changes_and_empties [];
    a_cart_survives_signing_in_and_ends_with_signing_out [];
    sending_a_quantity_twice_is_sending_it_once [];
}
