"use strict";
// Elements, numbers, and the five kinds of chart. A chart takes its values and a width and returns an svg; `reach` says
// what a click does: `reach.open(episode, turn)`, `reach.find(words)`, and which episodes there are.
function make(ns, tag, props, kids) {
  const el = ns ? document.createElementNS(ns, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") el.addEventListener(key, value);
    else el.setAttribute(key, value === true ? "" : value);
  }
  el.append(...kids.flat().filter((kid) => kid !== null && kid !== undefined && kid !== ""));
  return el;
}
const h = (tag, props, ...kids) => make(null, tag, props, kids);
const s = (tag, props, ...kids) => make("http://www.w3.org/2000/svg", tag, props, kids);
const words = (name) => String(name ?? "going on").replaceAll("_", " ");
const num = (x, digits = 2) =>
  x === null || x === undefined ? "–" : Number.isInteger(x) ? String(x) : x.toFixed(digits);
const signed = (x) => (x > 0 ? "+" : x < 0 ? "−" : "±") + Math.abs(x).toFixed(1);
const cell = (x) =>
  typeof x === "number" ? (Number.isInteger(x) ? x.toLocaleString("en") : +x.toPrecision(3) + "") : (x ?? "–");
const range = (p) => (p.low === null || p.high === null ? "" : ` (${num(p.low)} to ${num(p.high)})`);

// -- axes
function ticks(low, high, want, whole) {
  const raw = (high - low || 1) / want,
    power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10]
    .map((m) => m * power)
    .find((x) => x >= raw - 1e-12 && (!whole || Number.isInteger(x)));
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i++)
    found.push(+(i * step).toPrecision(10));
  return found;
}
function span(axis, values) {
  const all = values.filter((v) => v !== null);
  let low = axis.low ?? Math.min(...all),
    high = axis.high ?? Math.max(...all);
  if (!all.length && (axis.low === null || axis.high === null)) [low, high] = [0, 1];
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}
function frame(width, height, x, y, [xs, ys], right = 16, top = 14) {
  const left = 54,
    bottom = 40;
  const X = (v) => left + ((v - xs[0]) / (xs[1] - xs[0])) * (width - left - right);
  const Y = (v) => height - bottom - ((v - ys[0]) / (ys[1] - ys[0])) * (height - top - bottom);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  for (const v of ticks(...ys, 4)) {
    svg.append(
      s("line", { class: "grid", x1: left, x2: width - right, y1: Y(v), y2: Y(v) }),
      s("text", { class: "tick", x: left - 8, y: Y(v) + 4, "text-anchor": "end" }, cell(v)),
    );
  }
  for (const v of ticks(...xs, Math.max(2, Math.min(10, width / 70)), x.label === "turn"))
    svg.append(
      s("line", { class: "axis", x1: X(v), x2: X(v), y1: height - bottom, y2: height - bottom + 4 }),
      s("text", { class: "tick", x: X(v), y: height - bottom + 18, "text-anchor": "middle" }, cell(v)),
    );
  svg.append(
    s("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
    s("text", { class: "label", x: (left + width - right) / 2, y: height - 5, "text-anchor": "middle" }, x.label),
    s(
      "text",
      {
        class: "label",
        transform: `translate(12 ${(height - bottom + top) / 2}) rotate(-90)`,
        "text-anchor": "middle",
      },
      y.label,
    ),
  );
  return { svg, X, Y, left, right: width - right, top, bottom: height - bottom };
}
const path = (points) => points.map(([x, y], i) => (i ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1)).join("");

// -- charts: each takes its values and a width, and returns an svg
function drawSeries(f, all, labelled) {
  const room = [];
  all.forEach((one, i) => {
    const at = one.points.filter((p) => p.y !== null);
    const banded = at.filter((p) => p.low !== null && p.high !== null);
    const xy = (p) => [f.X(p.x), f.Y(p.y)];
    const single = one.marks === "dots";
    if (single)
      for (const p of banded)
        f.svg.append(s("path", { class: `line whisk s${i % 6}`, d: `M${f.X(p.x)} ${f.Y(p.low)}V${f.Y(p.high)}` }));
    else if (banded.length > 1)
      f.svg.append(
        s("path", {
          class: `band s${i % 6}`,
          d:
            path([
              ...banded.map((p) => [f.X(p.x), f.Y(p.high)]),
              ...banded.toReversed().map((p) => [f.X(p.x), f.Y(p.low)]),
            ]) + "Z",
        }),
      );
    let run = [];
    for (const p of single ? [] : [...one.points, { y: null }]) {
      if (p.y !== null) run.push(xy(p));
      else if (run.length) (f.svg.append(s("path", { class: `line s${i % 6}`, d: path(run) })), (run = []));
    }
    if (single || at.length <= 24)
      for (const p of at)
        f.svg.append(s("circle", { class: `dot s${i % 6}`, cx: xy(p)[0], cy: xy(p)[1], r: single ? 4 : 3 }));
    for (const p of at)
      f.svg.append(
        s(
          "circle",
          { class: "hit", cx: xy(p)[0], cy: xy(p)[1], r: 9 },
          s("title", null, `${one.name}, ${num(p.x)}: ${num(p.y)}${range(p)}${p.n ? `, n = ${p.n}` : ""}`),
        ),
      );
    if (at.length) room.push({ i, name: one.name, x: xy(at.at(-1))[0], y: xy(at.at(-1))[1] + 4 });
  });
  if (!labelled) return;
  room
    .sort((a, b) => a.y - b.y)
    .forEach((label, i) => {
      if (i) label.y = Math.max(label.y, room[i - 1].y + 14);
      f.svg.append(s("text", { class: `name s${label.i % 6}`, x: label.x + 8, y: label.y }, label.name));
    });
}
function guide(f, g) {
  const [a, b] = [g.at, g.to ?? g.at].map(g.axis === "x" ? f.X : f.Y);
  const [lo, hi] = [Math.min(a, b), Math.max(a, b)];
  const box =
    g.axis === "x"
      ? { x: lo, width: hi - lo, y: f.top, height: f.bottom - f.top }
      : { x: f.left, width: f.right - f.left, y: lo, height: hi - lo };
  const ends = g.axis === "x" ? { x1: a, x2: a, y1: f.top, y2: f.bottom } : { x1: f.left, x2: f.right, y1: a, y2: a };
  f.svg.append(
    g.to !== null && g.to !== undefined
      ? s("rect", { class: "guideband", ...box })
      : s("line", { class: "guide", ...ends }),
  );
  const atX = g.axis === "x" ? Math.min(hi + 4, f.right - 60) : f.left + 6;
  if (g.label) f.svg.append(s("text", { class: "note", x: atX, y: g.axis === "x" ? f.top + 12 : lo - 4 }, g.label));
}
const pointsOf = (series) => series.flatMap((one) => one.points);
function spans(c, x, y, extraX = []) {
  const all = pointsOf(c.series);
  return [
    span(x, [...all.map((p) => p.x), ...extraX]),
    span(
      y,
      all.flatMap((p) => [p.y, p.low, p.high]),
    ),
  ];
}
function lineChart(c, width) {
  const labelled = c.series.length > 1 && width >= 560;
  const longest = Math.max(...c.series.map((one) => one.name.length), 0);
  const f = frame(
    width,
    Math.min(340, Math.max(240, width * 0.5)),
    c.x,
    c.y,
    spans(c, c.x, c.y),
    labelled ? Math.min(180, 20 + longest * 7) : 16,
  );
  for (const g of c.guides) guide(f, g);
  drawSeries(f, c.series, labelled);
  return f.svg;
}
function frontierChart(c, width) {
  const y = { label: `contrast U, G = ${c.group_size}`, low: 0, high: 1 };
  const f = frame(width, Math.min(380, Math.max(270, width * 0.5)), c.x, y, spans(c, c.x, y), 66, 34);
  const [out, inside] = c.thresholds,
    b = c.boundary;
  for (const [name, low, high] of [
    ["inside", inside, 1],
    ["edge", out, inside],
    ["outside", 0, out],
  ])
    f.svg.append(
      s("rect", {
        class: `zone ${name}`,
        x: f.left,
        width: f.right - f.left,
        y: f.Y(high),
        height: f.Y(low) - f.Y(high),
      }),
      s("text", { class: "note", x: f.right + 8, y: (f.Y(low) + f.Y(high)) / 2 + 4 }, name),
    );
  for (const u of c.thresholds) guide(f, { at: u, to: null, label: "", axis: "y" });
  if (b) {
    const [low, high] = [b.low, b.high].map((v) => Math.min(f.right, Math.max(f.left, f.X(v))));
    f.svg.append(
      s("rect", { class: "boundary", x: low, width: Math.max(1, high - low), y: f.top, height: f.bottom - f.top }),
    );
    if (b.estimate !== null)
      f.svg.append(
        s("line", { class: "boundary", x1: f.X(b.estimate), x2: f.X(b.estimate), y1: f.top - 6, y2: f.bottom }),
      );
    const text =
      b.estimate !== null
        ? `leaves at ${num(b.estimate)} (${num(b.low)} to ${num(b.high)})`
        : b.censored
          ? `boundary ${b.censored} the scale`
          : "boundary undetermined";
    const at = b.estimate !== null ? f.X(b.estimate) : b.censored === "below" ? f.left : f.right;
    f.svg.append(
      s(
        "text",
        {
          class: "name strong",
          x: at,
          y: f.top - 12,
          "text-anchor": at > width * 0.68 ? "end" : at < width * 0.32 ? "start" : "middle",
        },
        text,
      ),
    );
  }
  drawSeries(f, c.series, false);
  return f.svg;
}
function moodLines(c, width, reach) {
  const chosen = c.episodes.filter((at) => reach.episodes[at]);
  const last = Math.max(
    1,
    ...chosen.map((at) => reach.episodes[at].m.length - 1),
    ...pointsOf(c.series).map((p) => p.x),
  );
  const labelled = width >= 560,
    longest = Math.max(...c.series.map((one) => one.name.length), 0);
  const f = frame(
    width,
    Math.min(340, Math.max(240, width * 0.5)),
    { label: "turn" },
    { label: "mood" },
    [
      [0, last],
      [0, 100],
    ],
    labelled && longest ? Math.min(180, 20 + longest * 7) : 16,
  );
  for (const at of chosen) {
    const d = path(reach.episodes[at].m.map((mood, turn) => [f.X(turn), f.Y(mood)]));
    const open = (event) => {
      const box = f.svg.getBoundingClientRect(),
        x = ((event.clientX - box.left) / box.width) * width;
      const turn = Math.round(((x - f.left) / (f.right - f.left)) * last);
      reach.open(at, Math.max(1, Math.min(reach.episodes[at].m.length - 1, turn)));
    };
    f.svg.append(
      s(
        "g",
        { class: "thread", click: open },
        s("path", { class: "wide", d }),
        s("path", { class: "thin", d }),
        s("title", null, reach.name(at)),
      ),
    );
  }
  drawSeries(f, c.series, labelled);
  return f.svg;
}
function heatMap(c, width, reach) {
  const left = Math.min(width * 0.34, 12 + 7.2 * Math.max(...c.rows.map((name) => name.length), 3));
  const cellWidth = Math.min(90, Math.max(34, (width - left) / c.columns.length)),
    tall = 26,
    top = 24;
  const full = left + cellWidth * c.columns.length,
    height = top + tall * c.rows.length + 2;
  const svg = s("svg", { viewBox: `0 0 ${full} ${height}`, width: full, height, role: "img" });
  c.columns.forEach((name, j) =>
    svg.append(s("text", { class: "tick", x: left + cellWidth * (j + 0.5), y: 15, "text-anchor": "middle" }, name)),
  );
  c.rows.forEach((name, i) => {
    const y = top + tall * i;
    svg.append(s("text", { class: "tick row", x: left - 8, y: y + 17, "text-anchor": "end" }, name));
    c.cells[i].forEach((one, j) => {
      const x = left + cellWidth * j,
        blank = one.value === null;
      const rect = s("rect", {
        class: blank ? "blank" : "heat",
        x: x + 1,
        y: y + 1,
        width: cellWidth - 2,
        height: tall - 2,
        rx: 2,
      });
      const hue = `color-mix(in oklab, var(--heat-high) ${(100 * (one.value ?? 0)).toFixed(1)}%, var(--heat-low))`;
      if (!blank) rect.style.fill = hue;
      const tip = blank ? "nothing played" : `${num(one.value)}${range(one)}, n = ${one.n}`;
      const text = s(
        "text",
        { class: one.value > 0.6 ? "ink high" : "ink", x: x + cellWidth / 2, y: y + 17, "text-anchor": "middle" },
        blank ? "·" : one.value.toFixed(2),
      );
      svg.append(
        s(
          "g",
          { class: one.find ? "go" : null, click: one.find && (() => reach.find(one.find)) },
          rect,
          text,
          s("title", null, `${name}, ${c.columns[j]}: ${tip}`),
        ),
      );
    });
  });
  return svg;
}
function barChart(c, width, reach) {
  const left = Math.min(width * 0.42, 16 + 7.2 * Math.max(...c.bars.map((b) => b.name.length), 3)),
    right = 56,
    tall = 28,
    top = 6;
  const [low, high] = span(c.axis, [0, ...c.bars.flatMap((b) => [b.value, b.high])]);
  const height = top + tall * c.bars.length + 40,
    X = (v) => left + ((v - low) / (high - low)) * (width - left - right);
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  for (const v of ticks(low, high, width / 130))
    svg.append(
      s("line", { class: "grid", x1: X(v), x2: X(v), y1: top, y2: height - 38 }),
      s("text", { class: "tick", x: X(v), y: height - 22, "text-anchor": "middle" }, cell(v)),
    );
  c.bars.forEach((b, i) => {
    const y = top + tall * i,
      mid = y + tall / 2,
      end = X(b.high ?? b.value ?? 0) + 8;
    svg.append(
      s(
        "g",
        { class: b.find ? "go" : null, click: b.find && (() => reach.find(b.find)) },
        s("rect", { class: "hit", x: 0, y, width, height: tall }),
        s("text", { class: "tick row", x: left - 8, y: mid + 4, "text-anchor": "end" }, b.name),
        b.value === null
          ? null
          : s("rect", {
              class: "bar",
              x: Math.min(X(0), X(b.value)),
              width: Math.max(1, Math.abs(X(b.value) - X(0))),
              y: y + 6,
              height: tall - 12,
              rx: 1,
            }),
        b.low === null || b.high === null
          ? null
          : s("path", {
              class: "whisker",
              d: `M${X(b.low)} ${mid}H${X(b.high)}M${X(b.low)} ${mid - 4}v8M${X(b.high)} ${mid - 4}v8`,
            }),
        s("text", { class: "tick", x: end, y: mid + 4 }, num(b.value)),
        s("title", null, `${b.name}: ${cell(b.value)}${range(b)}${b.n ? `, n = ${b.n}` : ""}`),
      ),
    );
  });
  svg.append(
    s("text", { class: "label", x: (left + width - right) / 2, y: height - 5, "text-anchor": "middle" }, c.axis.label),
  );
  return svg;
}
