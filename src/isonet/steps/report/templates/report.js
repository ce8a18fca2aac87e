"use strict";
for (const tomogram of document.querySelectorAll(".tomogram")) {
  const slider = tomogram.querySelector("input[type=range]");
  if (!slider) continue;
  const show = () => {
    tomogram.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % before, ${100 - slider.value} % after`);
  };
  slider.addEventListener("input", show);
  for (const pair of tomogram.querySelectorAll("[data-pair]")) {
    const follow = (event) => {
      if (event.buttons !== 1) return;
      const box = pair.getBoundingClientRect();
      slider.value = Math.round(100 * Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
      show();
    };
    pair.addEventListener("pointerdown", follow);
    pair.addEventListener("pointermove", follow);
    pair.addEventListener("dragstart", (event) => event.preventDefault());
  }
  show();
}
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
