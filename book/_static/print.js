/* Before printing: open what is prose, and put on the light theme; afterwards as it was. */
(() => {
  "use strict";

  const FOLDED = "article details:not([open], .hide, .gb-proof)";
  let opened = [];
  let theme;

  addEventListener("beforeprint", () => {
    // A reader may ask for the preview twice before it closes.
    if (theme === undefined) theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    for (const fold of document.querySelectorAll(FOLDED)) {
      fold.open = true;
      opened.push(fold);
    }
  });

  addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
    document.documentElement.dataset.theme = theme;
    opened = [];
    theme = undefined;
  });
})();
