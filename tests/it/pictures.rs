//! Draws docs/pictures anew: `make pictures`. Ignored in `make test`, since nothing is asserted but that the story goes on.

use std::path::Path;

use cardkey_sandbox::{ALICE, BOB};
use serde_json::json;

use crate::harness::{APP, Browser, Look, Setup, World};
use crate::wechat;

const SCOPES: &[&str] = &["apaas:app:read", "contact:user.email:readonly"];

/// A browser whose pictures are kept under a name of their own.
struct Album {
    look: Look,
    ending: &'static str,
    asker: &'static str,
    reason: &'static str,
}

const ENGLISH: [Album; 2] = [english(Look::DESKTOP, "desktop"), english(Look::PHONE, "phone")];
const CHINESE: [Album; 2] = [chinese(Look::DESKTOP, "desktop-zh"), chinese(Look::PHONE, "phone-zh")];

const fn english(look: Look, ending: &'static str) -> Album {
    Album { look, ending, asker: "Travel expenses", reason: "Fill in your report for the trip to Shanghai" }
}

const fn chinese(look: Look, ending: &'static str) -> Album {
    Album {
        look: look.speaking("zh-CN"), ending, asker: "差旅报销", reason: "帮你填写上海出差的报销单"
    }
}

impl Album {
    /// A world in which the service has asked Alice, and Alice's chat.
    async fn begin(&self, setup: Setup) -> (World, Browser) {
        let mut world = World::with(setup).await;
        world.control("apps", &json!({ "app_id": APP, "name": "Reports bot" })).await;
        world.key = world.new_key(self.asker, &[APP], crate::harness::SCOPES).await;
        let reply = world.ask_for(ALICE, SCOPES, &json!({ "reason": self.reason })).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        let chat = Browser::with(self.look).await;
        chat.be(&world, ALICE).await;
        chat.find("[data-name='authorize']").await;
        (world, chat)
    }

    async fn keep(&self, browser: &Browser, what: &str) {
        let path = Path::new("docs/pictures").join(format!("{what}-{}.png", self.ending));
        std::fs::write(path, browser.picture().await).unwrap();
    }

    async fn redirect(&self) {
        let (world, chat) = self.begin(Setup::default()).await;
        self.keep(&chat, "chat").await;
        chat.click("[data-name='authorize']").await;
        chat.to_new_tab().await;
        chat.find("[data-action='continue']").await;
        self.keep(&chat, "landing").await;
        chat.click("[data-action='continue']").await;
        chat.find("[data-decision='allow']").await;
        self.keep(&chat, "consent").await;
        chat.click("[data-decision='allow']").await;
        chat.find("[data-mood='good']").await;
        self.keep(&chat, "granted").await;
        chat.to_chat().await;
        chat.find(".theme-green").await;
        self.keep(&chat, "chat-granted").await;
        chat.close().await;
        world.end().await;
    }

    async fn wrong_person(&self) {
        let (world, chat) = self.begin(Setup::default()).await;
        chat.click("[data-name='authorize']").await;
        chat.to_new_tab().await;
        chat.click("[data-action='continue']").await;
        chat.click(&format!("[data-as='{BOB}']")).await;
        chat.click("[data-decision='allow']").await;
        chat.find("[data-mood='bad']").await;
        self.keep(&chat, "wrong-person").await;
        chat.close().await;
        world.end().await;
    }

    async fn device(&self) {
        let (world, chat) = self.begin(Setup::code("device")).await;
        chat.click("[data-name='authorize']").await;
        chat.to_new_tab().await;
        chat.find("[data-user-code]").await;
        self.keep(&chat, "device").await;
        chat.close().await;
        world.end().await;
    }

    async fn mini_program(&self) {
        let (world, phone) = (wechat::world().await, Browser::with(self.look).await);
        phone.open_mini_program(&world, ALICE).await;
        self.keep(&phone, "mini-program").await;
        tokio::join!(wechat::page::serve(&world), phone.click("[data-action='login']"));
        phone.find(".outcome[data-mood='good']").await;
        self.keep(&phone, "mini-program-in").await;
        phone.close().await;
        world.end().await;
    }

    async fn paste(&self) {
        let (world, chat) = self.begin(Setup::code("paste")).await;
        if self.look.phone {
            self.keep(&chat, "chat-code").await;
        }
        chat.click("[data-name='authorize']").await;
        chat.to_new_tab().await;
        chat.click("[data-decision='allow']").await;
        chat.find("#code:not(:empty)").await;
        self.keep(&chat, "code").await;
        chat.close().await;
        world.end().await;
    }
}

#[tokio::test]
#[ignore = "writes docs/pictures: make pictures"]
async fn draw() {
    for album in &ENGLISH {
        album.redirect().await;
        album.wrong_person().await;
        album.device().await;
        album.paste().await;
    }
    for album in &CHINESE {
        album.redirect().await;
    }
}

#[tokio::test]
#[ignore = "writes docs/pictures: make pictures"]
async fn draw_the_mini_program() {
    for album in [&ENGLISH[0], &ENGLISH[1], &CHINESE[1]] {
        album.mini_program().await;
    }
}
