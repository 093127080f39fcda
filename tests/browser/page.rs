//! A browser window, as a person uses it: keys, clicks, and looking.

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::ChromeCapabilities;
use thirtyfour::prelude::*;
use tokio::runtime::Runtime;

use super::chromedriver;

/// How long a condition may take to come true: far more than it needs, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const AXE: &str = include_str!("axe/axe-4.14.1.min.js");

/// One window in a session of its own.
pub(crate) struct Browser {
    driver: Option<WebDriver>,
    runtime: Runtime,
    _user_data: tempfile::TempDir,
}

impl Browser {
    /// A fresh window with JavaScript.
    pub(crate) fn new() -> Self {
        Self::start(true)
    }

    /// A fresh window whose pages run no script.
    pub(crate) fn javascript_off() -> Self {
        Self::start(false)
    }

    fn start(scripts: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        // The client of chromedriver shares its build with that of object stores, which comes without
        // cryptography of its own. The second call of a process finds the first one's choice.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let user_data = tempfile::tempdir().expect("a directory");
        let capabilities = capabilities(&user_data.path().display().to_string(), scripts);
        let driver = runtime
            .block_on(async { WebDriver::new(chromedriver::address(), capabilities).await })
            .expect("a browser session");
        Self { driver: Some(driver), runtime, _user_data: user_data }
    }

    fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("the session lasts as long as the window")
    }

    fn wait<T>(&self, work: impl Future<Output = WebDriverResult<T>>) -> T {
        self.runtime.block_on(work).expect("an answer from the browser")
    }

    /// Runs a script in the page, and gives back what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.script(script, vec![])
    }

    fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.wait(async { Ok(self.driver().execute(script, arguments).await?.json().clone()) })
    }

    /// Opens an address.
    pub(crate) fn goto(&self, address: &str) {
        self.wait(self.driver().goto(address));
    }

    /// Loads the page anew.
    pub(crate) fn reload(&self) {
        self.wait(self.driver().refresh());
    }

    /// Presses one key, by its `KeyboardEvent.key` name, wherever the focus is.
    pub(crate) fn press(&self, key: &str) {
        let key = match key {
            "Enter" => Key::Enter.value().to_string(),
            "Escape" => Key::Escape.value().to_string(),
            "ArrowDown" => Key::Down.value().to_string(),
            "ArrowUp" => Key::Up.value().to_string(),
            "Tab" => Key::Tab.value().to_string(),
            letter => letter.to_owned(),
        };
        self.type_text(&key);
    }

    /// Presses a key while the control key is held.
    pub(crate) fn press_with_control(&self, key: char) {
        let chain = self.driver().action_chain();
        let chain = chain.key_down(Key::Control).send_keys(key.to_string()).key_up(Key::Control);
        self.wait(chain.perform());
    }

    /// A key that is held down: the browser repeats it.
    pub(crate) fn repeat(&self, key: &str) {
        self.key_event(&json!({"type": "rawKeyDown", "key": key, "autoRepeat": true}));
    }

    /// Presses a key at a moment, in seconds since 1970.
    pub(crate) fn press_at(&self, key: &str, moment: f64) {
        self.key_event(&json!({"type": "rawKeyDown", "key": key, "timestamp": moment}));
        self.key_event(&json!({"type": "keyUp", "key": key, "timestamp": moment}));
    }

    fn key_event(&self, event: &Value) {
        self.devtools("Input.dispatchKeyEvent", event.clone());
    }

    /// Presses a key in the middle of composing a character, as an input method does.
    pub(crate) fn press_composing(&self, key: &str) {
        let script = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',\
                      {key: arguments[0], isComposing: true, bubbles: true, cancelable: true}))";
        self.script(script, vec![json!(key)]);
    }

    /// Scrolls the first element that matches into sight.
    pub(crate) fn scroll_to(&self, css: &str) {
        let script = "document.querySelector(arguments[0]).scrollIntoView()";
        self.script(script, vec![json!(css)]);
    }

    /// What an expression in the page gives.
    pub(crate) fn look(&self, expression: &str) -> Value {
        self.script(&format!("return {expression}"), vec![])
    }

    /// Types text wherever the focus is.
    pub(crate) fn type_text(&self, text: &str) {
        self.wait(self.driver().action_chain().send_keys(text).perform());
    }

    /// Types into the first element that matches, by clicking into it first.
    pub(crate) fn type_into(&self, css: &str, text: &str) {
        self.wait(async { self.driver().find(By::Css(css)).await?.send_keys(text).await });
    }

    /// Clicks the first element that matches.
    pub(crate) fn click(&self, css: &str) {
        self.wait(async {
            let element = self.driver().find(By::Css(css)).await?;
            element.scroll_into_view().await?;
            element.click().await
        });
    }

    /// The id of the element that has the focus; its tag's name where it has no id.
    pub(crate) fn active(&self) -> String {
        let script = "const at = document.activeElement; return at.id || at.tagName.toLowerCase()";
        self.script(script, vec![]).as_str().unwrap_or_default().to_owned()
    }

    /// Whether an element that matches has the focus.
    pub(crate) fn has_focus(&self, css: &str) -> bool {
        let script = "return document.activeElement.matches(arguments[0])";
        self.script(script, vec![json!(css)]) == json!(true)
    }

    /// Whether an element matches.
    pub(crate) fn exists(&self, css: &str) -> bool {
        self.count(css) > 0
    }

    /// How many elements match.
    pub(crate) fn count(&self, css: &str) -> usize {
        let script = "return document.querySelectorAll(arguments[0]).length";
        let count = self.script(script, vec![json!(css)]).as_u64().unwrap_or_default();
        usize::try_from(count).expect("a count")
    }

    /// How many elements match and can be seen.
    pub(crate) fn count_shown(&self, css: &str) -> u64 {
        let script = "return [...document.querySelectorAll(arguments[0])]\
                      .filter(found => found.checkVisibility()).length";
        self.script(script, vec![json!(css)]).as_u64().unwrap_or_default()
    }

    /// The text of the first element that matches, empty when there is none.
    pub(crate) fn text(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0])?.textContent ?? ''";
        self.script(script, vec![json!(css)]).as_str().unwrap_or_default().to_owned()
    }

    /// An attribute of the first element that matches.
    pub(crate) fn attribute(&self, css: &str, name: &str) -> Option<String> {
        self.wait(async { self.driver().find(By::Css(css)).await?.attr(name).await })
    }

    /// What is typed into the first field that matches.
    pub(crate) fn value(&self, css: &str) -> String {
        self.wait(async { self.driver().find(By::Css(css)).await?.value().await })
            .unwrap_or_default()
    }

    /// Waits until the condition holds; fails with what was awaited and where the focus was.
    pub(crate) fn wait_until(&self, awaited: &str, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "{awaited}: not so within {PATIENCE:?}; focus on {:?}, status {:?}, alert {:?}",
                self.active(),
                self.text("#status"),
                self.text("#alert"),
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until an element matches.
    pub(crate) fn wait_for(&self, css: &str) {
        self.wait_until(css, |browser| browser.exists(css));
    }

    /// Waits until nothing matches any more.
    pub(crate) fn wait_gone(&self, css: &str) {
        self.wait_until(&format!("no {css}"), |browser| !browser.exists(css));
    }

    /// Waits until an element that matches has the focus.
    pub(crate) fn wait_focus(&self, css: &str) {
        self.wait_until(&format!("focus on {css}"), |browser| browser.has_focus(css));
    }

    /// Waits until the text of an element contains `words`.
    pub(crate) fn wait_text(&self, css: &str, words: &str) {
        let awaited = format!("{words:?} in {css}");
        self.wait_until(&awaited, |browser| browser.text(css).contains(words));
    }

    /// Sets whether the page sees a system that prefers dark.
    pub(crate) fn prefers_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.sees("prefers-color-scheme", value);
    }

    /// Sets a media feature of the system.
    pub(crate) fn sees(&self, name: &str, value: &str) {
        let features = json!({"features": [{"name": name, "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", features);
    }

    /// Shows the page as it would be printed.
    pub(crate) fn prints(&self) {
        self.devtools("Emulation.setEmulatedMedia", json!({"media": "print"}));
    }

    /// Sets the size of the page in CSS pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size);
    }

    /// A window of that size in pixels of the screen, zoomed to 200 %.
    pub(crate) fn zoom_twice(&self, width: u32, height: u32) {
        let (width, height) = (width / 2, height / 2);
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size);
    }

    fn devtools(&self, command: &str, parameters: Value) {
        self.wait(self.driver().cdp().send_raw(command, parameters));
    }

    /// How many pixels of the page stick out to the right of the window.
    pub(crate) fn overflow(&self) -> i64 {
        let script = "const page = document.scrollingElement;\
                      return page.scrollWidth - page.clientWidth";
        self.script(script, vec![]).as_i64().unwrap_or(i64::MAX)
    }

    /// How many heads of a table's columns do not stand above their cells in its first row.
    pub(crate) fn heads_astray(&self, table: &str) -> u64 {
        let script = "const lefts = cells => [...document.querySelectorAll(arguments[0] + cells)]\
                      .map(cell => Math.round(cell.getBoundingClientRect().left));\
                      const heads = lefts(' thead > tr > *');\
                      const cells = lefts(' tbody > tr:first-child > *');\
                      return heads.filter((left, at) => left !== cells[at]).length";
        self.script(script, vec![json!(table)]).as_u64().expect("a number")
    }

    /// What axe finds wrong with the page: a rule, its words and the first element, one a line.
    pub(crate) fn axe(&self) -> Vec<String> {
        self.script(AXE, vec![]);
        let run = "const done = arguments[0];\
                   axe.run(document).then(found => done(found.violations.map(rule =>\
                   `${rule.id}: ${rule.help}: ${rule.nodes[0].html} ${rule.nodes[0].failureSummary}`)))";
        let found =
            self.wait(async { Ok(self.driver().execute_async(run, vec![]).await?.json().clone()) });
        let lines = found.as_array().expect("a list from axe");
        lines.iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Keeps a picture of the window as `target/screenshots/NAME.png`.
    pub(crate) fn screenshot(&self, name: &str) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        let file = folder.join(format!("{name}.png"));
        self.wait(self.driver().screenshot(&file));
        file
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let Some(driver) = self.driver.take() else { return };
        self.runtime.block_on(async {
            if let (true, Ok(picture)) = (thread::panicking(), driver.screenshot_as_png().await) {
                let test = thread::current().name().unwrap_or("test").replace("::", "-");
                let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
                fs::create_dir_all(&folder).ok();
                fs::write(folder.join(format!("failed-{test}.png")), picture).ok();
            }
            driver.quit().await.ok();
        });
    }
}

fn capabilities(user_data: &str, scripts: bool) -> ChromeCapabilities {
    let mut capabilities = DesiredCapabilities::chrome();
    let user_data = format!("--user-data-dir={user_data}");
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        &user_data,
    ];
    for flag in flags {
        capabilities.add_arg(flag).expect("a flag");
    }
    if !scripts {
        let off = json!({"profile.managed_default_content_settings.javascript": 2});
        capabilities.add_experimental_option("prefs", off).expect("an option");
    }
    capabilities
}
