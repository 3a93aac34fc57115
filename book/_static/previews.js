// Hovering or focusing a reference to an equation, figure, claim, work or term shows what it leads to.
// The link itself works as ever, also by touch and where this script cannot run.
const LINKS = ".bd-article a.reference.internal[href*='#']";
const SHOWN = ".math, figure, table, .proof, .citation";
const DROPPED = "script, style, details, button, input, .headerlink";
const PATIENCE = 200; // milliseconds, before it opens and before it closes

const pages = new Map([[location.pathname, Promise.resolve(document)]]);
const popover = document.createElement("div");
let owner = null; // the link whose target is shown, or is about to be
let timer = 0;

function pageOf(url) {
  if (!pages.has(url.pathname)) {
    const page = fetch(url)
      .then((answer) => (answer.ok ? answer.text() : ""))
      .then((text) => new DOMParser().parseFromString(text, "text/html"));
    pages.set(url.pathname, page);
  }
  return pages.get(url.pathname);
}

// A copy of what an address leads to; nothing for a heading, which is the start of a long text.
function copyOf(page, url) {
  let target = page.getElementById(decodeURIComponent(url.hash.slice(1)));
  if (target?.matches("dt")) target = target.nextElementSibling;
  else if (target?.matches("span:empty")) target = target.nextElementSibling;
  if (!target?.matches(`${SHOWN}, dd`)) return null;
  const copy = document.createElement("div");
  const clone = document.importNode(target, true);
  copy.append(...(target.matches("dd") ? clone.childNodes : [clone]));
  copy.querySelectorAll(DROPPED).forEach((node) => node.remove());
  copy.querySelectorAll("a").forEach((link) => link.replaceWith(...link.childNodes));
  copy.querySelectorAll("[id]").forEach((node) => node.closest("svg") || node.removeAttribute("id"));
  copy.querySelectorAll("[tabindex]").forEach((node) => node.removeAttribute("tabindex"));
  copy.querySelectorAll("img[src]").forEach((image) => {
    image.src = new URL(image.getAttribute("src"), url).href;
    image.loading = "eager";
  });
  return copy;
}

// A page without formulas has not asked for their fonts.
function loadFormulas() {
  if (!popover.querySelector(".katex") || document.querySelector("link[href*='katex.css']")) return;
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = `${document.documentElement.dataset.content_root}_static/katex/katex.css`;
  document.head.append(sheet);
}

// Below the link or, where there is no room, above it.
function place(link) {
  const box = link.getClientRects()[0];
  const { width, height } = popover.getBoundingClientRect();
  const room = document.documentElement;
  const left = Math.max(8, Math.min(box.left, room.clientWidth - width - 8));
  const below = box.bottom + 6;
  const above = box.top - height - 6;
  const fits = below + height <= room.clientHeight || above < 0;
  popover.style.left = `${left}px`;
  popover.style.top = `${fits ? below : above}px`;
}

async function show(link) {
  const url = new URL(link.href);
  const page = await pageOf(url).catch(() => null);
  const copy = page && copyOf(page, url);
  if (!copy || owner !== link) return;
  popover.replaceChildren(copy);
  loadFormulas();
  link.removeAttribute("title"); // the browser's own hint would lie over this one
  link.setAttribute("aria-describedby", popover.id);
  popover.showPopover();
  place(link);
  const settle = () => owner === link && place(link);
  copy.querySelectorAll("img").forEach((image) => image.addEventListener("load", settle));
}

function hide() {
  clearTimeout(timer);
  owner?.removeAttribute("aria-describedby");
  owner = null;
  if (popover.matches(":popover-open")) popover.hidePopover();
}

function want(link) {
  clearTimeout(timer);
  if (link === owner) return;
  hide();
  owner = link;
  timer = setTimeout(show, PATIENCE, link);
}

function leave() {
  clearTimeout(timer);
  timer = setTimeout(hide, PATIENCE);
}

if (HTMLElement.prototype.showPopover) {
  popover.id = "gb-preview";
  popover.popover = "manual";
  popover.setAttribute("role", "tooltip");
  document.body.append(popover);
  const linkOf = (event) => event.target.closest?.(LINKS);
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    if (linkOf(event)) want(linkOf(event));
    else if (popover.contains(event.target)) clearTimeout(timer);
    else if (owner && !owner.matches(":focus-visible")) leave();
  });
  document.addEventListener("focusin", (event) => {
    if (linkOf(event)?.matches(":focus-visible")) want(linkOf(event));
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("scroll", (event) => popover.contains(event.target) || hide(), true);
}
