//! Pictures of whole pages. The driver's own pictures end at the edge of the screen, so the browser is asked for them directly.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fantoccini::wd::WebDriverCompatibleCommand;
use reqwest::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::browser::Browser;

/// A command of the browser's own protocol.
#[derive(Debug)]
pub(super) struct Command {
    name: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.name, "params": self.parameters });
        (Method::POST, Some(body.to_string()))
    }
}

/// Ends what moves, and takes away what would be gone a moment later.
const SETTLE: &str = "
    for (const one of document.getAnimations()) { try { one.finish() } catch { one.pause() } }
    document.querySelectorAll('.toast').forEach((toast) => toast.remove());
    document.activeElement?.blur();
    const page = document.documentElement;
    return [page.clientWidth, Math.max(page.scrollHeight, page.clientHeight)];";

impl Browser {
    /// The whole page as a PNG, once everything has moved to its place.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let size = self.run(SETTLE, Vec::new()).await;
        let clip = json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.command(Command { name: "Page.captureScreenshot", parameters }).await;
        BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }
}
