//! The words on the card in the chat.

use crate::domain::wording::{Bilingual, texts};

texts! {
    ASK_TITLE = "授权请求", "Authorization request";
    ASK_AGAIN_TITLE = "请再授权一次", "Please authorize once more";
    AGAIN = "上一次没有成功，请再试一次。", "The last attempt did not work. Please try once more.";
    REASON = "用途", "What for";
    PERMISSIONS = "申请的权限", "Permissions asked for";
    FOR_YOU_ONLY = "只有你本人可以授权，请勿转发。", "Only you can authorize this. Please do not forward it.";
    PRIVACY = "隐私政策", "Privacy policy";
    AUTHORIZE = "授权", "Authorize";
    REJECT = "拒绝", "Reject";
    PASTE_HINT = "同意之后，页面会显示一段授权码。请把它粘贴到下面。", "After you agree, the page shows an authorization code. Paste it below.";
    PASTE_LABEL = "授权码", "Authorization code";
    PASTE_PLACEHOLDER = "在此粘贴授权码", "Paste the code here";
    SUBMIT_CODE = "提交授权码", "Submit the code";
    GRANTED_TITLE = "已授权", "Authorized";
    REJECTED_TITLE = "已拒绝授权", "Authorization refused";
    EXPIRED_TITLE = "授权请求已过期", "The request has expired";
    MISMATCHED_TITLE = "授权人不符", "Authorized by somebody else";
    FAILED_TITLE = "授权未能完成", "The authorization did not work";
    CANCELLED_TITLE = "授权请求已撤回", "The request was withdrawn";
    WAITING_STATUS = "待授权", "Waiting";
    GRANTED_STATUS = "已授权", "Granted";
    REJECTED_STATUS = "已拒绝", "Refused";
    EXPIRED_STATUS = "已过期", "Expired";
    MISMATCHED_STATUS = "账号不符", "Other account";
    FAILED_STATUS = "未完成", "Failed";
    CANCELLED_STATUS = "已撤回", "Withdrawn";
    GRANTED_PERMISSIONS = "已授予的权限", "Permissions granted";
    MISSING_PERMISSIONS = "未授予的权限", "Permissions not granted";
}

/// The sentence that asks.
#[must_use]
pub fn asks(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("{} 请求你授权，以便代表你访问数据。", who.zh),
        format!("{} would like your permission to use data on your behalf.", who.en),
    )
}

/// How many permissions, where they are not listed.
#[must_use]
pub fn permission_count(count: usize) -> Bilingual {
    let plural = if count == 1 { "" } else { "s" };
    Bilingual::made(format!("共 {count} 项权限"), format!("{count} permission{plural} in all"))
}

/// Until when the question stands; `time` is a local time of `zone`.
#[must_use]
pub fn until(time: &str, zone: &str) -> Bilingual {
    Bilingual::made(format!("有效期至 {time}（{zone}）"), format!("Valid until {time} ({zone})"))
}

/// What to do with the code of a device authorization.
#[must_use]
pub fn compare_code(code: &str) -> Bilingual {
    Bilingual::made(
        format!("打开的页面应显示代码 {code}。一致时才同意。"),
        format!("The page that opens should show the code {code}. Agree only if it is the same."),
    )
}

/// What stands for the rest of a list that is too long.
#[must_use]
pub fn and_more(count: usize) -> Bilingual {
    Bilingual::made(format!("以及另外 {count} 项"), format!("and {count} more"))
}

/// After the person granted.
#[must_use]
pub fn granted(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("你已授权 {}，无需再做什么。", who.zh),
        format!("You authorized {}. There is nothing left for you to do.", who.en),
    )
}

/// After the person refused.
#[must_use]
pub fn rejected(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("你拒绝了 {} 的请求，没有授予任何权限。", who.zh),
        format!("You refused the request of {}. Nothing was granted.", who.en),
    )
}

/// After the time was up.
#[must_use]
pub fn expired(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("{} 的请求没有及时得到答复。如仍需要，请重新发起。", who.zh),
        format!("The request of {} was not answered in time. If it is still needed, start again.", who.en),
    )
}

/// After somebody else's consent came back.
#[must_use]
pub fn mismatched(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("{} 的请求由另一个账号同意，未保存任何内容。请用你自己的账号重新发起。", who.zh),
        format!(
            "Another account agreed to the request of {}. Nothing was kept. Start again with your own account.",
            who.en
        ),
    )
}

/// After it could not be done.
#[must_use]
pub fn failed(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("{} 的授权未能完成，你无需再做什么。请稍后重新发起，或联系应用管理员。", who.zh),
        format!(
            "The authorization for {} could not be completed. Start again later, or ask the app's administrator.",
            who.en
        ),
    )
}

/// After the question was withdrawn, by whomever.
#[must_use]
pub fn cancelled(who: &Bilingual) -> Bilingual {
    Bilingual::made(
        format!("{} 的请求已撤回，你无需再做什么。", who.zh),
        format!("The request of {} was withdrawn. There is nothing left for you to do.", who.en),
    )
}
