//! What a person does with a browser, and what a test must know besides.

use std::time::Duration;

use fantoccini::cookies::Cookie;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use super::Home;

/// A browser's tab. Clones are the same tab.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    browser: Client,
    address: String,
    pub(crate) home: Home,
}

/// What a background request got.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u64,
    pub(crate) text: String,
}

/// A command of the browser's developer tools, which chromedriver passes on.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

impl Tab {
    pub(super) async fn new(browser: Client, address: String, home: Home) -> Self {
        let tab = Self { browser, address, home };
        tab.let_scripts_in().await;
        tab
    }

    /// The pages let no script ask anything, but a test must.
    async fn let_scripts_in(&self) {
        self.tools("Page.setBypassCSP", json!({ "enabled": true })).await;
    }

    pub(crate) async fn tools(&self, command: &'static str, parameters: Value) -> Value {
        self.browser.issue_cmd(DevTools(command, parameters)).await.expect(command)
    }

    /// Opens a page of the demo.
    pub(crate) async fn open(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.address)).await.expect("a page");
    }

    pub(crate) async fn back(&self) {
        self.browser.back().await.expect("a page before");
    }

    pub(crate) async fn reload(&self) {
        self.browser.refresh().await.expect("the page again");
    }

    pub(crate) async fn path(&self) -> String {
        self.browser.current_url().await.expect("an address").path().to_owned()
    }

    /// The text that is shown at a CSS selector.
    pub(crate) async fn text(&self, css: &str) -> String {
        let found = self.browser.find(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}")).text().await.expect("its text")
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        self.browser.find_all(Locator::Css(css)).await.expect("a page").len()
    }

    /// The flash message on the page.
    pub(crate) async fn notice(&self) -> Option<String> {
        if self.count(".notice").await == 0 { None } else { Some(self.text(".notice").await) }
    }

    /// Clicks on something that changes this page.
    pub(crate) async fn choose(&self, css: &str) {
        let found = self.browser.find(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}")).click().await.expect("a click");
    }

    /// Clicks on something that leads to another page, and waits for it.
    pub(crate) async fn click(&self, css: &str) {
        self.script("window.isOld = true; arguments[0]()", Vec::new()).await;
        self.choose(css).await;
        let arrived = "return !window.isOld && document.readyState === 'complete'";
        for _ in 0..400 {
            // The page may go away under the question.
            if self.browser.execute(arrived, Vec::new()).await.is_ok_and(|arrived| arrived == true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{css} leads nowhere");
    }

    /// Types into a field, in place of what is there.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.browser.find(Locator::Css(css)).await.expect(css);
        field.clear().await.expect("an empty field");
        field.send_keys(text).await.expect("keys");
    }

    /// What is in a field.
    pub(crate) async fn field(&self, css: &str) -> String {
        let field = self.browser.find(Locator::Css(css)).await.expect(css);
        field.prop("value").await.expect("a value").unwrap_or_default()
    }

    pub(crate) async fn sign_in(&self, name: &str) {
        self.open("/sign-in").await;
        self.fill("#user", name).await;
        self.click("main form button").await;
        assert_eq!(self.notice().await.as_deref(), Some(format!("Signed in as {name}.").as_str()));
    }

    /// The name in the page's head, if somebody is signed in.
    pub(crate) async fn visitor(&self) -> Option<String> {
        if self.count(".visitor .name").await == 0 { None } else { Some(self.text(".visitor .name").await) }
    }

    /// Runs a script whose last argument is told the result.
    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.browser.execute_async(script, arguments).await.expect("a script")
    }

    /// A background request, as a script on the page makes it: several at once with the same fields.
    pub(crate) async fn fetch(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        times: usize,
    ) -> Vec<Reply> {
        const FETCH: &str = "
            const [method, path, fields, times, done] = arguments;
            const one = async () => {
                const body = method === 'GET' ? undefined : new URLSearchParams(fields);
                const reply = await fetch(path, { method, body });
                return [reply.status, await reply.text()];
            };
            Promise.all(Array.from({ length: times }, one)).then(done, error => done(String(error)));";
        let arguments = vec![json!(method), json!(path), json!(fields), json!(times)];
        let replies = self.script(FETCH, arguments).await;
        let replies = replies.as_array().unwrap_or_else(|| panic!("{method} {path}: {replies}")).clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let reply =
            |reply: &Value| Reply { status: reply[0].as_u64().unwrap_or_default(), text: text(&reply[1]) };
        replies.iter().map(reply).collect()
    }

    /// The session as the API tells it.
    pub(crate) async fn session(&self) -> Value {
        let replies = self.fetch("GET", "/api/session", &[], 1).await;
        serde_json::from_str(&replies[0].text).expect("JSON")
    }

    /// The one cookie of the session.
    pub(crate) async fn cookie(&self) -> Option<Cookie<'static>> {
        let cookies = self.browser.get_all_cookies().await.expect("cookies");
        assert!(cookies.len() <= 1, "one cookie for one session: {cookies:?}");
        cookies.into_iter().next()
    }

    /// Writes the cookie's value as somebody with developer tools does.
    pub(crate) async fn edit_cookie(&self, value: &str) {
        let cookie = self.cookie().await.expect("a cookie to edit");
        let parameters = json!({
            "url": self.address, "name": cookie.name(), "value": value,
            "secure": true, "httpOnly": true, "sameSite": "Lax", "path": "/",
        });
        let set = self.tools("Network.setCookie", parameters).await;
        assert_eq!(set["success"], json!(true), "the browser takes the cookie");
    }

    pub(crate) async fn delete_cookies(&self) {
        self.browser.delete_all_cookies().await.expect("an empty jar");
    }

    /// Opens a second tab and goes there.
    pub(crate) async fn open_tab(&self) -> WindowHandle {
        let opened = self.browser.new_window(true).await.expect("a second tab").handle;
        self.switch_to(opened.clone()).await;
        self.let_scripts_in().await;
        opened
    }

    pub(crate) async fn handle(&self) -> WindowHandle {
        self.browser.window().await.expect("a tab")
    }

    pub(crate) async fn switch_to(&self, tab: WindowHandle) {
        self.browser.switch_to_window(tab).await.expect("the other tab");
    }

    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.browser.screenshot().await.expect("a picture")
    }
}
