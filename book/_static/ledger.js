// The ledger's filter: by chapter, by method, or both. Without a script every claim is shown.
const form = document.querySelector(".gb-filter");
const [chapter, method] = form.querySelectorAll("select");
const entries = [...document.querySelectorAll(".gb-entry")];

const apply = () => {
  let shown = 0;
  for (const entry of entries) {
    const fits =
      (!chapter.value || entry.classList.contains(`gb-in-${chapter.value}`)) &&
      (!method.value || entry.classList.contains(`gb-by-${method.value}`));
    entry.hidden = !fits;
    shown += fits;
  }
  for (const section of document.querySelectorAll("section.gb-ledger")) {
    section.hidden = !section.querySelector(".gb-entry:not([hidden])");
  }
  form.querySelector("output").value = `${shown} of ${entries.length} claims`;
};

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", apply);
apply(); // a browser keeps the choice when the page is loaded again
