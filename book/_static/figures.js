// Tap or Enter on a figure shows it as large as the screen. Without this script it is a link to its file.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.gb-picture");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const small = link.querySelector("img");
  const dialog = document.createElement("dialog");
  dialog.className = "gb-lightbox";
  dialog.setAttribute("aria-label", "Figure, enlarged");
  const image = new Image();
  image.src = link.href;
  image.alt = small.alt;
  image.className = "dark-light"; // the theme dims other pictures in the dark
  const [width, height] = ["width", "height"].map((side) => +small.getAttribute(side));
  image.style.setProperty("--ratio", width / height);
  image.style.setProperty("--natural", `${width}px`);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "×";
  button.setAttribute("aria-label", "Close");
  dialog.append(image, button);
  // A tap anywhere closes, Escape too: the browser then gives the focus back to the link.
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  button.focus();
});
