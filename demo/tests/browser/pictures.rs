//! Pictures of every page for people to look at.

use std::path::PathBuf;

use serde_json::json;

use crate::harness::{Home, Tab, in_both_homes};

async fn every_page_can_be_drawn_in_both_schemes(tab: Tab) {
    tab.open("/").await;
    shoot(&tab, "start-first").await;
    shoot(&tab, "sign-in").await;
    tab.open("/cart").await;
    shoot(&tab, "cart-empty").await;
    tab.sign_in("Ada").await;
    shoot(&tab, "start").await;
    tab.open("/cart").await;
    for thing in ["Canvas tote", "Canvas tote", "Field notebook", "Storm umbrella"] {
        tab.click(&format!("button[aria-label='Add to cart: {thing}']")).await;
    }
    shoot(&tab, "cart").await;
    tab.open("/profile").await;
    tab.fill("#name", "Ada Lovelace").await;
    tab.choose("input[value=sea]").await;
    tab.click("main form button").await;
    shoot(&tab, "profile").await;
    let replies = tab.fetch("POST", "/api/counters/apples", &[], 1).await;
    assert_eq!(replies[0].status, 200);
    shoot(&tab, "inspector").await;
    shoot(&tab, "devices").await;
    shoot(&tab, "nothing-here").await;
}

/// The page in both schemes, wide and narrow. The first word of the name that is a path is opened before.
async fn shoot(tab: &Tab, name: &str) {
    match name {
        "sign-in" | "inspector" | "devices" | "nothing-here" => tab.open(&format!("/{name}")).await,
        _ => {}
    }
    for scheme in ["light", "dark"] {
        let features = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        tab.tools("Emulation.setEmulatedMedia", features).await;
        for (size, width) in [("wide", 1200), ("narrow", 390)] {
            let look =
                |height| json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            tab.tools("Emulation.setDeviceMetricsOverride", look(json!(900))).await;
            let page = "const page = document.documentElement;
                arguments[0]([Math.max(0, page.scrollWidth - page.clientWidth), page.scrollHeight])";
            let measured = tab.script(page, Vec::new()).await;
            assert_eq!(measured[0], 0, "{name} {size}: nothing to scroll sideways");
            tab.tools("Emulation.setDeviceMetricsOverride", look(measured[1].clone())).await;
            keep(tab, &format!("{name}-{size}-{scheme}")).await;
        }
    }
    tab.tools("Emulation.clearDeviceMetricsOverride", json!({})).await;
}

async fn keep(tab: &Tab, name: &str) {
    let Some(directory) = std::env::var_os("CARRYALL_SCREENSHOTS").map(PathBuf::from) else { return };
    let home = match tab.home {
        Home::Client => "client",
        Home::Store => "store",
    };
    std::fs::create_dir_all(&directory).expect("a directory for pictures");
    let picture = tab.picture().await;
    std::fs::write(directory.join(format!("{home}-{name}.png")), picture).expect("a picture");
}

in_both_homes! {
    every_page_can_be_drawn_in_both_schemes [];
}
