"""What the page can do where scripts run: filter its rows, and open all of it for paper."""

from __future__ import annotations

SCRIPT = """\
"use strict";
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const words = () => box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const text = (node) => node.textContent.toLowerCase();
  const said = (count) => count.toLocaleString("en");
  const tools = document.getElementById("tools");
  const box = document.getElementById("filter");
  const seen = document.getElementById("seen");
  const details = all("details");
  const was = new Map();
  // A group that is one row is its own row; the others have theirs inside.
  const read = (group) => {
    const rows = all(".row", group);
    return {
      group,
      about: rows.length ? all(".verbs, .who, .tag, .about", group).map(text).join(" ") : "",
      rows: (rows.length ? rows : [group]).map((row) => ({ row, text: null })),
    };
  };
  const sections = all("main > section").map((section) => ({
    section,
    count: section.querySelector("h2 .count"),
    toggle: tools.querySelector(`[name="${section.id}"]`),
    groups: all(".group, .finding", section).map(read),
  }));
  const total = sections.flatMap((each) => each.groups).reduce((sum, each) => sum + each.rows.length, 0);

  const narrowed = ({ group, about, rows }, wanted) => {
    const missing = wanted.filter((word) => !about.includes(word));
    let shown = 0;
    for (const each of rows) {
      if (missing.length) each.text ??= text(each.row);
      const fits = missing.every((word) => each.text.includes(word));
      if (each.row !== group) each.row.hidden = !fits;
      shown += fits;
    }
    for (const list of all(".names ul", group)) list.hidden = !list.querySelector("li:not([hidden])");
    group.hidden = !shown;
    return shown;
  };
  const filter = () => {
    const wanted = words();
    let shown = 0;
    for (const each of sections) {
      const found = each.groups.reduce((sum, group) => sum + narrowed(group, wanted), 0);
      const of = each.groups.reduce((sum, group) => sum + group.rows.length, 0);
      each.count.textContent = found < of ? `${said(found)} of ${said(of)}` : said(of);
      each.section.hidden = !each.toggle.checked || (wanted.length && !found);
      shown += each.section.hidden ? 0 : found;
    }
    seen.textContent = shown < total ? `${said(shown)} of ${said(total)} shown` : `${said(total)} shown`;
    if (wanted.length) open(true);
    else closed();
  };
  const open = (keep) => {
    for (const each of details) {
      if (keep && !was.has(each)) was.set(each, each.open);
      each.open = true;
    }
  };
  const closed = () => {
    for (const [each, before] of was) each.open = before;
    was.clear();
  };

  box.addEventListener("input", filter);
  tools.addEventListener("change", filter);
  document.getElementById("open").addEventListener("click", () => open(false));
  document.getElementById("close").addEventListener("click", () => {
    was.clear();
    for (const each of details) each.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    } else if (event.key === "Escape" && box.value) {
      box.value = "";
      filter();
    }
  });
  addEventListener("beforeprint", () => open(true));
  addEventListener("afterprint", () => words().length || closed());
  tools.hidden = false;
  filter();
})();"""
