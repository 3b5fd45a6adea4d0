"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, attributes = {}, text = "") => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  };
  const main = document.querySelector("main");
  const spoken = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
  main.append(spoken);

  // Copying. Without the clipboard's consent (some previews) the text is selected and the old command is tried.
  const selectAndCopy = text => {
    const area = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    main.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copied = async text => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return selectAndCopy(text);
    }
  };
  const icon = () => {
    const [drawing, path] = ["svg", "path"].map(name => document.createElementNS("http://www.w3.org/2000/svg", name));
    drawing.setAttribute("viewBox", "0 0 16 16");
    drawing.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3");
    drawing.append(path);
    return drawing;
  };
  const copyButton = (text, what) => {
    const button = make("button", { type: "button", class: "copy", title: "Copy", "aria-label": `Copy ${what}` });
    button.append(icon());
    button.addEventListener("click", async () => {
      const done = await copied(text());
      button.focus();
      button.textContent = done ? "Copied" : "Not possible";
      spoken.textContent = done ? `Copied: ${what}` : "This program does not let a page copy; select the text instead.";
      setTimeout(() => button.replaceChildren(icon()), 1500);
    });
    return button;
  };
  for (const cell of all(".facts td")) {
    const text = cell.dataset.copy ?? cell.textContent.trim();
    cell.classList.add("copyable");
    cell.append(copyButton(() => text, cell.parentElement.querySelector("th").textContent));
  }
  for (const block of all("main pre")) {
    const box = make("div", { class: "copyable" });
    const heading = block.closest("section, article").querySelector("h2, h1").textContent;
    block.replaceWith(box);
    box.append(block, copyButton(() => block.textContent, `this part of “${heading}”`));
  }
  for (const code of all(".card li code, #steps code, .commands code")) {
    const text = code.textContent;
    code.after(copyButton(() => text, `the command ${text}`));
  }

  // Citations: what is closed around the target is opened, what a filter hid is shown, the words cited are marked.
  const mark = (target, words) => {
    if (!window.Highlight) return;
    CSS.highlights.delete("cited");
    const walker = document.createTreeWalker(target, NodeFilter.SHOW_TEXT);
    const pieces = [];
    let text = "";
    while (walker.nextNode()) {
      pieces.push({ node: walker.currentNode, start: text.length });
      text += walker.currentNode.data;
    }
    const at = words ? text.indexOf(words) : -1;
    if (at < 0) return;
    // The words may run over several pieces: an address is cut where it may break.
    const first = pieces.findLast(piece => piece.start <= at);
    const last = pieces.findLast(piece => piece.start < at + words.length);
    const range = new Range();
    range.setStart(first.node, at - first.start);
    range.setEnd(last.node, at + words.length - last.start);
    CSS.highlights.set("cited", new Highlight(range));
    first.node.parentElement.scrollIntoView({ block: "nearest" });
  };
  const reveal = words => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    target.hidden = false;
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    if (target.tagName === "TR") for (const inner of all("details", target)) inner.open = true;
    target.scrollIntoView({ block: "center" });
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
    mark(target, words);
  };
  let cited = "";
  for (const link of all("a.pointer"))
    link.addEventListener("click", () => {
      cited = link.closest(".cite")?.querySelector("code")?.textContent ?? "";
      if (link.hash === location.hash) reveal(cited);
    });
  addEventListener("hashchange", () => { reveal(cited); cited = ""; });
  reveal("");

  // Sorting by a click on the head of a column.
  const key = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
  const order = new Intl.Collator("en", { numeric: true }).compare;
  const sort = (table, head) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map(row => [key(row, head.cellIndex), row]);
    rows.sort(([a], [b]) => (down ? order(b, a) : order(a, b)));
    table.tBodies[0].append(...rows.map(([, row]) => row));
  };
  for (const table of all("table.sortable, table.lookup"))
    for (const head of all("thead th", table)) {
      const button = make("button", { type: "button", class: "sort" });
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }

  // Filtering of long tables.
  for (const table of all("table.lookup")) {
    const rows = [...table.tBodies[0].rows];
    const what = table.caption.textContent;
    const text = make("input", { type: "search", "aria-label": `Filter: ${what}`, placeholder: "Filter" });
    const failed = make("input", { type: "checkbox" });
    const label = make("label");
    label.append(failed, table.classList.contains("requests") ? " only failed" : " only errors");
    const count = make("span", { role: "status" });
    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/);
      let shown = 0;
      for (const row of rows) {
        const content = row.textContent.toLowerCase();
        row.hidden = (failed.checked && !row.classList.contains("bad")) || !words.every(word => content.includes(word));
        shown += !row.hidden;
      }
      count.textContent = shown === rows.length ? "" : `${shown} of ${rows.length}`;
    };
    text.addEventListener("input", apply);
    failed.addEventListener("change", apply);
    const tools = make("div", { class: "tools" });
    tools.append(text, ...(rows.some(row => row.classList.contains("bad")) ? [label] : []), count);
    table.parentElement.before(tools);
  }

  // Light and dark, whatever the system prefers.
  const root = document.documentElement;
  const theme = make("button", { type: "button", class: "theme" });
  const dark = () => getComputedStyle(root).getPropertyValue("--theme").trim() === "dark";
  const name = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
  document.querySelector(".bar").append(theme);

  // On paper nothing can be opened, so it is opened before; of requests only the failed ones.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details:not([open])").filter(each => !each.closest("tr:not(.bad)"));
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
})();
