//! Scopes in words, for the consent pages.

use crate::pages::ScopeLine;

const WORDS: [(&str, &str, &str); 12] = [
    ("offline_access", "在你不在线时继续访问", "Keep access while you are away"),
    ("auth:user.id:read", "获取你的用户 ID", "See your user id"),
    ("contact:user.base:readonly", "获取你的姓名和头像", "See your name and picture"),
    ("contact:user.phone:readonly", "获取你的手机号", "See your mobile number"),
    ("contact:user.email:readonly", "获取你的邮箱", "See your e-mail address"),
    ("contact:user.employee_id:readonly", "获取你在公司内的用户 ID", "See your id inside the company"),
    ("im:message", "以你的身份收发消息", "Read and send messages as you"),
    ("apaas:app:read", "查看你的 aPaaS 应用", "See your aPaaS apps"),
    ("apaas:workspace:read", "读取 aPaaS 工作空间的数据表", "Read the tables of aPaaS workspaces"),
    ("apaas:workspace:write", "修改 aPaaS 工作空间的数据表", "Change the tables of aPaaS workspaces"),
    ("calendar:calendar:readonly", "查看你的日历", "See your calendar"),
    ("docs:document:readonly", "查看你的文档", "See your documents"),
];

/// One permission as the page shows it. A scope that is not known is shown by its name.
#[must_use]
pub fn line(name: &str) -> ScopeLine {
    let known = WORDS.iter().find(|(known, ..)| *known == name);
    let (zh, en) = known.map_or((name, name), |(_, zh, en)| (*zh, *en));
    ScopeLine { name: name.to_owned(), words_zh: zh.to_owned(), words_en: en.to_owned() }
}

/// The scope names of a request, each once, in the order asked.
#[must_use]
pub fn split(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split_whitespace() {
        if !scopes.iter().any(|seen| seen == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}
