// Moves the sheet of a scrubber's frames behind its window. See coursekit/scrubbers.py.
document.querySelectorAll(".gb-scrubber").forEach((figure) => {
  const [input, output, sheet] = ["input", "output", "img"].map((tag) => figure.querySelector(tag));
  const words = [...figure.querySelectorAll(".gb-scrubber-words li")];
  const columns = Number(figure.style.getPropertyValue("--columns"));
  input.addEventListener("input", () => {
    const at = Number(input.value);
    figure.style.setProperty("--column", at % columns);
    figure.style.setProperty("--row", Math.floor(at / columns));
    words.forEach((word, i) => word.classList.toggle("shown", i === at));
    sheet.alt = words[at].dataset.alt;
    output.textContent = words[at].querySelector("b").textContent;
    input.setAttribute("aria-valuetext", output.textContent);
  });
});
