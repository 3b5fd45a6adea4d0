"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const byId = id => document.getElementById(id);

  // What is wrong with a field, in a sentence; empty when nothing is. The server judges again, and finally.
  const lines = text => text.split("\n").map(line => line.trim()).filter(Boolean);
  const between = (least, most) => text =>
    /^\d+$/.test(text) && +text >= least && +text <= most ? "" : `A number from ${least} to ${most}.`;
  const address = text => {
    if (!text) return "Fill in the address of the page.";
    if (/^([a-z][a-z0-9+.-]*:\/\/|(about|blob|chrome|data|file|javascript|mailto|view-source):)/i.test(text) && !/^https?:\/\//i.test(text)) return "The address must begin with http:// or https://.";
    try {
      return new URL(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`).hostname ? "" : "This is not an address.";
    } catch {
      return "This is not an address: something is wrong with the host or the port.";
    }
  };
  const CHECKS = {
    url: (text, field) => text || field.required ? address(text) : "",
    headers: text => {
      const wrong = lines(text).findIndex(line => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line));
      return wrong < 0 ? "" : `Line ${wrong + 1} is not of the form Name: value.`;
    },
    width: between(100, 7680),
    height: between(100, 4320),
    locale: text => /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/.test(text) ? "" : "A language tag, for example de-DE.",
    files: (_, field) => {
      const size = [...field.files].reduce((sum, file) => sum + file.size, 0);
      if (!field.files.length) return "Choose at least one file.";
      return size > +field.dataset.most ? `Together these files are larger than ${field.dataset.mostWords}.` : "";
    },
  };
  const judge = field => {
    const said = byId(`${field.id}-error`);
    const sentence = CHECKS[field.name]?.(field.value.trim(), field) ?? "";
    said.textContent = sentence;
    said.hidden = !sentence;
    field.closest(".field").classList.toggle("wrong", Boolean(sentence));
    sentence ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
    return !sentence;
  };
  for (const form of all("form[data-checked]")) {
    const fields = all("[name]", form).filter(field => field.name in CHECKS);
    for (const field of fields) {
      field.addEventListener("change", () => judge(field));
      field.addEventListener("input", () => field.hasAttribute("aria-invalid") && judge(field));
    }
    form.addEventListener("submit", event => {
      const wrong = fields.filter(field => !judge(field));
      if (!wrong.length) return;
      event.preventDefault();
      const details = wrong[0].closest("details");
      if (details) details.open = true;
      wrong[0].focus();
    });
  }

  // A second click must not ask twice; coming back to the page makes the button work again.
  for (const form of all("form[method=post]")) {
    form.addEventListener("submit", event => setTimeout(() => {
      if (!event.defaultPrevented) for (const button of all("button", form)) button.disabled = true;
    }));
  }
  addEventListener("pageshow", () => { for (const button of all("form button")) button.disabled = false; });

  // A log file dropped on the text field becomes its text.
  const log = byId("log");
  log?.addEventListener("drop", async event => {
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    const tail = file.slice(Math.max(0, file.size - 200_000));
    log.value = await tail.text();
  });

  // Of a long log file only its end is sent; the service keeps no more of it.
  const logFile = byId("log_file");
  logFile?.addEventListener("change", () => {
    const [file] = logFile.files;
    const most = +logFile.dataset.most;
    if (!file || file.size <= most) return;
    const end = new DataTransfer();
    end.items.add(new File([file.slice(file.size - most)], file.name, { type: file.type }));
    logFile.files = end.files;
  });

  // Files for the import: chosen, dropped or pasted, they add up; each can be taken out again.
  const files = byId("files");
  if (files) {
    const held = new DataTransfer();
    const words = bytes => bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
    const list = byId("chosen");
    const show = said => {
      files.files = held.files;
      list.replaceChildren(...[...held.files].map((file, at) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.className = "plain";
        button.textContent = "Remove";
        button.setAttribute("aria-label", `Remove ${file.name}`);
        button.addEventListener("click", () => { held.items.remove(at); show(`${file.name} removed`); files.focus(); });
        item.append(`${file.name}, ${words(file.size)} `, button);
        return item;
      }));
      list.hidden = !held.files.length;
      byId("chosen-said").textContent = said;
      if (held.files.length || files.hasAttribute("aria-invalid")) judge(files);
    };
    const add = (more, how) => {
      for (const file of more) held.items.add(file);
      show(`${more.length} file${more.length === 1 ? "" : "s"} ${how}`);
    };
    byId("drop-help").hidden = false;
    files.addEventListener("change", () => add([...files.files].filter(file => ![...held.files].includes(file)), "chosen"));
    addEventListener("paste", event => {
      const pasted = [...event.clipboardData.files];
      if (!pasted.length) return;
      event.preventDefault();
      add(pasted, "pasted");
    });
    const over = on => byId("drop").classList.toggle("over", on);
    addEventListener("dragover", event => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    addEventListener("dragleave", event => { if (!event.relatedTarget) over(false); });
    addEventListener("drop", event => {
      over(false);
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      add([...event.dataTransfer.files], "dropped");
    });
  }
})();
