"use strict";
(() => {
  // Follows a capture by server-sent events. The page already shows what was known when it was made; the browser asks
  // again by itself with the id of the last event it had, so that a lost connection loses nothing.
  const live = document.getElementById("live");
  const now = document.getElementById("now");
  const steps = document.getElementById("steps");
  const picture = document.getElementById("picture");
  const again = seconds => setTimeout(() => location.reload(), seconds * 1000);

  const line = name => steps.querySelector(`[data-step="${CSS.escape(name)}"]`) ?? (() => {
    const made = document.createElement("li");
    made.dataset.step = name;
    made.append(document.createElement("b"), " ", document.createElement("span"));
    steps.append(made);
    return made;
  })();
  const showStep = step => {
    const item = line(step.name);
    item.dataset.state = step.state;
    item.querySelector("b").textContent = step.title;
    item.querySelector("span").textContent = step.words;
  };
  const image = picture.querySelector("img");
  const reveal = on => {
    picture.hidden = !on;
    document.getElementById("no-picture").hidden = on;
  };
  image.addEventListener("load", () => reveal(true));
  image.addEventListener("error", () => reveal(false));
  const showPicture = on => {
    if (on) image.src = `${live.dataset.picture}?${Date.now()}`;
    else reveal(false);
  };

  const lost = document.getElementById("lost");
  const stream = new EventSource(live.dataset.events);
  let worry; // a stream that ends by plan is back sooner than this
  stream.addEventListener("open", () => { clearTimeout(worry); worry = undefined; lost.hidden = true; });
  stream.addEventListener("step", event => showStep(JSON.parse(event.data)));
  stream.addEventListener("picture", () => showPicture(true));
  stream.addEventListener("state", event => {
    const state = JSON.parse(event.data);
    now.textContent = state.words;
    if (state.ended) {
      stream.close();
      location.reload();
      return;
    }
    state.steps.forEach(showStep);
    showPicture(false);
  });
  stream.addEventListener("error", () => {
    worry ??= setTimeout(() => { lost.hidden = false; }, 3000);
    if (stream.readyState === EventSource.CLOSED) again(5);
  });
})();
