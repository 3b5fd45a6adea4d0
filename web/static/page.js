"use strict";
(() => {
  // Copy buttons beside what is marked with data-copy, which names it.
  const spoken = document.createElement("p");
  spoken.className = "unseen";
  spoken.setAttribute("role", "status");
  document.querySelector("main").append(spoken);
  for (const block of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${block.dataset.copy}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent.trim());
        spoken.textContent = `Copied: ${block.dataset.copy}`;
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block);
        spoken.textContent = "This browser does not let a page copy; the text is selected instead.";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.after(button);
  }
})();
