/* The search page. `bookSections` (search-index.js) holds the prose of every section, term and name;
   MiniSearch ranks them, and this shows them: chapters first, a passage of the prose, a link to the
   section. */
(() => {
  "use strict";

  const WHERE = { chapter: "", sheet: "Exercises · ", page: "", term: "", name: "API · " };
  // What a find counts by its kind: a chapter explains, a name of the API only says that it exists.
  const WEIGHT = { chapter: 1, term: 0.5, page: 0.4, sheet: 0.4, name: 0.15 };
  const SHOWN = 40;
  const PASSAGE = 240; // characters

  const address = document.currentScript.dataset.index;

  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  const index = new MiniSearch({
    fields: ["title", "page", "text"],
    storeFields: ["kind", "title", "page", "text"],
    processTerm: plain,
    searchOptions: {
      boost: { title: 3, page: 1.5 },
      boostDocument: (id, term, stored) => WEIGHT[stored.kind],
      prefix: (term) => term.length > 2,
      fuzzy: (term) => (term.length > 4 ? 0.15 : false),
      weights: { prefix: 0.6, fuzzy: 0.2 },
      bm25: { k: 1.2, b: 0.3, d: 0.5 }, // sections differ in length more than in worth
    },
  });

  /* The prose of the book grows with the book, so it is loaded when somebody searches. A script, not
     a fetch: a page opened from the disk may not fetch. */
  function load() {
    const script = document.createElement("script");
    script.src = address;
    return new Promise((loaded, failed) => {
      script.onload = () => loaded(bookSections);
      script.onerror = () => failed(new Error(`${address} cannot be loaded`));
      document.head.append(script);
    });
  }

  /* Every place with all words; with any of them if there is none. Chapters that have the words
     themselves, not only similar ones, come before everything else. */
  function find(query) {
    const all = index.search(query, { combineWith: "AND" });
    const hits = all.length ? all : index.search(query);
    const words = query.split(/[\s\p{P}]+/u).filter(Boolean).map(plain);
    const explains = (hit) =>
      hit.kind === "chapter" && words.every((word) => hit.terms.some((term) => term.startsWith(word)));
    return [...hits.filter(explains), ...hits.filter((hit) => !explains(hit))];
  }

  /* The places of the found words in a text, as [from, to]. Marks are taken letter by letter, so that
     places in the plain text are places in the text. */
  function places(text, words) {
    const letters = [...text].map((letter) => plain(letter).charAt(0) || " ");
    const flat = letters.join("");
    const found = [];
    for (const word of words) {
      for (let at = flat.indexOf(word); at >= 0; at = flat.indexOf(word, at + word.length)) {
        if (!/[\p{L}\p{N}]/u.test(flat.charAt(at - 1))) found.push([at, at + word.length, word]);
      }
    }
    return found.sort((one, other) => one[0] - other[0]);
  }

  /* The passage that holds most of the different words, with those marked. */
  function passage(text, words) {
    text = text.normalize("NFC");
    const found = places(text, words);
    let start = 0;
    let most = 0;
    for (const [from] of found) {
      const near = found.filter(([at]) => at >= from && at < from + PASSAGE * 0.7);
      const different = new Set(near.map(([, , word]) => word)).size;
      if (different > most) [most, start] = [different, Math.max(0, from - PASSAGE / 4)];
    }
    if (start > 0) start = text.indexOf(" ", start) + 1; // begins and ends between words
    const end = start + PASSAGE < text.length ? text.lastIndexOf(" ", start + PASSAGE) : text.length;
    const line = document.createElement("p");
    let done = start;
    if (start > 0) line.append("… ");
    for (const [from, to] of found) {
      if (from < done || to > end) continue;
      line.append(text.slice(done, from));
      const mark = document.createElement("mark");
      mark.textContent = text.slice(from, to);
      line.append(mark);
      done = to;
    }
    line.append(text.slice(done, end), end < text.length ? " …" : "");
    return line;
  }

  function item(hit) {
    const entry = document.createElement("li");
    const link = document.createElement("a");
    link.href = hit.id;
    link.textContent = hit.title;
    const where = document.createElement("span");
    where.className = "gb-where";
    where.textContent = WHERE[hit.kind] + (hit.page === hit.title ? "" : hit.page);
    entry.append(link, " ", where, passage(hit.text, hit.terms));
    return entry;
  }

  const query = (new URLSearchParams(location.search).get("q") ?? "").trim();
  const field = document.querySelector(".gb-search input[type=search]");
  field.value = query;
  if (!query) {
    field.focus();
    return;
  }
  const status = document.getElementById("search-status");
  status.textContent = `Searching for “${query}” …`;

  function show(sections) {
    index.addAll(sections);
    const hits = find(query);
    const count = hits.length === 1 ? "One place" : `${hits.length || "No"} places`;
    const best = hits.length > SHOWN ? `, the best ${SHOWN} of them here` : "";
    status.textContent = `${count} for “${query}”${best}.`;
    document.getElementById("search-results").append(...hits.slice(0, SHOWN).map(item));
  }

  load().then(show, () => {
    status.textContent = "The book's text did not load, so nothing was searched. Load the page again.";
  });
})();
