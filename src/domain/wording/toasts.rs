//! The short messages to who tapped a card.

use crate::domain::card::Toast;
use crate::domain::wording::{Bilingual, texts};

texts! {
    CONTINUE = "请在打开的页面继续", "Go on in the page that opens";
    REJECTED = "已拒绝授权", "Your refusal was noted";
    CODE_TAKEN = "已收到授权码，正在核对", "The code was received and is being checked";
    CODE_UNUSABLE = "授权码无效，请重新复制", "This is not a valid code. Please copy it again";
    NOT_FOR_YOU = "此请求不是发给你的", "This request is not for you";
    ALREADY_GRANTED = "你已经授权过了", "You have already authorized this";
    ALREADY_OVER = "此请求已结束，如仍需要请重新发起", "This request is over. If it is still needed, start again";
    UNKNOWN_CARD = "找不到此请求，可能已过期", "This request is unknown. It may have expired";
}

/// The words of a toast.
#[must_use]
pub const fn words(toast: Toast) -> Bilingual {
    match toast {
        Toast::Continue => CONTINUE,
        Toast::Rejected => REJECTED,
        Toast::CodeTaken => CODE_TAKEN,
        Toast::CodeUnusable => CODE_UNUSABLE,
        Toast::NotForYou => NOT_FOR_YOU,
        Toast::AlreadyGranted => ALREADY_GRANTED,
        Toast::AlreadyOver => ALREADY_OVER,
        Toast::UnknownCard => UNKNOWN_CARD,
    }
}
