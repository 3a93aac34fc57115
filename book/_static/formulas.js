// A formula wider than its column can be reached by the keyboard, and says that it scrolls.
const formulas = document.querySelectorAll(".gb-formula");

function mark(box) {
  const wide = box.scrollWidth > box.clientWidth;
  if (wide === box.hasAttribute("tabindex")) return;
  if (wide) {
    const number = box.parentElement.querySelector(".eqno")?.firstChild.data ?? "";
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Formula ${number}, scrolls sideways`.replace(" ,", ","));
  } else {
    for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
  }
}

const observer = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
document.fonts.ready.then(() => formulas.forEach((box) => observer.observe(box)));
