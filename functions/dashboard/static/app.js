// What the pages do beyond HTML and htmx: local times, ages that tick, copy buttons, questions in dialogs, and live
// parts that are swapped without losing the reader's place. Every page works without it.
"use strict";

const STALE_AFTER_SECONDS = 30;
const MINUTE = 60, HOUR = 3600, DAY = 86400;

document.documentElement.classList.add("js");

// --- times ------------------------------------------------------------------------------------------

function ageText(seconds) {
  if (seconds < 1) return "just now";
  if (seconds < MINUTE) return `${Math.floor(seconds)} s ago`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  return `${Math.floor(seconds / DAY)} days ago`;
}

function momentText(at) {
  const now = new Date();
  const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === now.toDateString()) return clock;
  const options = { day: "numeric", month: "short" };
  if (Math.abs(now - at) > 180 * DAY * 1000) return at.toLocaleDateString([], { ...options, year: "numeric" });
  return `${at.toLocaleDateString([], options)} ${clock}`;
}

// Ages count from when the server said them, on a clock that nobody can set.
const born = new WeakMap();

function showTimes(root) {
  for (const element of root.querySelectorAll("[data-age], [data-asof]")) born.set(element, performance.now());
  for (const element of root.querySelectorAll("time[data-time='moment'], time[data-time='exact']")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    element.textContent = element.dataset.time === "moment" ? momentText(at) : at.toLocaleString();
  }
}

function secondsSince(element, said) {
  return Number(said) + (performance.now() - (born.get(element) ?? performance.now())) / 1000;
}

function tick() {
  for (const element of document.querySelectorAll("[data-age]")) {
    setText(element, ageText(secondsSince(element, element.dataset.age)));
  }
  for (const element of document.querySelectorAll("[data-asof]")) {
    const seconds = secondsSince(element, element.dataset.asof);
    element.classList.toggle("stale", seconds > STALE_AFTER_SECONDS);
    setText(element.querySelector("time"), ageText(seconds));
  }
}

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// --- copying ----------------------------------------------------------------------------------------

async function copyFrom(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = "Copied";
    announce("Copied");
  } catch {
    // No permission, or no secure context: leave it selected, so that Ctrl+C copies it.
    getSelection().selectAllChildren(source);
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { label.textContent = before; }, 2000);
}

// --- questions --------------------------------------------------------------------------------------

function sameName(typed, name) {
  const plain = (text) => text.trim().split(/\s+/).join(" ");
  return plain(typed) === plain(name);
}

function guardTyped(root) {
  for (const form of root.querySelectorAll("form[data-typed]")) {
    const field = form.elements.confirm;
    const button = form.querySelector("button");
    const update = () => { button.disabled = !sameName(field.value, form.dataset.typed); };
    field.addEventListener("input", update);
    update();
  }
}

// --- live parts -------------------------------------------------------------------------------------

function announce(text) {
  setText(document.getElementById("announce"), text);
}

function selectsWithin(element) {
  const selection = getSelection();
  return !selection.isCollapsed && element.contains(selection.anchorNode);
}

let focused = null;
const kept = new Map();
let version = null;
let said = null;

function remember() {
  const live = document.getElementById("live");
  version = live?.dataset.version ?? null;
  said = live?.dataset.announce ?? null;
}

document.addEventListener("htmx:beforeRequest", (event) => {
  // A page that nobody looks at asks for nothing; it asks again when it is looked at.
  if (document.hidden && event.detail.requestConfig.verb === "get") event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target;
  // What the reader is marking, to copy it, is left alone until the next round.
  if (selectsWithin(target)) event.detail.shouldSwap = false;
  const active = document.activeElement;
  // Nor is a field that is being filled in; what was chosen in others is put back after the swap.
  if (target.contains(active) && active.matches("[data-keep]")) event.detail.shouldSwap = false;
  for (const field of target.querySelectorAll("[data-keep]")) kept.set(field.id, field.value);
  focused = target.contains(active) ? { id: active.id, href: active.getAttribute("href") } : null;
});

document.addEventListener("htmx:afterSettle", () => {
  const live = document.getElementById("live");
  showTimes(document);
  restoreKept();
  if (focused) restoreFocus();
  if (live?.dataset.version !== undefined && live.dataset.version !== version && version !== null) {
    htmx.trigger(document.body, "job-changed");
  }
  if (live?.dataset.announce && live.dataset.announce !== said) announce(live.dataset.announce);
  remember();
});

function restoreKept() {
  for (const [id, value] of kept) {
    const field = document.getElementById(id);
    const known = field && (!field.options || [...field.options].some((option) => option.value === value));
    if (known) field.value = value;
  }
  kept.clear();
}

function restoreFocus() {
  const active = document.activeElement;
  if (active && active !== document.body) { focused = null; return; }
  const again = focused.id
    ? document.getElementById(focused.id)
    : focused.href && document.querySelector(`#live a[href="${CSS.escape(focused.href)}"]`);
  (again || document.getElementById("main")).focus({ preventScroll: true });
  focused = null;
}

document.addEventListener("visibilitychange", () => {
  const live = document.getElementById("live");
  if (!document.hidden && live?.hasAttribute("hx-get") && window.htmx) {
    const swap = { target: live, swap: live.getAttribute("hx-swap"), select: live.getAttribute("hx-select") };
    htmx.ajax("GET", live.getAttribute("hx-get"), swap);
  }
});

// A page whose polls are not answered shows the past; without these words it would look like the present.
let answeredAt = new Date();

function silence() {
  const since = answeredAt.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const notice = document.getElementById("silence");
  setText(notice.querySelector("span"), `No answer from the control plane since ${since}. This page shows what was true ` +
    "then, and asks again by itself.");
  notice.hidden = false;
}

document.addEventListener("htmx:sendError", silence);
document.addEventListener("htmx:timeout", silence);
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status >= 500) silence();
});
document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.xhr.status >= 400) return;
  answeredAt = new Date();
  document.getElementById("silence").hidden = true;
});

// --- the page ---------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) copyFrom(copy);
  const ask = event.target.closest("a[data-dialog]");
  const dialog = ask && document.getElementById(ask.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.returnFocus = ask.id;
    dialog.showModal();
  }
  const close = event.target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
  }
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

document.addEventListener("close", (event) => {
  // The button that opened it may have been swapped meanwhile: its successor has the same id.
  if (event.target instanceof HTMLDialogElement) document.getElementById(event.target.returnFocus)?.focus();
}, true);

document.addEventListener("submit", (event) => {
  // A second click on the same button sends nothing twice.
  const form = event.target;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.method === "post") {
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 3000);
  }
});

// What was just done is said once: not again to who reloads the page or keeps its address.
function forgetDone() {
  const address = new URL(location.href);
  if (!address.searchParams.has("done")) return;
  address.searchParams.delete("done");
  history.replaceState(history.state, "", address);
}

showTimes(document);
guardTyped(document);
remember();
forgetDone();
setInterval(tick, 1000);
