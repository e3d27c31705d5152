// The chat's own words in both languages. Codes are the ones a person's client shows when a tap fails.

import { language } from "./lang.js";

const WORDS = {
  live: ["实时", "Live"],
  wait: ["连接中…", "Connecting…"],
  lost: ["连接已断开，重试中…", "Connection lost, trying again…"],
  bot: ["机器人", "Bot"],
  updated: ["已更新", "updated"],
  empty: ["还没有卡片", "No cards yet"],
  emptyHint: ["机器人需要 TA 的授权时，卡片会自动出现在这里。", "When the bot needs this person's permission, its card shows up here by itself."],
  nobody: ["没有这个人", "Nobody by that name"],
  required: ["请填写此项", "Please fill this in"],
  unknown: ["沙盒不绘制此组件", "not drawn by the sandbox"],
  unreachable: ["无法连接到沙盒", "The sandbox cannot be reached"],
  noAnswer: ["没有得到可读的回答", "No readable answer"],
  newTab: ["（在新标签页中打开）", "(opens in a new tab)"],
  close: ["关闭", "Close"],
};

const CODES = {
  nobodyListens: ["没有在线的连接", "No connection is up"],
  timeout: ["应用没有在两秒内响应", "The app did not answer within two seconds"],
  refused: ["应用返回了错误", "The app answered with an error"],
  malformed: ["应用的响应格式不正确", "The app's answer is malformed"],
  noCard: ["卡片不存在", "There is no such card"],
  200340: ["应用尚未配置回调，或没有在线的连接", "The app has no callback configured, or no connection is up"],
  200341: ["应用没有及时响应", "The app did not answer in time"],
  200342: ["无法连接到应用", "The app could not be connected to"],
  200343: ["找不到应用的地址", "The app's address could not be found"],
  200530: ["表单组件缺少名称", "A form element has no name"],
  200671: ["应用返回了错误状态", "The app answered with an error status"],
  200672: ["应用的响应格式不正确", "The app's answer is malformed"],
  200673: ["应用返回了错误的卡片", "The app answered with a bad card"],
  200830: ["新卡片的版本低于旧卡片", "A 2.0 card cannot become a 1.0 card"],
};

function say([zh, en]) {
  return language() === "zh" ? zh : en;
}

export function word(name) {
  return say(WORDS[name]);
}

/** What a failed tap means: the known words for its code, else the server's text. */
export function problem({ code, text }) {
  return CODES[code] ? say(CODES[code]) : text || word("noAnswer");
}

export function clockTime(milliseconds) {
  const time = new Date(milliseconds);
  const today = time.toDateString() === new Date().toDateString();
  const day = today ? {} : { month: "short", day: "numeric" };
  return time.toLocaleString(document.documentElement.lang, { ...day, hour: "2-digit", minute: "2-digit" });
}
