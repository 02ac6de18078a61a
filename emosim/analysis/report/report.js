// Unpacks the data, draws the page, listens to keys. What anybody said becomes a text node, never markup.
let D = null;
const main = document.getElementById("main"),
  nav = document.getElementById("nav");
const idOf = (at) => "ep" + String(at + 1).padStart(4, "0");
const reach = {
  get episodes() {
    return D.episodes;
  },
  open: (at, turn) => (location.hash = `${idOf(at)}/t${turn}`),
  find: (text) => search(text),
  name: (at) => `${idOf(at)} ${who(D.episodes[at]).name}, level ${D.episodes[at].l}, ${words(D.episodes[at].e)}`,
};
async function unpack(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}
// -- keys
const KEYS = [
  ["j", "next episode"],
  ["k", "previous episode"],
  ["n", "next turn"],
  ["p", "previous turn"],
  ["/", "search"],
  ["?", "this help"],
  ["Esc", "leave the search, close this"],
];
const help = h(
  "dialog",
  { "aria-label": "Keys", click: (event) => event.target === help && help.close() },
  h("h2", null, "Keys"),
  h(
    "dl",
    null,
    KEYS.map(([key, what]) => h("div", null, h("dt", null, h("kbd", null, key)), h("dd", null, what))),
  ),
  h(
    "p",
    { class: "small" },
    "A click on a point of a mood line goes to its turn, a click on a cell or bar lists its episodes.",
  ),
  h("button", { type: "button", click: () => help.close() }, "Close"),
);
function turnBy(step) {
  const last = D.episodes[view.at]?.t?.length || 0,
    next = Math.max(1, Math.min(last, view.turn + step));
  if (last) location.hash = `${idOf(view.at)}/t${next}`;
}
const ACTIONS = {
  j: () => go(1),
  k: () => go(-1),
  n: () => turnBy(1),
  p: () => turnBy(-1),
  "/": () => ui.search?.focus(),
  "?": () => help.showModal(),
};
function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName))
    return event.key === "Escape" ? event.target.blur() : undefined;
  if (!(event.key in ACTIONS)) return;
  event.preventDefault();
  ACTIONS[event.key]();
}

async function draw() {
  D = await unpack(document.getElementById("data").textContent);
  for (const part of [results, failures, costs, episodes, methods]) part();
  nav.append(h("button", { type: "button", title: "Keys", "aria-label": "Keys", click: () => help.showModal() }, "?"));
  document.body.append(help);
  addEventListener("keydown", press);
  addEventListener("hashchange", follow);
  if (location.hash.length > 1) (follow(), document.getElementById(location.hash.slice(1))?.scrollIntoView());
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}
draw().catch((error) => {
  main.append(
    h(
      "p",
      { class: "notice" },
      `This report could not be drawn (${error.message}); it needs a browser of 2023 or later.`,
    ),
  );
  throw error;
});
