// A link into a fold opens it, a proof's or a part's beside the road. Browsers do so by themselves
// since 2024 to 2025; this is for older ones. And a link to the heading of a part beside the road
// opens the part: what the reader asked for lies below it.
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const heading = target?.matches("section, section > span:empty") && target.closest("section");
  const part = heading && heading.querySelector(":scope > details.gb-fold:not([open])");
  if (part) part.open = true;
  else if (!target?.closest("details:not([open])")) return;
  for (let box = target; (box = box.parentElement?.closest("details")); ) box.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", reveal);
// A second click on the same tick changes no hash.
document.addEventListener("click", (event) => {
  if (event.target.closest("a[href^='#']")) setTimeout(reveal);
});
reveal();
