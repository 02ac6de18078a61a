// What stands before and after the episodes. Every exhibit is a figure, with the same numbers as a table.
const SHADE = 40; // per cent of the darkest colour at a share of 1: words in --ink stay readable (5:1) on all shades
function table(headers, rows, caption) {
  const numeric = headers.map(
    (_, j) => rows.some((row) => typeof row[j] === "number") && rows.every((row) => typeof row[j] !== "string"),
  );
  const line = (row) =>
    h(
      "tr",
      null,
      row.map((value, j) =>
        h(
          j || numeric[0] ? "td" : "th",
          { class: numeric[j] ? "num" : null, scope: j || numeric[0] ? null : "row", dir: "auto" },
          value instanceof Node ? value : String(cell(value)),
        ),
      ),
    );
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption || "table" },
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          headers.map((name, j) => h("th", { scope: "col", class: numeric[j] ? "num" : null }, name)),
        ),
      ),
      h("tbody", null, rows.map(line)),
    ),
  );
}
function shaded(c) {
  const percent = (x) => String(Math.round(100 * x));
  const share = ([at, low, high]) => {
    const ends = h("span", { class: "ends" }, `${percent(low)}–${percent(high)}`);
    const box = h("div", { class: "share" }, h("b", null, percent(at)), " ", ends);
    box.style.setProperty("--share", `${(SHADE * at).toFixed(1)}%`);
    return box;
  };
  const name = ({ name, find }) =>
    find ? h("button", { type: "button", class: "find", click: () => reach.find(find) }, name) : name;
  const drawn = table(c.headers, c.rows.map((row) => [name(row), row.n, ...row.cells.map(share)]), c.title);
  drawn.classList.add("shaded");
  return drawn;
}
const seriesRows = (c) => c.series.flatMap((one) => one.points.map((p) => [one.name, p.x, p.y, p.low, p.high, p.n]));
const KINDS = {
  lines: [lineChart, (c) => [["series", c.x.label, c.y.label, "low", "high", "n"], seriesRows(c)]],
  frontier: [frontierChart, (c) => [["series", c.x.label, "U", "low", "high", "n"], seriesRows(c)]],
  moods: [moodLines, (c) => [["summary", "turn", "mood", "low", "high", "n"], seriesRows(c)]],
  heat: [
    heatMap,
    (c) => [
      ["", ...c.columns],
      c.rows.map((name, i) => [
        name,
        ...c.cells[i].map((one) => (one.value === null ? "–" : `${num(one.value)}${range(one)} n ${one.n}`)),
      ]),
    ],
  ],
  bars: [
    barChart,
    (c) => [["", c.axis.label, "low", "high", "n"], c.bars.map((b) => [b.name, b.value, b.low, b.high, b.n])],
  ],
};
function redrawn(host, draw) {
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width < 40 || width === drawn) return;
    drawn = width;
    host.replaceChildren(draw(width));
  }).observe(host);
  return host;
}
function exhibit(c) {
  const caption = h("figcaption", null, h("h3", null, c.title), c.note && h("p", null, c.note));
  if (c.kind === "table") return h("figure", { class: "wide" }, caption, table(c.headers, c.rows, c.title));
  if (c.kind === "shaded") return h("figure", { class: "wide" }, caption, shaded(c));
  const [draw, data] = KINDS[c.kind];
  const label = `${c.title}. ${c.note} The numbers are in the table below the chart.`;
  const host = redrawn(h("div", { class: "chart" }), (width) => {
    const svg = draw(c, width, reach);
    svg.setAttribute("aria-label", label);
    return svg;
  });
  const legend =
    (c.series || []).length > 1 &&
    h(
      "ul",
      { class: c.kind === "frontier" ? "legend" : "legend narrow" },
      c.series.map((one, i) => h("li", { class: `s${i % 6} ${one.marks}` }, one.name)),
    );
  const numbers = h(
    "details",
    {
      class: "data",
      toggle: (event) => event.target.children.length < 2 && event.target.append(table(...data(c), c.title)),
    },
    h("summary", null, "Numbers"),
  );
  return h("figure", { class: `${c.kind}` }, caption, legend || null, host, numbers);
}
function section(id, title, ...kids) {
  main.append(h("section", { id, "aria-labelledby": id + "-h" }, h("h2", { id: id + "-h" }, title), ...kids));
  nav.append(h("a", { href: "#" + id }, title));
}

function results() {
  const figures = Object.entries(D.figures);
  const kids = [
    figures.length
      ? h(
          "dl",
          { class: "figures" },
          figures.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
        )
      : null,
    D.reasons.length
      ? h(
          "ul",
          { class: "reasons" },
          D.reasons.map((one) => h("li", null, one)),
        )
      : null,
    h("div", { class: "exhibits" }, D.exhibits.map(exhibit)),
  ];
  if (figures.length + D.reasons.length + D.exhibits.length) section("results", "Results", ...kids);
}
function failures() {
  const f = D.faults;
  if (!f) return;
  const share = f.attempts ? ((100 * f.failed) / f.attempts).toFixed(1) + " %" : "–";
  const links = (keys) =>
    h("span", null, keys.slice(0, 3).join(", "), keys.length > 3 ? ` and ${keys.length - 3} more` : "");
  section(
    "failures",
    "Failures",
    h(
      "p",
      null,
      `${f.failed.toLocaleString("en")} of ${f.attempts.toLocaleString("en")} attempts could not be finished (${share}). None is in any mean.`,
    ),
    f.kinds.length
      ? table(
          ["seat", "cause", "attempts", "example", "episodes"],
          f.kinds.map((k) => [k.seat, words(k.cause), k.count, k.example, links(k.keys)]),
          "Failures by kind",
        )
      : null,
  );
}
function costs() {
  if (!D.costs.length) return;
  const rows = D.costs.map((c) => [
    c.seat,
    c.model || "–",
    c.calls,
    c.input_tokens,
    c.output_tokens,
    c.cost === null ? "?" : "$" + c.cost.toFixed(c.cost < 1 ? 4 : 2),
  ]);
  const guessed = D.costs.some((c) => c.estimated)
    ? h("p", { class: "small" }, "Some tokens were estimated from characters, as a server reported none.")
    : null;
  section(
    "cost",
    "Cost",
    table(
      ["seat", "model", "calls", "tokens read", "tokens written", "US dollars"],
      rows,
      "Calls, tokens and money by seat",
    ),
    guessed,
  );
}
function methods() {
  const m = D.methods,
    pairs = [...Object.entries(m.versions), ...Object.entries(m.hashes), ...(m.seeds ? [["seeds", m.seeds]] : [])];
  section(
    "methods",
    "Methods",
    m.notes.map((note) => h("p", { class: "prose" }, note)),
    h("h3", null, "Do it again"),
    h("pre", { class: "command", tabindex: 0 }, m.command),
    pairs.length
      ? h(
          "dl",
          { class: "versions" },
          pairs.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
        )
      : null,
  );
}
