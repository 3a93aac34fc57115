// A tick that leads into a folded proof opens it. Browsers do so by themselves since 2024 to 2025;
// this is for older ones.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target?.closest("details.gb-proof") || target.checkVisibility?.()) return;
  for (let box = target; (box = box.parentElement?.closest("details")); ) box.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
// A second click on the same tick changes no hash.
document.addEventListener("click", (event) => {
  if (event.target.closest("a.reference[href^='#proof-']")) setTimeout(reveal);
});
reveal();
