"use strict";
// Titles of shapes become one tip that also answers touch and looks the same everywhere.
const tip = document.getElementById("tip");
for (const title of document.querySelectorAll("svg title")) {
  title.parentNode.dataset.tip = title.textContent;
  title.remove();
}
document.addEventListener("pointermove", show);
document.addEventListener("pointerdown", show);
function show(event) {
  const shape = event.target.closest ? event.target.closest("[data-tip]") : null;
  tip.hidden = !shape;
  if (!shape) return;
  tip.textContent = shape.dataset.tip;
  const wide = document.documentElement.clientWidth;
  const left = Math.min(event.pageX + 14, window.scrollX + wide - tip.offsetWidth - 8);
  tip.style.left = Math.max(left, window.scrollX + 4) + "px";
  tip.style.top = Math.max(event.pageY - tip.offsetHeight - 12, window.scrollY + 4) + "px";
}
// Legends: a click shows or hides a series.
for (const key of document.querySelectorAll("svg .key")) {
  const [stroke, dash] = ["stroke", "stroke-dasharray"].map((name) => key.getAttribute(name));
  const same = (shape) => shape.getAttribute("stroke") === stroke && shape.getAttribute("stroke-dasharray") === dash;
  const alone = [...key.parentNode.querySelectorAll(".key")].filter((other) => other.getAttribute("stroke") === stroke).length < 2;
  const series = [...key.parentNode.children].filter(
    (shape) => !shape.classList.contains("key") && (same(shape) || (alone && shape.getAttribute("fill") === stroke)));
  if (!series.length) continue;
  const entry = [key];
  while (entry.at(-1).nextElementSibling && entry.at(-1).nextElementSibling.tagName === "text") entry.push(entry.at(-1).nextElementSibling);
  const words = entry.slice(1).map((text) => text.textContent).join(" ");
  key.setAttribute("role", "button");
  key.setAttribute("tabindex", "0");
  key.setAttribute("aria-label", "show or hide " + words);
  key.setAttribute("aria-pressed", "true");
  const turn = () => {
    const shown = key.getAttribute("aria-pressed") !== "true";
    key.setAttribute("aria-pressed", String(shown));
    for (const shape of series) shape.style.display = shown ? "" : "none";
    for (const part of entry) part.style.opacity = shown ? "" : "0.4";
  };
  for (const part of entry) {
    part.style.cursor = "pointer";
    part.addEventListener("click", turn);
  }
  key.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); turn(); } });
}
// Samples: one at a time.
for (const group of document.querySelectorAll(".samples")) {
  const samples = [...group.querySelectorAll(".sample")];
  if (samples.length < 2) continue;
  const tabs = document.createElement("div");
  tabs.className = "tabs";
  tabs.setAttribute("role", "tablist");
  const choose = (chosen) => {
    samples.forEach((sample, n) => {
      sample.hidden = n !== chosen;
      tabs.children[n].setAttribute("aria-selected", String(n === chosen));
    });
  };
  samples.forEach((sample, n) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.setAttribute("role", "tab");
    tab.textContent = sample.dataset.name;
    tab.addEventListener("click", () => choose(n));
    tabs.append(tab);
  });
  group.prepend(tabs);
  choose(0);
}
// Light or dark, whatever the system prefers.
const theme = document.getElementById("theme");
const root = document.documentElement;
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
const label = () => { theme.textContent = isDark() ? "light" : "dark"; theme.setAttribute("aria-label", "show in " + theme.textContent + " colours"); };
theme.hidden = false;
theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; label(); });
label();
