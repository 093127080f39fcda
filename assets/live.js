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
  const counted = (count, word) => count && `${count} ${word}`;
  let listed = null;
  let offered = "";

  function list(told) {
    // Without names: the same as before, at a later moment.
    listed = { ...listed, ...told };
    news();
  }

  const namesKnown = (link) => link.dataset.known.split(" ").filter(Boolean);
  // What was told before the page's own list was asked for is older than that.
  const isNewer = (link) => listed.at > Number(link.dataset.at);

  /** Snapshots that came since the page was made. The lists end somewhere: what is older than all
      that both name is no news. */
  function added(link) {
    if (!isNewer(link)) return [];
    const known = new Set(namesKnown(link));
    const whole = listed.total === listed.newest.length;
    const end = listed.newest.findLastIndex((name) => known.has(name));
    return listed.newest.filter((name, at) => !known.has(name) && (whole || end < 0 || at < end));
  }

  function gone(link) {
    const known = namesKnown(link);
    const whole = listed.total === listed.newest.length && Number(link.dataset.total) === known.length;
    return whole && isNewer(link) ? known.filter((name) => !listed.newest.includes(name)) : [];
  }

  /** Offers what is new; it comes when it is asked for, so that nothing moves under the reader. */
  function news() {
    const link = $("#news");
    if (!link || !listed) return;
    const fresh = added(link).length;
    const parts = [counted(fresh, fresh > 1 ? "new snapshots" : "new snapshot"), counted(gone(link).length, "gone")];
    const words = parts.filter(Boolean).join(", ");
    if (words && words !== offered) tell(`${words}: the button above the list shows what is there now`);
    if (!words && link === document.activeElement) $("#rows button.open")?.focus();
    offered = words;
    link.hidden = !words;
    if (words) link.textContent = words;
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
    if (ctx.sourceElement.id === "news" && listed) asked = added(ctx.sourceElement);
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
