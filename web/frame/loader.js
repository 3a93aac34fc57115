// Loads an explorable when its figure comes near, and only then.
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    Promise.all([import("./frame.js"), import(`./${target.dataset.explorable}.js`)]).then(
      ([{ start }, it]) => start(target, it),
    );
  }
}, { rootMargin: "600px" });

document.querySelectorAll("[data-explorable]").forEach((figure) => near.observe(figure));
