"""The script of all pages: tooltips, the filter, and what the table and the picture have in common."""

from __future__ import annotations

SCRIPT = """"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  for (const title of all("svg title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  for (const each of all("td[title], li[title]")) {
    each.dataset.tip = each.title;
    each.removeAttribute("title");
  }
  let lit = [];
  const light = (number) => {
    for (const each of lit) each.classList.remove("lit");
    lit = number === undefined ? [] : all(`[data-m="${Number(number)}"]`);
    for (const each of lit) each.classList.add("lit");
  };
  document.addEventListener("pointerover", (event) => {
    const tipped = event.target.closest("[data-tip]");
    tip.hidden = !tipped;
    light(event.target.closest("[data-m]")?.dataset.m);
    if (tipped) tip.textContent = tipped.dataset.tip;
  });
  document.addEventListener("pointermove", (event) => {
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, room))}px`;
    const below = event.clientY + 16;
    const fits = below + tip.offsetHeight < window.innerHeight;
    tip.style.top = `${fits ? below : Math.max(4, event.clientY - tip.offsetHeight - 8)}px`;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
  });
  const input = document.getElementById("filter");
  if (!input) return;
  document.getElementById("controls").hidden = false;
  const count = document.getElementById("count");
  const rows = all("tr[data-m]").map((row) => [row, row.textContent.toLowerCase()]);
  const parts = all("g[data-m], li[data-m]");
  const folds = all("details[data-m]");
  const filter = () => {
    const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const shown = new Set();
    let number = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      if (row.hidden) continue;
      number += 1;
      shown.add(row.dataset.m);
    }
    for (const part of parts) part.classList.toggle("dim", !shown.has(part.dataset.m));
    for (const fold of folds) fold.hidden = words.length > 0 && !shown.has(fold.dataset.m);
    count.textContent = words.length ? `${number} of ${rows.length} rows` : "";
  };
  input.addEventListener("input", filter);
  filter();
})();
"""
SCRIPT_HASH = "sha256-F7ozRTyW5GZa0fbdfLp3guyvyL4QvA2MK2CAi6C+15M="
"""Of `SCRIPT`: the page's policy lets browsers run no other script."""
