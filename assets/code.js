// Shows the code from this page's address, takes it out of the address bar, and copies it.
"use strict";
const query = new URLSearchParams(location.search);
history.replaceState(null, "", location.pathname);
const code = query.get("code");
const shown = document.getElementById("code");
const copy = document.getElementById("copy");
if (code) {
  shown.textContent = code;
} else {
  document.getElementById("granted").hidden = true;
  document.getElementById("refused").hidden = false;
}

// Without a clipboard (no https, or the person said no) the code is selected, ready for the keyboard.
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(code);
    copy.textContent = copy.dataset.copied;
    copy.dataset.done = "";
  } catch {
    getSelection().selectAllChildren(shown);
  }
});
