// Keys, focus and spoken status of the console. Everything here is a shortcut for something that the
// page already offers as a link, a button or a field; without this file the page works all the same.
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* ---- The keys: the help dialog and the status bar are made from this table. ----
     keys   names as in KeyboardEvent.key; "g g" is a sequence
     where  a heading of the help dialog
     words  what it does, for the help dialog
     bar    a short word for the status bar; neighbours with the same word share one place there
     does   what to do; without it the browser does the work and the row only tells of it
     repeat whether holding the key down goes on doing it
     at     a selector for what it works on, where that is not the list of snapshots alone
     Not one of them changes anything by itself: those that look so open a form. */
  const EITHER = "#list, #overview";
  const KEYS = [
    { keys: ["j", "ArrowDown"], where: "List", words: "next snapshot", bar: "move", repeat: true, at: EITHER, does: () => move(1) },
    { keys: ["k", "ArrowUp"], where: "List", words: "previous snapshot", bar: "move", repeat: true, at: EITHER, does: () => move(-1) },
    { keys: ["g g"], where: "List", words: "first snapshot", does: () => move(-Infinity) },
    { keys: ["G"], where: "List", words: "last snapshot", does: () => move(Infinity) },
    { keys: ["Enter", "o"], where: "List", words: "open or close the preview", bar: "preview", does: () => opener(currentRow())?.click() },
    { keys: ["x"], where: "List", words: "mark for comparing", does: mark },
    { keys: ["c"], where: "List", words: "compare the two marked, or the marked one with now", bar: "compare", does: compare },
    { keys: ["/"], where: "List", words: "filter by id, kind, note, state, date", bar: "filter", at: EITHER, does: () => focusOn($("#filter")) },
    { keys: ["t"], where: "List", words: "take a snapshot: opens a form for a note", bar: "take", at: EITHER, does: () => $("#take-open")?.click() },
    { keys: ["p"], where: "List", words: "go to the pin button", does: () => inPreview("form.pin button, button.pin", focusOn) },
    { keys: ["e"], where: "List", words: "edit the note", does: () => inPreview(".note-open, form input[name=note]", enter) },
    { keys: ["n"], where: "Preview", words: "next changed table", does: () => changedTable(1) },
    { keys: ["N"], where: "Preview", words: "previous changed table", does: () => changedTable(-1) },
    { keys: ["Enter"], where: "Preview", words: "open the table's rows" },
    { keys: ["Escape"], where: "Preview", words: "close, back to the snapshot" },
    { keys: ["r"], where: "Restore", words: "open the confirmation", bar: "restore", does: () => inPreview("a.restore-open", enter) },
    { keys: ["Enter"], where: "Restore", words: "restore, once the typed id matches" },
    { keys: ["Escape"], where: "Restore", words: "leave, nothing changed" },
    { keys: ["u"], where: "Undo and delete", words: "undo the last restore: opens its confirmation", bar: "undo last restore", does: undo },
    { keys: ["D"], where: "Undo and delete", words: "delete: opens the confirmation", does: () => inPreview("a.delete-open", enter) },
    { keys: ["d"], where: "Databases", words: "choose another database, where there are several", bar: "databases", at: "#here, #databases", does: pick },
    { keys: ["Enter", "o"], where: "Databases", words: "open the database", bar: "open", at: "#overview" },
    { keys: ["t"], where: "Databases", words: "take a snapshot of each: opens a form for a note" },
    { keys: ["?"], where: "Help", words: "all keys", bar: "all keys", does: help },
  ];
  const SWITCH = "snapback.keys";
  const SEQUENCE_MS = 1000;

  /* ---- Telling ---- */

  // A new text node each time, so that the same words are spoken again.
  function tell(words, where = "#status") {
    $(where)?.replaceChildren(...(words ? [words] : []));
    $(where)?.classList.remove("quiet");
  }

  const inSight = (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return top >= 0 && Math.min(bottom, top + 80) <= innerHeight;
  };

  /* ---- Rows ---- */

  // A row is a snapshot, or on the overview a database: what opens that is a link.
  const rows = () => $$("#rows > :is(tr.snapshot, tr.database:has(.open)):not([hidden])");
  const opener = (row) => row && $(".open", row);
  const previewOf = (row) => document.getElementById(`preview-${row.dataset.kind}-${row.dataset.id}`);
  const rowOf = (element) => {
    const row = element?.closest?.("tr.preview-row, tr.snapshot, tr.database");
    return row?.matches(".preview-row") ? row.previousElementSibling : row;
  };

  // The row that was last worked in, and its place, in case it is gone by the time we ask.
  let last = { id: "", place: 0 };
  const currentRow = () => {
    const all = rows();
    const known = rowOf(document.activeElement) ?? document.getElementById(last.id);
    return all.includes(known) ? known : all[Math.min(last.place, all.length - 1)];
  };

  function focusOn(element) {
    if (!element) return false;
    if (!element.matches("a[href], button, input, select, textarea, [tabindex]")) element.tabIndex = -1;
    element.focus();
    if (element.matches("input[type=search]")) element.select();
    // What is in a field is gone on with, not written before.
    if (element.matches("input[type=text]")) element.setSelectionRange(element.value.length, element.value.length);
    return document.activeElement === element;
  }

  function move(by) {
    const all = rows();
    const at = all.indexOf(rowOf(document.activeElement));
    // The first press on a fresh page goes to the row last worked in, or the first.
    const from = at < 0 && Number.isFinite(by) ? all.indexOf(currentRow()) - by : at;
    focusOn(opener(all[Math.max(0, Math.min(all.length - 1, from + by))]));
    if (from + by >= all.length) goOn(Number.isFinite(by));
  }

  /** Has the rest of a long list brought, if there is one; with `step`, the focus goes on into it. */
  function goOn(step) {
    const more = $("#rows > tr.more-row a.more");
    if (!more) return;
    if (step) focusOn(more);
    if (more.ariaBusy !== "true") more.click();
  }

  function mark() {
    const row = currentRow();
    const box = row && $("input.mark", row);
    if (!box) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    focusOn(opener(row));
  }

  function marked(changed) {
    const all = $$("input.mark:checked");
    // A comparison has two ends: a third mark lets go of the first of the others.
    if (all.length > 2) all.find((box) => box !== changed).checked = false;
    const count = Math.min(all.length, 2);
    tell(["Nothing marked", "1 marked: c compares it with now", "2 marked: c compares them"][count]);
  }

  function compare() {
    if ($("input.mark:checked")) $("#compare")?.requestSubmit();
    else if ($("#compare")) tell("Mark one or two snapshots with x first");
  }

  function filter() {
    const field = $("#filter");
    if (!field || !$("#rows")) return "";
    const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const all = $$("#rows > :is(tr.snapshot, tr.database)");
    for (const row of all) {
      const words = `${row.textContent} ${$("time", row)?.dateTime} ${$("th", row)?.title}`.toLowerCase();
      row.hidden = !wanted.every((word) => words.includes(word));
      shown += row.hidden ? 0 : 1;
      const below = row.nextElementSibling;
      if (below?.matches(".preview-row")) below.hidden = row.hidden;
    }
    // A list that is not here whole asks the server too, which then tells the count.
    if (field.hasAttribute("hx-get")) return "";
    const [one, many] = ($("#rows").dataset.counted ?? "snapshot snapshots").split(" ");
    const total = `${all.length} ${all.length === 1 ? one : many}`;
    const said = wanted.length ? `${shown} of ${total}` : total;
    if (all.length) ($("#shown > span") ?? $("#shown"))?.replaceChildren(said);
    return said;
  }

  /* ---- Preview ---- */

  // What to do as soon as the preview that was asked for is there.
  let pending = null;

  /** Finds `selector` in the current row's preview, opening that first, and hands it to `then`. */
  function inPreview(selector, then, row = currentRow()) {
    const place = row ? previewOf(row) : $("main");
    const found = place && $(selector, place);
    if (found) return then(found, row);
    if (!row) return;
    if (!place) return tell("Open a database first");
    if (place.childElementCount) return tell("This snapshot does not offer that");
    pending = { place, selector, then, row };
    opener(row).click();
  }

  // Where to go back to when what was opened is left again.
  let cameFrom = null;
  function enter(element, row) {
    cameFrom = row ? opener(row) : document.activeElement;
    if (element.matches("input")) focusOn(element);
    else element.click();
  }

  function changedTable(by) {
    const row = currentRow();
    const here = document.activeElement.closest(".pane, .comparison") ?? (row && previewOf(row)) ?? $("main");
    const all = $$("tr.change-table", here);
    const at = all.indexOf(document.activeElement.closest("tr.change-table"));
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
    if (!all.length) tell("No changed table is open here");
    else if (!all[next]) tell(by > 0 ? "That was the last changed table" : "That was the first changed table");
    else focusOn($("a, button", all[next]));
  }

  function undo() {
    const offered = $("a#undo, a[data-key-undo]");
    if (offered) return enter(offered);
    const row = $("#rows > tr.snapshot[data-kind=rewind]");
    if (!$("#list")) return tell("The list of snapshots offers the undo");
    if (!row) return tell("There is no restore to undo: no rewind snapshot is left");
    row.hidden = previewOf(row).closest("tr").hidden = false;
    focusOn(opener(row));
    inPreview("a.restore-open", enter, row);
  }

  function closePreview(row) {
    previewOf(row).replaceChildren();
    opener(row).ariaExpanded = "false";
    focusOn(opener(row));
  }

  /** Leaves the innermost thing that is open around the focus. Says whether there was one. */
  function leave() {
    const at = document.activeElement;
    const form = at.closest("form.confirm") ?? at.closest("#tool form, .preview form:has(input[name=note])");
    if (at.matches("#filter")) {
      at.value = "";
      at.dispatchEvent(new Event("input", { bubbles: true }));
      return focusOn(opener(currentRow())) || focusOn($("main"));
    }
    if (form) return leaveForm(form);
    if (at.closest("#result")) return focusOn(opener(currentRow()));
    const row = rowOf(at);
    if (row && previewOf(row)?.childElementCount) {
      // A confirmation may be open though the focus is elsewhere in the preview.
      const open = $("form.confirm", previewOf(row));
      return open ? leaveForm(open) : (closePreview(row), true);
    }
    return false;
  }

  function leaveForm(form) {
    const holder = form.closest("#tool, .confirming");
    const row = rowOf(form);
    if (holder) {
      const back = cameFrom?.isConnected ? cameFrom : (opener(row) ?? $("#take-open"));
      holder.replaceChildren();
      tell(form.matches(".confirm") ? "Left. Nothing was changed" : "");
      return focusOn(back);
    }
    const cancel = $("a.cancel", form);
    if (cancel) return cancel.click(), true;
    return focusOn(opener(row));
  }

  /** Another database: the dialog to choose one, or the overview, where the filter does the same. */
  function pick() {
    if ($("#overview")) focusOn($("#filter"));
    else if ($("#here, #databases")) ($("#here") ?? $("#databases")).click();
    else tell("Only one database is served here");
  }

  /* ---- Confirmation ---- */

  const idField = (form) => $("input[name=confirm_id][data-expect]", form);
  const idMatches = (form) => !idField(form) || idField(form).value === idField(form).dataset.expect;

  /** Holds a confirmation's button back, with the reason, until the typed id matches. */
  function guard(form) {
    const button = $("button.danger", form);
    if (!button) return;
    let reason = $(".reason", form);
    if (!reason) {
      reason = document.createElement("span");
      reason.className = "reason";
      reason.id = `${form.id}-reason`;
      button.parentElement.append(reason);
    }
    if (reason.id) button.setAttribute("aria-describedby", reason.id);
    const words = idMatches(form) ? "" : "Waits for the snapshot's id, typed exactly as above";
    if (reason.textContent !== words) reason.textContent = words;
    button.ariaDisabled = String(!idMatches(form));
  }

  /* ---- Help and status bar ---- */

  let on = true;
  const NAMES = { ArrowDown: "↓", ArrowUp: "↑", Enter: "⏎", Escape: "Esc" };
  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const caps = (keys) => keys.flatMap((key) => key.split(" ")).map((key) => element("kbd", {}, NAMES[key] ?? key));

  function help() {
    const dialog = $("#help");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    focusOn($("button", dialog));
  }

  function buildHelp(dialog) {
    const body = element("tbody");
    let where = "";
    for (const key of KEYS) {
      if (key.where === "Databases" && !$("#databases")) continue;
      if (key.where !== where) {
        where = key.where;
        body.append(element("tr", {}, element("th", { colSpan: 2, scope: "rowgroup" }, where)));
      }
      body.append(element("tr", {}, element("td", {}, ...caps(key.keys)), element("td", {}, key.words)));
    }
    const title = element("h2", { id: "help-title" }, "Keys");
    const box = element("input", { type: "checkbox", id: "keys-on", checked: on });
    box.addEventListener("change", () => {
      on = box.checked;
      try {
        localStorage.setItem(SWITCH, on ? "on" : "off");
      } catch {
        tell("This browser does not keep the choice: it holds until the page is left");
      }
      buildBar($("#keys-bar"));
    });
    const form = element("form", { method: "dialog" }, element("label", {}, box, "Use keys"), element("button", {}, "Close"));
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.replaceChildren(title, form, element("table", {}, body));
  }

  function buildBar(bar) {
    const places = new Map();
    // Away from the list there is little to press.
    for (const { keys, bar: word, at = "#list" } of KEYS) {
      if (word && $(at)) places.set(word, [...(places.get(word) ?? []), keys[0]]);
    }
    const button = element("button", { type: "button", id: "help-open" }, ...caps(on ? ["?"] : []), " all keys");
    button.addEventListener("click", help);
    places.delete("all keys");
    const words = [...places].map(([word, keys]) => element("span", {}, ...caps(keys), ` ${word}`));
    bar.replaceChildren(...(on ? words : [element("span", {}, "Keys are off")]), button);
  }

  function build() {
    const [bar, dialog] = [$("#keys-bar"), $("#help")];
    if (dialog && !dialog.childElementCount) buildHelp(dialog);
    if (bar && !bar.childElementCount && dialog) buildBar(bar);
  }

  /* ---- Key presses ---- */

  let begun = { keys: "", until: 0 };

  const isTyping = (target) =>
    target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");

  function pressed(event) {
    const { key, target } = event;
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    if (event.ctrlKey || event.altKey || event.metaKey || $("dialog[open]")) return;
    if (!(target instanceof Element)) return;
    // A key held down must not open, close and open, nor carry a press over into what it opened.
    if (event.repeat && (key === "Enter" || key === "Escape") && !target.matches("textarea")) return event.preventDefault();
    if (key === "Escape") return void (leave() && event.preventDefault());
    if (target.matches("#filter") && $("#rows") && (key === "Enter" || key === "ArrowDown")) {
      event.preventDefault();
      return void focusOn(opener(rows()[0]));
    }
    if (!on || isTyping(target)) return;
    // Enter on a control, and arrows in a choice, belong to the browser.
    if (key === "Enter" && target.matches("a, button, input, summary")) return;
    if (key.startsWith("Arrow") && (target.matches("[type=radio]") || !rows().length)) return;

    const prefix = event.timeStamp < begun.until ? `${begun.keys} ` : "";
    begun = { keys: "", until: 0 };
    const find = (keys) => KEYS.find((entry) => entry.does && entry.keys.includes(keys));
    const found = find(prefix + key) ?? find(key);
    if (found && (!event.repeat || found.repeat)) {
      event.preventDefault();
      tell("", "#alert");
      found.does();
    } else if (!event.repeat && KEYS.some(({ keys }) => keys.some((name) => name.startsWith(`${key} `)))) {
      begun = { keys: key, until: event.timeStamp + SEQUENCE_MS };
    }
  }

  /* ---- Mouse and forms ---- */

  // In the capture phase: what is stopped here never reaches htmx.
  function clicked(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!(event.target instanceof Element)) return;
    const stop = () => (event.preventDefault(), event.stopImmediatePropagation());
    const button = event.target.closest("tr.snapshot button.open");
    if (button) {
      if (button.ariaBusy === "true") return stop();
      if (previewOf(rowOf(button))?.childElementCount) return stop(), closePreview(rowOf(button));
      return;
    }
    const cancel = event.target.closest("form a.cancel");
    if (cancel?.closest("#tool, .confirming")) return stop(), leaveForm(cancel.closest("form"));
    const jump = event.target.closest('a[href^="#row-"], a[href*="#row-"]');
    const row = jump && document.getElementById(jump.hash.slice(1));
    if (row) return event.preventDefault(), focusOn(opener(row));
    const opens = event.target.closest("a.restore-open, a.delete-open, #take-open, a.note-open");
    if (opens && event.isTrusted) cameFrom = opens;
    // The rest of a row is part of its button, for the mouse.
    const clear = !event.target.closest("a, button, input, label, form") && getSelection().isCollapsed;
    if (clear) opener(event.target.closest("tr.snapshot, tr.database"))?.click();
  }

  function submitted(event) {
    const form = event.target;
    const busy = form.ariaBusy === "true";
    if (!busy && (!form.matches(".confirm") || idMatches(form))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    tell(busy ? "Under way already" : `Not yet: type ${idField(form).dataset.expect} to confirm`);
    if (!busy) focusOn(idField(form));
  }

  /* ---- htmx ---- */

  const controls = (source) => {
    if (source.matches("form")) return $$("button, input[type=submit]", source);
    return source.matches("button") ? [source] : [];
  };

  const UNDER_WAY = "Under way. It goes on if this page is left; History tells the outcome";

  function requested({ detail: { ctx } }) {
    const source = ctx.sourceElement;
    // Work under way asks for itself every moment: nobody is told of that, nor loses the focus.
    ctx.unasked = source.matches(".job, #jobs, [data-unasked]");
    if (ctx.unasked) return void (ctx.focusBefore = document.activeElement);
    source.ariaBusy = "true";
    ctx.busy = source;
    // Whoever asked for more goes on in it; what comes by itself leaves the focus alone.
    ctx.goesOn = source.matches("#rows a.more") && document.activeElement === source;
    if (ctx.request.method === "GET") return;
    // A control that is switched off lets go of the focus: it gets it back if nothing else asks.
    ctx.focusBefore = document.activeElement;
    ctx.held = controls(source).filter((control) => !control.disabled);
    for (const control of ctx.held) control.disabled = true;
    tell(UNDER_WAY);
  }

  function finished({ detail: { ctx } }) {
    if (ctx.busy) ctx.busy.ariaBusy = null;
    for (const control of ctx.held ?? []) control.disabled = false;
    if (ctx.status !== "swapped") pending = null;
    // Afterwards, when htmx too has switched its controls on again.
    queueMicrotask(() => keepFocus([], ctx.focusBefore, ctx.unasked));
  }

  function failed({ detail: { ctx } }) {
    if (!ctx || ctx.unasked) return;
    tell("");
    const asked = ctx.request.method === "GET";
    const next = asked ? "Is Snapback still running?" : "What was asked for may have been done: look in History";
    tell(`No answer. ${next}`, "#alert");
  }

  // What came with the swaps of one answer, until all of them are in.
  let fresh = [];
  const settled = ({ detail }) => void (fresh = fresh.concat(detail.newContent ?? []));
  const within = (roots, selector) =>
    roots
      .filter((root) => root instanceof Element)
      .flatMap((root) => [root, ...$$("*", root)])
      .filter((found) => found.matches(selector));

  function swapped({ detail: { ctx } }) {
    const roots = fresh.filter((node) => node.isConnected);
    fresh = [];
    build();
    filter();
    for (const button of $$("tr.snapshot button.open")) {
      const open = String(Boolean(previewOf(rowOf(button))?.childElementCount));
      if (button.ariaExpanded !== open) button.ariaExpanded = open;
    }
    within(roots, "form.confirm").forEach(guard);
    if ($("#status")?.textContent === UNDER_WAY) tell("");
    speak(roots);
    if (ctx.goesOn) focusOn(opener(roots.find((node) => node.matches?.("tr.snapshot:not([hidden])"))));
    keepFocus(roots, ctx.focusBefore, ctx.unasked);
    if (pending?.place.isConnected && pending.place.childElementCount) {
      const { selector, then, row } = pending;
      pending = null;
      inPreview(selector, then, row);
    }
  }

  // Morphing hands over elements that were there before: what they said has been said.
  const spoken = new WeakMap();
  const focused = new WeakSet();

  function speak(roots) {
    for (const [name, where] of [["status", "#status"], ["alert", "#alert"]]) {
      const news = within(roots, `[data-${name}]`).filter((said) => spoken.get(said) !== said.dataset[name]);
      if (news.length) tell(news.map((said) => said.dataset[name]).join(". "), where);
      if (name === "alert" && news.length) $(where)?.classList.toggle("quiet", news.every(inSight));
      for (const said of news) spoken.set(said, said.dataset[name]);
    }
  }

  /** Focus goes where the answer asks for it; else it stays; if it was lost, to the nearest thing left. */
  function keepFocus(roots, before, unasked) {
    const wants = (wanted) => wanted.checkVisibility() && (wanted.matches(".open") || !focused.has(wanted));
    const asked = within(roots, "[data-focus]").find(wants);
    const at = document.activeElement;
    const stays = at && at !== document.body && at.isConnected;
    if (unasked && (stays || before === document.body)) return;
    if (asked) {
      focused.add(asked);
      return focusOn(asked);
    }
    if (stays) return;
    const inside = within(roots, "a[href], button:not(:disabled), input:not([type=hidden])")[0];
    const left = [
      before?.isConnected && before,
      // Of a choice that was made, the link that stands for it now.
      within(roots, "a[aria-current]")[0],
      inside?.closest(".preview") && inside,
      opener(currentRow()),
      inside,
      $("#take-open"),
      $("main"),
    ];
    left.some((candidate) => candidate && focusOn(candidate));
  }

  /* ---- Start ---- */

  function start() {
    try {
      on = localStorage.getItem(SWITCH) !== "off";
    } catch {
      // Storage is closed to us: keys are on, as for everybody new.
    }
    document.addEventListener("keydown", pressed);
    document.addEventListener("click", clicked, true);
    document.addEventListener("submit", submitted, true);
    document.addEventListener("input", ({ target }) => {
      if (target.matches("#filter")) tell(filter());
      if (target.matches("input[name=confirm_id]") && target.form) guard(target.form);
    });
    document.addEventListener("change", ({ target }) => target.matches("input.mark") && marked(target));
    document.addEventListener("focusin", ({ target }) => {
      const row = rowOf(target);
      if (row) last = { id: row.id, place: rows().indexOf(row) };
    });
    document.addEventListener("htmx:before:request", requested);
    document.addEventListener("htmx:finally:request", finished);
    document.addEventListener("htmx:error", failed);
    document.addEventListener("htmx:after:settle", settled);
    document.addEventListener("htmx:after:swap", swapped);
    build();
    filter();
    // A whole page speaks and asks for focus like a fragment; a row named in the address gets it too.
    const main = $("main") ?? document.body;
    $$("form.confirm").forEach(guard);
    speak([main]);
    const named = location.hash.startsWith("#row-") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if ($("[data-focus]", main)) keepFocus([main]);
    else if (named) focusOn(opener(named));
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
