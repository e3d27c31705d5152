//! The words on our web pages: the landing page behind the card's link, the result pages, the page that shows a code,
//! and the pages for everything that went wrong on the way.

use crate::domain::auth_session::StateName;
use crate::domain::wording::{Bilingual, texts};

texts! {
    LANDING_TITLE = "确认授权", "Confirm the authorization";
    LANDING_REASON = "用途", "What for";
    LANDING_PERMISSIONS = "申请的权限", "Permissions asked for";
    LANDING_NEXT = "下一步会打开平台的授权页，由你本人确认。", "Next, the platform's own page opens, where you confirm.";
    LANDING_FOR_YOU_ONLY = "只有收到消息的本人可以授权。如果这个链接是别人转给你的，请关闭此页。", "Only the person who got the message can authorize. If somebody passed you this link, close the page.";
    CONTINUE = "继续", "Continue";
    DECLINE = "不授权", "Do not authorize";
    CLOSE = "可以关闭此页了。", "You can close this page now.";
    BACK_TO_CHAT = "请回到聊天窗口。", "Please go back to the chat.";
    PRIVACY = "隐私政策", "Privacy policy";
    WORKING_TITLE = "正在完成授权", "Completing the authorization";
    WORKING = "请稍候，这通常只需几秒钟。", "One moment, please. This usually takes a few seconds.";
    GRANTED_TITLE = "授权成功", "Authorized";
    GRANTED = "服务已获得所需的权限，可以继续使用。", "The service has what it needs and can go on.";
    REJECTED_TITLE = "已拒绝授权", "Authorization refused";
    REJECTED = "没有授予任何权限。", "Nothing was granted.";
    EXPIRED_TITLE = "请求已过期", "The request has expired";
    EXPIRED = "请求没有及时得到答复。如仍需要，请重新发起。", "The request was not answered in time. If it is still needed, start again.";
    MISMATCHED_TITLE = "这个请求不是发给你的", "This request was for someone else";
    MISMATCHED = "同意的账号与被请求的人不同，未保存任何内容。", "Another account than the one that was asked agreed. Nothing was kept.";
    FAILED_TITLE = "授权未能完成", "The authorization did not work";
    FAILED = "请稍后重新发起，或联系应用管理员。", "Start again later, or ask the app's administrator.";
    CANCELLED_TITLE = "请求已撤回", "The request was withdrawn";
    CANCELLED = "请求已被撤回，你无需再做什么。", "The request was withdrawn. There is nothing left for you to do.";
    TRY_AGAIN_TITLE = "这一次没有成功", "This attempt did not work";
    TRY_AGAIN = "请回到聊天窗口，在卡片上再试一次。", "Go back to the chat and try once more on the card.";
    CODE_TITLE = "你的授权码", "Your authorization code";
    CODE_HINT = "复制下面的授权码，粘贴到聊天中的卡片里。不要发给任何人。", "Copy the code below and paste it into the card in the chat. Give it to nobody.";
    CODE_COPY = "复制", "Copy";
    CODE_COPIED = "已复制", "Copied";
    LINK_OVER_TITLE = "此链接已失效", "This link is over";
    LINK_OVER = "链接只能使用一次，并且有时限。请回到聊天窗口，从卡片重新打开。", "A link works once and for a limited time. Go back to the chat and open it from the card.";
    WRONG_BROWSER_TITLE = "请在同一个浏览器中完成", "Please finish in the same browser";
    WRONG_BROWSER = "授权是在另一个浏览器中开始的。请从卡片重新打开链接，并在同一个浏览器中完成。", "The authorization was started in another browser. Open the link from the card again and finish in one browser.";
    UNKNOWN_LINK_TITLE = "无法识别的链接", "Unknown link";
    UNKNOWN_LINK = "链接不完整或不正确。请从聊天中的卡片打开。", "The link is incomplete or wrong. Open it from the card in the chat.";
    BUSY_TITLE = "服务暂时繁忙", "Busy for the moment";
    BUSY = "请稍候片刻再刷新此页。", "Please wait a moment and load the page again.";
}

/// The sentence that asks.
#[must_use]
pub fn landing_asks(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("{} 请求你授权，以便代表你访问数据。", who.zh),
        format!("{} would like your permission to use data on your behalf.", who.en),
    )
}

/// What of the asked permissions was not granted.
#[must_use]
pub fn missing_permissions(count: usize) -> Bilingual {
    let plural = if count == 1 { " was" } else { "s were" };
    Bilingual::made(format!("其中 {count} 项权限未授予："), format!("{count} permission{plural} not granted:"))
}

/// Title and text of the page for where an auth session stands.
#[must_use]
pub const fn result(state: StateName) -> (Bilingual, Bilingual) {
    match state {
        StateName::Pending => (WORKING_TITLE, WORKING),
        StateName::Completed => (GRANTED_TITLE, GRANTED),
        StateName::Rejected => (REJECTED_TITLE, REJECTED),
        StateName::Expired => (EXPIRED_TITLE, EXPIRED),
        StateName::Mismatched => (MISMATCHED_TITLE, MISMATCHED),
        StateName::Failed => (FAILED_TITLE, FAILED),
        StateName::Cancelled => (CANCELLED_TITLE, CANCELLED),
    }
}
