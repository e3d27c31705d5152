// What the page remembers: cookies (for the server too) and the query (for links that set something up).

export function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found && decodeURIComponent(found.slice(name.length + 1));
}

export function asked(name) {
  return new URLSearchParams(location.search).get(name) ?? undefined;
}

/** Keeps a choice in the cookie; a query that asked for another one follows, so that a reload agrees. */
export function remember(cookieName, queryName, value) {
  document.cookie = `${cookieName}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax`;
  const url = new URL(location.href);
  if (!url.searchParams.has(queryName)) return;
  url.searchParams.set(queryName, value);
  history.replaceState(null, "", url);
}
