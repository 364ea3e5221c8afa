//! One demo, one browser, one flow; everything is thrown away afterwards.

mod demo;
mod driver;
mod tab;

use std::future::Future;

use fantoccini::Client;

pub(crate) use tab::Tab;

/// Where the demo keeps sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Home {
    /// In a sealed cookie.
    Client,
    /// In the server's memory.
    Store,
}

/// Runs a flow against a demo with these options. The browser is closed whether it succeeds or not.
pub(crate) async fn run<F, R>(home: Home, options: &[&str], flow: F)
where
    F: FnOnce(Tab) -> R,
    R: Future<Output = ()> + Send + 'static,
{
    let demo = demo::Demo::start(home, options).await;
    let driver = driver::Driver::start().await;
    let browser = driver.browser().await;
    let tab = Tab::new(browser.clone(), demo.address.clone(), home).await;
    let done = tokio::spawn(flow(tab)).await;
    browser.close().await.expect("the browser closes");
    if let Err(failed) = done {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// Runs a flow against one demo in two browsers with profiles of their own. Both are closed whether it succeeds or not.
pub(crate) async fn run_two<F, R>(home: Home, options: &[&str], flow: F)
where
    F: FnOnce(Tab, Tab) -> R,
    R: Future<Output = ()> + Send + 'static,
{
    let demo = demo::Demo::start(home, options).await;
    let drivers = [driver::Driver::start().await, driver::Driver::start().await];
    let browsers = [drivers[0].browser().await, drivers[1].browser().await];
    let tab = async |browser: &Client| Tab::new(browser.clone(), demo.address.clone(), home).await;
    let done = tokio::spawn(flow(tab(&browsers[0]).await, tab(&browsers[1]).await)).await;
    for browser in browsers {
        browser.close().await.expect("the browser closes");
    }
    if let Err(failed) = done {
        std::panic::resume_unwind(failed.into_panic());
    }
}

/// Makes each flow a test in both homes.
macro_rules! in_both_homes {
    ($($flow:ident $options:expr;)+) => {
        mod client {
            $(#[tokio::test]
            async fn $flow() {
                crate::harness::run(crate::harness::Home::Client, &$options, super::$flow).await;
            })+
        }
        mod store {
            $(#[tokio::test]
            async fn $flow() {
                crate::harness::run(crate::harness::Home::Store, &$options, super::$flow).await;
            })+
        }
    };
}
pub(crate) use in_both_homes;
