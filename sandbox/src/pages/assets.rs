//! The static files of the pages, held in the binary. Reads nothing from disk.

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file's name, content type and bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

macro_rules! web {
    ($name:literal) => {
        include_bytes!(concat!("../../web/", $name))
    };
}

/// Every file the pages load.
pub(super) const ASSETS: &[Asset] = &[
    ("look.css", CSS, web!("look.css")),
    ("consent.css", CSS, web!("consent.css")),
    ("chat.css", CSS, web!("chat.css")),
    ("card.css", CSS, web!("card.css")),
    ("dingtalk.css", CSS, web!("dingtalk.css")),
    ("wechat.css", CSS, web!("wechat.css")),
    ("wechat.js", JS, web!("wechat.js")),
    ("memory.js", JS, web!("memory.js")),
    ("lang.js", JS, web!("lang.js")),
    ("consent.js", JS, web!("consent.js")),
    ("chat.js", JS, web!("chat.js")),
    ("api.js", JS, web!("api.js")),
    ("dom.js", JS, web!("dom.js")),
    ("words.js", JS, web!("words.js")),
    ("people.js", JS, web!("people.js")),
    ("thread.js", JS, web!("thread.js")),
    ("toast.js", JS, web!("toast.js")),
    ("card.js", JS, web!("card.js")),
    ("card_text.js", JS, web!("card_text.js")),
    ("card_button.js", JS, web!("card_button.js")),
    ("confirm.js", JS, web!("confirm.js")),
    ("card_form.js", JS, web!("card_form.js")),
    ("template_card.js", JS, web!("template_card.js")),
    ("colors.js", JS, web!("colors.js")),
    ("address.js", JS, web!("address.js")),
    ("markdown.js", JS, web!("markdown.js")),
    ("mark.svg", SVG, web!("mark.svg")),
];

/// A file by its name or path: `chat.js`, `assets/chat.js` and `/assets/chat.js` are the same one.
/// Gives its content type and its bytes.
#[must_use]
pub fn asset(path: &str) -> Option<(&'static str, &'static [u8])> {
    let path = path.trim_start_matches('/');
    let name = path.strip_prefix("assets/").unwrap_or(path);
    ASSETS.iter().find(|(known, ..)| *known == name).map(|&(_, kind, bytes)| (kind, bytes))
}
