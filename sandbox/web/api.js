// The three calls of the chat API. An answer that is not 200 with JSON is an error.

/** Each platform has the same calls below a path of its own. */
const BASE = `${document.body.dataset.base ?? ""}/chat/api`;

async function json(response) {
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

/** `{apps, people}` */
export async function state() {
  return json(await fetch(`${BASE}/state`));
}

/** `{version, messages}`: those changed after version `after`; waits up to `wait` seconds for one. */
export async function messages(openId, after, wait, signal) {
  const query = new URLSearchParams({ open_id: openId, after, wait });
  return json(await fetch(`${BASE}/messages?${query}`, { signal }));
}

/** `{toast, error}`; finishes even if the page is left for the link that was tapped. */
export async function tap(openId, messageId, action) {
  const body = JSON.stringify({ open_id: openId, message_id: messageId, action });
  const headers = { "content-type": "application/json" };
  return json(await fetch(`${BASE}/tap`, { method: "POST", headers, body, keepalive: true }));
}
