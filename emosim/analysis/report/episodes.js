// The episodes: an index that can be searched, one transcript, and its mood beside it.
const PAGE = 200,
  CLIP = 6000;
const ENDINGS = { satisfied: "●", out_of_turns: "◐", left: "▼", agent_left: "■", invalid: "✕", null: "…" };
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const isHarm = (act) => D.harms.includes(act);
const who = (e) => D.casts[e.c];
const view = { list: [], shown: 0, at: -1, turn: 0, spoilers: false, texts: new Map() };
const ui = {};
function spark(e) {
  const n = Math.max(1, e.m.length - 1);
  return s(
    "svg",
    { class: "spark", viewBox: "0 0 60 18", width: 60, height: 18, "aria-hidden": "true" },
    s("path", { d: path(e.m.map((mood, i) => [1 + (58 * i) / n, 17 - 0.16 * mood])) }),
  );
}
const ending = (e) => h("span", { class: `ending ${e.e}`, title: words(e.e) }, ENDINGS[e.e] || "·");
function entry(at) {
  const e = D.episodes[at];
  return h(
    "li",
    null,
    h(
      "a",
      {
        href: "#" + idOf(at),
        "data-at": at,
        class: e.t ? null : "bare",
        "aria-current": at === view.at ? "true" : null,
      },
      h("span", { class: "id" }, idOf(at)),
      h("span", { class: "who", lang: who(e).lang }, who(e).name),
      h("span", { class: "lvl" }, e.l),
      spark(e),
      h("span", { class: "score" }, e.s.toFixed(2)),
      ending(e),
    ),
  );
}
function more(count) {
  const next = view.list.slice(view.shown, view.shown + count);
  ui.list.append(...next.map(entry));
  view.shown += next.length;
  ui.more.hidden = view.shown >= view.list.length;
}
const ORDERS = {
  "as played": () => 0,
  "worst first": (a, b) => a.s - b.s,
  "best first": (a, b) => b.s - a.s,
  "largest fall first": (a, b) => fall(a) - fall(b),
  "longest first": (a, b) => b.m.length - a.m.length,
};
const fall = (e) => Math.min(0, ...e.m.slice(1).map((mood, i) => mood - e.m[i]));
function haystack(at) {
  if (!view.texts.has(at)) {
    const e = D.episodes[at],
      c = who(e);
    view.texts.set(
      at,
      [
        idOf(at),
        e.k,
        e.a,
        c.ref,
        c.name,
        c.lang,
        "L" + e.l,
        words(e.e),
        e.n,
        e.o,
        ...(e.t || []).flatMap((t) => [t[0], t[2], ...(t[5] || []).map((x) => words(x[0]))]),
      ]
        .join("\n")
        .toLowerCase(),
    );
  }
  return view.texts.get(at);
}
function refresh() {
  const tokens = ui.search.value.toLowerCase().split(/\s+/).filter(Boolean),
    order = ORDERS[ui.order.value];
  view.list = D.episodes.map((_, at) => at).filter((at) => tokens.every((token) => haystack(at).includes(token)));
  view.list.sort((a, b) => order(D.episodes[a], D.episodes[b]) || a - b);
  view.shown = 0;
  ui.list.replaceChildren(
    ...(view.list.length ? [] : [h("li", { class: "quiet none" }, "No episode has all of these words.")]),
  );
  more(PAGE);
  ui.count.textContent =
    view.list.length === D.episodes.length
      ? `${D.episodes.length} episodes`
      : `${view.list.length} of ${D.episodes.length} episodes`;
}
function search(text) {
  ui.search.value = text;
  refresh();
  if (view.list.length) location.hash = idOf(view.list[0]);
}
function prose(text, marks) {
  const box = h("p", { class: "say", dir: "auto" });
  const fill = (part) => box.replaceChildren(...(marks ? marked(part, marks) : [part]));
  if (text.length <= CLIP) return (fill(text), box);
  fill(text.slice(0, CLIP) + " …");
  const all = h(
    "button",
    { type: "button", click: () => (fill(text), all.remove()) },
    `Show all ${text.length.toLocaleString("en")} characters`,
  );
  return h("div", null, box, all);
}
function marked(text, evidence) {
  const found = evidence
    .filter(([, quote]) => quote)
    .map(([act, quote]) => [text.indexOf(quote), quote.length, act])
    .filter(([at]) => at >= 0)
    .sort((a, b) => a[0] - b[0]);
  const nodes = [];
  let done = 0;
  for (const [at, length, act] of found) {
    if (at < done) continue;
    nodes.push(
      text.slice(done, at),
      h("mark", { class: isHarm(act) ? "harm" : "support", title: words(act) }, text.slice(at, at + length)),
    );
    done = at + length;
  }
  return [...nodes, text.slice(done)].filter((part) => part !== "");
}
function turnOf(e, at, i) {
  const [said, thought, answer, trust, patience, evidence, private_, told] = e.t[i],
    n = i + 1,
    change = e.m[n] - e.m[i],
    c = who(e);
  const direction = Math.abs(change) < 0.05 ? "same" : change > 0 ? "up" : "down";
  return h(
    "article",
    { class: "turn", id: `${idOf(at)}/t${n}`, "data-turn": n, "aria-label": `Turn ${n}` },
    h(
      "div",
      { class: "said agent" },
      h(
        "span",
        { class: "speaker" },
        h("a", { href: `#${idOf(at)}/t${n}`, title: "Link to this turn" }, `${n}`),
        " agent",
      ),
      said ? prose(said, evidence || []) : h("p", { class: "say none" }, "(said nothing)"),
      thought
        ? h(
            "details",
            { class: "think" },
            h("summary", null, `Thought, ${thought.length.toLocaleString("en")} characters, unseen by the user`),
            prose(thought),
          )
        : null,
    ),
    h(
      "div",
      { class: `effect ${direction}` },
      h(
        "p",
        { class: "change" },
        h("b", null, `${{ up: "▲", down: "▼", same: "■" }[direction]} ${signed(change)}`),
        ` mood ${e.m[n].toFixed(1)}`,
        h("span", { class: "quiet" }, ` trust ${trust.toFixed(2)} patience ${patience.toFixed(2)}`),
      ),
      evidence === null
        ? h("p", { class: "quiet" }, "not scored under this protocol")
        : evidence.length
          ? h(
              "ul",
              { class: "acts" },
              evidence.map(([act, quote]) =>
                h(
                  "li",
                  null,
                  h("span", { class: isHarm(act) ? "act harm" : "act support" }, words(act)),
                  quote ? h("q", { dir: "auto" }, quote) : null,
                ),
              ),
            )
          : h("p", { class: "quiet" }, "no act found"),
      private_
        ? h(
            "details",
            { class: "spoiler" },
            h("summary", null, "What it meant"),
            h("p", null, `fit to the need ${signed(private_[0])} of 2, specificity ${private_[1].toFixed(1)} of 2`),
            private_[2] ? h("p", { dir: "auto" }, private_[2]) : null,
            told.length ? h("p", null, `then told: ${told.map(words).join(", ")}`) : null,
          )
        : null,
    ),
    answer
      ? h("div", { class: "said user", lang: c.lang }, h("span", { class: "speaker" }, c.name), prose(answer))
      : null,
  );
}
function hidden(c) {
  const facts = c.facts.map(([id, reveal, trust, text]) => [
    words(id),
    words(reveal) + (trust === null ? "" : ` ≥ ${num(trust)}`),
    text,
  ]);
  return h(
    "details",
    { class: "spoiler need", open: view.spoilers, toggle: (event) => (view.spoilers = event.target.open) },
    h("summary", null, "Hidden from the agent: need, situation, facts"),
    h("p", { lang: c.lang, dir: "auto" }, h("b", null, words(c.need) + ". "), c.needText),
    h("p", { lang: c.lang, dir: "auto" }, c.situation),
    h("p", { lang: c.lang, dir: "auto", class: "quiet" }, c.profile),
    table(["fact", "told", "words"], facts, "Facts"),
  );
}
function moodChart(e, at, width) {
  const turns = e.m.length - 1,
    f = frame(width, Math.min(230, Math.max(150, width * 0.5)), { label: "turn" }, { label: "mood" }, [
      [0, Math.max(1, turns, Math.min(who(e).maxTurns, 40))],
      [0, 100],
    ]);
  const [leaves, helped] = who(e).lines;
  if (leaves > 0) guide(f, { at: leaves, to: null, axis: "y", label: "leaves below" });
  if (helped < 100) guide(f, { at: helped, to: null, axis: "y", label: "helped" });
  f.svg.append(
    s("path", { class: "line mood", d: path(e.m.map((mood, i) => [f.X(i), f.Y(mood)])) }),
    s("circle", { class: "start", cx: f.X(0), cy: f.Y(e.m[0]), r: 3.5 }),
  );
  e.m
    .slice(1)
    .forEach((mood, i) =>
      f.svg.append(
        s(
          "circle",
          {
            class: `turn ${mood < e.m[i] ? "down" : "up"}${view.turn === i + 1 ? " here" : ""}`,
            "data-turn": i + 1,
            cx: f.X(i + 1),
            cy: f.Y(mood),
            r: 4.5,
            click: () => (location.hash = `${idOf(at)}/t${i + 1}`),
          },
          s("title", null, `turn ${i + 1}: mood ${mood.toFixed(1)}, ${signed(mood - e.m[i])}`),
        ),
      ),
    );
  f.svg.setAttribute(
    "aria-label",
    `Mood of ${idOf(at)}: from ${e.m[0].toFixed(0)} to ${e.m.at(-1).toFixed(0)} in ${turns} turns, ${words(e.e)}. The numbers are in the table below.`,
  );
  return f.svg;
}
function trajectory(e, at) {
  const rows = e.m
    .slice(1)
    .map((mood, i) => [
      h("a", { href: `#${idOf(at)}/t${i + 1}` }, String(i + 1)),
      mood.toFixed(1),
      signed(mood - e.m[i]),
      e.t ? (e.t[i][5] || []).map((x) => words(x[0])).join(", ") : "",
    ]);
  const host = redrawn(h("div", { class: "chart" }), (width) => moodChart(e, at, width));
  return h(
    "aside",
    { class: "trajectory", "aria-label": "Mood" },
    host,
    h(
      "details",
      { class: "data" },
      h("summary", null, "Numbers"),
      table(["turn", "mood", "change", "acts"], rows, "Mood by turn"),
    ),
  );
}
function open(at, turn) {
  const e = D.episodes[at],
    c = who(e);
  if (view.at !== at) {
    view.at = at;
    const facts = [
      ["level", e.l],
      ["language", c.lang],
      ["ended", words(e.e)],
      ["score", e.s.toFixed(2)],
      ["return", num(e.r)],
      ["turns", e.m.length - 1],
      ["agent", e.a],
      ["user", e.u],
      ["seed", e.d],
    ];
    const talk = e.t
      ? [
          h("div", { class: "said user opening", lang: c.lang }, h("span", { class: "speaker" }, c.name), prose(e.o)),
          ...e.t.map((_, i) => turnOf(e, at, i)),
          h("p", { class: "end" }, ending(e), ` ${words(e.e)}, score ${e.s.toFixed(2)}`),
        ]
      : [
          h(
            "p",
            { class: "notice" },
            `This transcript was left out to keep the file small; it is stored under the key ${e.k}.`,
          ),
        ];
    ui.episode.replaceChildren(
      h(
        "header",
        null,
        h("h3", { id: idOf(at), tabindex: -1, lang: c.lang }, h("span", { class: "id" }, idOf(at)), ` ${c.name}`),
        h("p", { class: "about", lang: c.lang }, c.about.join(", ")),
        h("p", { class: "key" }, e.k),
        e.n ? h("p", { class: "notice" }, e.n) : null,
        h(
          "dl",
          { class: "facts" },
          facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, String(value)))),
        ),
        hidden(c),
      ),
      h("div", { class: "talk" }, talk),
      trajectory(e, at),
    );
    ui.said.textContent = `${idOf(at)}, ${c.name}, score ${e.s.toFixed(2)}`;
    ui.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  }
  point(turn);
  reveal(at);
}
function point(turn) {
  view.turn = turn;
  for (const el of ui.episode.querySelectorAll("[data-turn]"))
    el.classList.toggle("here", turn > 0 && Number(el.dataset.turn) === turn);
}
function reveal(at) {
  while (view.shown < view.list.length && view.list.indexOf(at) >= view.shown) more(PAGE);
  const row = ui.list.querySelector(`[data-at="${at}"]`);
  if (!row) return;
  row.setAttribute("aria-current", "true");
  const box = ui.list.parentElement,
    top = row.offsetTop - box.clientHeight / 2;
  if (row.offsetTop < box.scrollTop || row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight)
    box.scrollTop = top;
}
function go(step) {
  const here = view.list.indexOf(view.at),
    next = view.list[Math.max(0, Math.min(view.list.length - 1, here + step))];
  if (next !== undefined && next !== view.at) location.hash = idOf(next);
}
function follow() {
  const found = /^#ep(\d+)(?:\/t(\d+))?$/.exec(location.hash);
  if (!found || !D.episodes[found[1] - 1]) return;
  open(found[1] - 1, Number(found[2] || 0));
  const target = (found[2] && document.getElementById(location.hash.slice(1))) || ui.episode;
  target.scrollIntoView({ block: "start", behavior: still || !found[2] ? "auto" : "smooth" });
}
function episodes() {
  if (!D.episodes.length) return;
  ui.search = h("input", {
    type: "search",
    placeholder: "search",
    "aria-label": "Search the episodes",
    input: refresh,
  });
  ui.order = h(
    "select",
    { "aria-label": "Order", change: refresh },
    Object.keys(ORDERS).map((name) => h("option", null, name)),
  );
  ui.count = h("p", { class: "count", role: "status" });
  ui.said = h("p", { class: "unseen", role: "status" });
  ui.list = h("ol");
  ui.more = h("button", { type: "button", class: "more", click: () => more(PAGE) }, "Show more");
  ui.episode = h("div", { class: "episode" });
  const keys = Object.keys(ENDINGS).filter((name) => D.episodes.some((e) => String(e.e) === name));
  section(
    "episodes",
    "Episodes",
    D.notice ? h("p", { class: "notice" }, D.notice) : null,
    h(
      "div",
      { class: "bench" },
      h(
        "div",
        { class: "index" },
        h("div", { class: "tools" }, ui.search, ui.order),
        h("div", { class: "rows", tabindex: -1 }, ui.list, ui.more),
        ui.count,
        h(
          "p",
          { class: "legend" },
          keys.map((name) =>
            h(
              "span",
              null,
              h("span", { class: `ending ${name}` }, ENDINGS[name]),
              " ",
              name === "null" ? "going on" : words(name),
            ),
          ),
        ),
      ),
      ui.episode,
    ),
    ui.said,
  );
  refresh();
  open(0, 0);
}
