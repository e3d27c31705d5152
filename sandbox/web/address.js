// Which addresses in a card may be followed, and where they lead.

/** The full address if it is http, https or a path on this server; undefined for every other scheme. */
export function safeAddress(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : undefined;
  } catch {
    return undefined;
  }
}

/** Bots may wrap a link so that the real client opens it in its side bar; here the link inside is what opens. */
export function unwrapped(href) {
  const url = new URL(href);
  const inside = url.hostname.startsWith("applink.") && url.pathname === "/client/web_url/open" && url.searchParams.get("url");
  return inside ? safeAddress(inside) : href;
}
