// A link into a fold opens it, a proof's or a part's beside the road. Browsers do so by themselves
// since 2024 to 2025; this is for older ones.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target?.closest("details:not([open])")) return;
  for (let box = target; (box = box.parentElement?.closest("details")); ) box.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
// A second click on the same tick changes no hash.
document.addEventListener("click", (event) => {
  if (event.target.closest("a[href^='#']")) setTimeout(reveal);
});
reveal();
