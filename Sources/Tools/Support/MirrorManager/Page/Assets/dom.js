// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// Making elements. Texts from outside only ever become text nodes, so a mirror's name or error cannot be markup.

/** The element of an id. */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element.
 * Keys of `options`: `class`, `text`, `on` (event listeners), `data` (data-*), everything else is an attribute; false and null are left out.
 */
export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") element.className = value;
    else if (key === "text") element.textContent = value;
    else if (key === "on") for (const [name, listener] of Object.entries(value)) element.addEventListener(name, listener);
    else if (key === "data") Object.assign(element.dataset, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const svgSpace = "http://www.w3.org/2000/svg";

/** Makes an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(svgSpace, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** An icon of the page's sprite; its meaning must stand beside it as a text. */
export function icon(name) {
  return svg("svg", { class: `icon i-${name}`, "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));
}

/** Sets a text only when it is another one: unchanged nodes cost no layout and stay selected. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

let announcement = 0;

/** Says something to screen readers, politely. */
export function announce(text) {
  const region = byId("announcer");
  region.textContent = "";
  clearTimeout(announcement);
  announcement = setTimeout(() => { region.textContent = text; }, 50);
}

/** Shows a message for some seconds; errors stay until they are closed. */
export function toast(text, kind = "info") {
  const item = make("div", { class: `toast ${kind}` }, make("span", { text }));
  const close = make("button", {
    type: "button", class: "quiet", "aria-label": "Close message", on: { click: () => item.remove() },
  }, icon("close"));
  item.append(close);
  const region = byId("toasts");
  while (region.children.length >= 4) region.firstElementChild.remove();
  region.append(item);
  if (kind !== "error") setTimeout(() => item.remove(), 6000);
}
