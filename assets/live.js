// What moves by itself: the figures of the live database, word of snapshots taken elsewhere, and of
// work under way. Everything comes over one stream of events; without it the page stands still, and
// says so. Nothing here takes the place of a row: texts change, and the reader asks for the rest.
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector) => [...document.querySelectorAll(selector)];
  const word = $("#live");
  if (!word || !window.EventSource) return;

  const AGAIN_MS = 3000; // until the next try
  const SILENCE_MS = 30000; // three beats of the server
  const tell = (words) => $("#status")?.replaceChildren(words);

  /* ---- The stream ---- */

  let stream = null;
  let timer = 0;
  let live = null; // not known at first

  function say(now) {
    if (live === now) return;
    word.textContent = now ? " · live" : " · not live";
    word.className = now ? "" : "stale";
    if (live !== null || !now) tell(now ? "Live again" : "Not live: the figures stand still until the server answers");
    live = now;
  }

  function close() {
    clearTimeout(timer);
    stream?.close();
    stream = null;
  }

  function lost() {
    close();
    say(false);
    timer = setTimeout(open, AGAIN_MS);
  }

  function open() {
    close();
    // A page that nobody sees needs no connection: browsers have but six for one server.
    if (document.hidden) return;
    stream = new EventSource(word.dataset.stream);
    stream.onerror = lost;
    for (const [name, does] of Object.entries({ now, list, jobs, blind: () => say(false), beat: () => {} })) {
      stream.addEventListener(name, (event) => {
        clearTimeout(timer);
        timer = setTimeout(lost, SILENCE_MS);
        does(JSON.parse(event.data));
      });
    }
  }

  /* ---- Figures ---- */

  const GROUP = "\u202f";
  const grouped = (number) => String(number).replace("-", "−").replace(/\B(?=(\d{3})+$)/g, GROUP);

  let position = null;
  function now(told) {
    say(true);
    position = told.position;
    $("#place").innerHTML = told.place;
    figures();
  }

  /** The distance from each snapshot to now, wherever it stands. */
  function figures() {
    if (position === null) return;
    for (const figure of $$("[data-since]")) {
      const distance = BigInt(position) - BigInt(figure.dataset.since);
      const [one, many] = figure.dataset.unit?.split(" ") ?? [];
      const words = grouped(distance) + (one ? ` ${distance === 1n ? one : many}` : "");
      if (figure.textContent !== words) figure.textContent = words;
    }
  }

  /* ---- Snapshots ---- */

  const rowOf = (name) => document.getElementById(`row-${name.replace("/", "-")}`);
  let listed = null;
  let known = new Set();

  function list(told) {
    // A list that the server narrowed lacks rows for that reason.
    if (!listed && new URLSearchParams(location.search).get("q")) known = new Set(told.newest);
    listed = told;
    news();
  }

  const unknown = () => listed.newest.filter((name) => !known.has(name) && !rowOf(name));

  /** Offers what is new; it comes when it is asked for, so that nothing moves under the reader. */
  function news() {
    const link = $("#news");
    if (!link || !listed) return;
    const added = unknown().length;
    const whole = listed.total === listed.newest.length;
    const names = new Set(listed.newest.map((name) => `row-${name.replace("/", "-")}`));
    const gone = whole ? $$("#rows > tr.snapshot").filter((row) => !names.has(row.id)).length : 0;
    const words = [
      added && `${added} new snapshot${added > 1 ? "s" : ""}`,
      gone && `${gone} gone`,
    ].filter(Boolean).join(", ");
    if (words && link.textContent !== words) {
      link.textContent = words;
      tell(`${words}: the button below the timeline shows what is there now`);
    }
    if (!words && link === document.activeElement) $("#rows button.open")?.focus();
    link.hidden = !words;
    if (!words) link.textContent = "";
  }

  /* ---- Work ---- */

  function jobs(names) {
    const here = $$("#jobs > .job").map((job) => job.id);
    if (names.some((name) => !here.includes(`job-${name}`))) {
      htmx.ajax("GET", word.dataset.jobs, { source: "#jobs", target: "#jobs", swap: "innerMorph" });
    }
  }

  /* ---- Start ---- */

  let asked = [];
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.id === "news" && listed) asked = unknown();
  });
  document.addEventListener("htmx:after:swap", () => {
    figures();
    const first = asked.map(rowOf).find(Boolean);
    if (first) {
      asked = [];
      $("button.open", first)?.focus();
    }
    news();
  });
  document.addEventListener("visibilitychange", open);
  addEventListener("pagehide", close);
  addEventListener("pageshow", ({ persisted }) => persisted && open());
  open();
})();
