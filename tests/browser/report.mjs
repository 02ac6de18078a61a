// Looks at the report in a real browser: node report.mjs FOLDER (see tests/legs/browser.sh). Exits 1 on the first failure.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const folder = process.argv[2];
const facts = JSON.parse(readFileSync(join(folder, "facts.json")));
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", headless: true, args });
const DESKTOP = { width: 1280, height: 900 }, PHONE = { width: 360, height: 740 };

async function visit(name, hash = "", options = {}) {
  const page = await browser.newPage({ viewport: DESKTOP, reducedMotion: "reduce", ...options });
  const seen = { requests: [], complaints: [] };
  page.on("request", (request) => request.url().startsWith("data:") || seen.requests.push(request.url()));
  page.on("console", (line) => ["error", "warning"].includes(line.type()) && seen.complaints.push(line.text()));
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  const begun = Date.now();
  await page.goto(`file://${join(folder, name)}.html${hash}`);
  await page.waitForFunction(() => document.documentElement.dataset.ready);
  seen.ready_ms = Date.now() - begun;
  await page.waitForSelector(".trajectory circle.turn");
  return { page, seen };
}
const idOf = (at) => `ep${String(at + 1).padStart(4, "0")}`;
const shows = (page, id) =>
  page.waitForFunction((want) => document.querySelector(".episode h3 .id").textContent === want, id, { timeout: 5000 });
const sidewards = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
async function calm({ page, seen }) {
  assert.equal(seen.requests.length, 1, seen.requests.join(" "));
  assert.deepEqual(seen.complaints, []);
  await page.close();
}

const tests = {
  async "one request, no complaint, every turn a point"() {
    const visited = await visit("few"), { page } = visited;
    for (let at = 0; at < facts.few.episodes; at++) {
      await shows(page, idOf(at));
      await page.waitForFunction((n) => document.querySelectorAll(".trajectory circle.turn").length === n, facts.few.turns[at]);
      assert.equal(await page.locator("article.turn").count(), facts.few.turns[at]);
      await page.keyboard.press("j");
    }
    await calm(visited);
  },
  async "scripts in a transcript are words"() {
    const visited = await visit("few", "#ep0007"), { page } = visited;
    assert.match(await page.textContent(".talk"), /<script>window\.pwned=1<\/script><img src=x/);
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    await page.waitForTimeout(200);
    assert.equal(await page.evaluate(() => window.pwned), undefined);
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.locator(".talk b:has-text('bold')").count(), 0);
    await calm(visited);
  },
  async "hidden need, facts, meaning and thoughts are folded"() {
    const { page } = await visit("few", "#ep0007");
    assert.ok((await page.locator("details.spoiler").count()) > 1);
    assert.ok((await page.locator("details.think").count()) > 0);
    assert.equal(await page.locator("details[open]").count(), 0);
    assert.equal(await page.locator("details.need p").first().isVisible(), false);
    await page.close();
  },
  async "a link opens its episode and its turn"() {
    const visited = await visit("few", "#ep0004/t3"), { page } = visited;
    await shows(page, "ep0004");
    assert.equal(await page.getAttribute("article.turn.here", "data-turn"), "3");
    const { y } = await page.locator("article.turn.here").boundingBox();
    assert.ok(y >= 0 && y < DESKTOP.height / 2, `turn at ${y}`);
    await page.locator(".trajectory circle.turn").nth(5).click();
    await page.waitForFunction(() => location.hash === "#ep0004/t6");
    await page.locator('article.turn.here[data-turn="6"]').waitFor();
    await calm(visited);
  },
  async "keys: j k n p / ? Esc"() {
    const { page } = await visit("few");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await shows(page, "ep0003");
    await page.keyboard.press("k");
    await shows(page, "ep0002");
    await page.keyboard.press("n");
    await page.waitForFunction(() => location.hash === "#ep0002/t1");
    await page.keyboard.press("/");
    await page.keyboard.type("zh ep0004");
    assert.equal(await page.locator(".rows li").count(), 1);
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    assert.equal(await page.locator("dialog[open]").count(), 1);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("dialog[open]").count(), 0);
    await page.keyboard.press("Tab");
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
    await page.close();
  },
  async "every chart has a name and its numbers"() {
    const { page } = await visit("few");
    await page.waitForFunction(() => [...document.querySelectorAll(".chart")].every((one) => one.firstChild));
    for (const svg of await page.locator(".chart svg").all()) {
      assert.equal(await svg.getAttribute("role"), "img");
      assert.ok((await svg.getAttribute("aria-label")).length > 10);
    }
    for (const details of await page.locator("figure details.data").all()) {
      await details.locator("summary").click();
      await details.locator("td").first().waitFor();
    }
    await page.locator("figure.heat svg g.go").first().click();
    assert.match(await page.textContent(".count"), / of 12 episodes/);
    await page.close();
  },
  async "who is hardest: a table of shares that can be read on every shade, with names that find"() {
    for (const colorScheme of ["light", "dark"]) {
      const visited = await visit("few", "", { colorScheme }), { page } = visited;
      const host = page.locator(".scroll.shaded");
      assert.match(await host.getAttribute("aria-label"), /^Success by persona/);
      assert.equal(await host.locator("thead th[scope=col]").count(), 7);
      assert.equal(await host.locator("tbody tr").count(), (await host.locator("tbody th[scope=row]").count()));
      assert.match(await host.locator(".share").last().textContent(), /^\d+ \d+–\d+$/);
      const seen = await host.locator(".share").evaluateAll((boxes) => {
        const ink = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        const light = (colour) => {
          ink.fillStyle = colour;
          ink.fillRect(0, 0, 1, 1);
          const part = [...ink.getImageData(0, 0, 1, 1).data].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
        };
        return boxes.map((box) => {
          const [a, b] = ["backgroundColor", "color"].map((name) => light(getComputedStyle(box)[name])).sort((x, y) => x - y);
          return [getComputedStyle(box).backgroundColor, (b + 0.05) / (a + 0.05)];
        });
      });
      assert.ok(new Set(seen.map(([shade]) => shade)).size > 5, "shades follow the shares");
      const least = Math.min(...seen.map(([, contrast]) => contrast));
      assert.ok(least >= 4.5, `contrast ${least}`);
      await host.scrollIntoViewIfNeeded();
      writeFileSync(join(folder, `personas-${colorScheme}.png`), await host.screenshot());
      await host.locator("button.find").first().click();
      assert.match(await page.textContent(".count"), / of 12 episodes/);
      await calm(visited);
    }
    const visited = await visit("few", "", { viewport: PHONE }), { page } = visited, host = page.locator(".scroll.shaded");
    await host.scrollIntoViewIfNeeded();
    assert.ok(await host.evaluate((one) => ((one.scrollLeft = 200), one.scrollLeft > 100)), "scrolls in itself");
    const [name, box] = [await host.locator("tbody th").first().boundingBox(), await host.boundingBox()];
    assert.ok(Math.abs(name.x - box.x) < 2, "names stay");
    assert.ok((await sidewards(page)) <= 0);
    writeFileSync(join(folder, "personas-phone.png"), await page.screenshot());
    await calm(visited);
  },
  async "dark is dark, light is light, neither is blank"() {
    for (const [colorScheme, darker] of [["dark", true], ["light", false]]) {
      const { page } = await visit("few", "#ep0002", { colorScheme });
      const picture = await page.screenshot();
      writeFileSync(join(folder, `${colorScheme}.png`), picture);
      assert.ok(picture.length > 20_000, `${picture.length} bytes`);
      const [paper, ink] = await page.evaluate(() => {
        const light = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
        const style = getComputedStyle(document.body);
        return [light(style.backgroundColor), light(style.color)];
      });
      assert.equal(paper < ink, darker);
      assert.ok(Math.abs(paper - ink) > 400);
      await page.close();
    }
  },
  async "a phone shows it without moving sideways"() {
    for (const hash of ["", "#ep0002/t3", "#ep0007"]) {
      const visited = await visit("few", hash, { viewport: PHONE });
      await visited.page.waitForTimeout(200);
      assert.ok((await sidewards(visited.page)) <= 0, `${await sidewards(visited.page)} px at ${hash}`);
      writeFileSync(join(folder, `phone${hash.slice(1, 7)}.png`), await visited.page.screenshot());
      await calm(visited);
    }
  },
  async "Chinese is marked as Chinese"() {
    const { page } = await visit("few", `#${idOf(facts.few.languages.indexOf("zh"))}`);
    assert.equal(await page.getAttribute(".said.user", "lang"), "zh");
    assert.match(await page.textContent(".said.user .say"), /[\u4e00-\u9fff]/);
    await page.close();
  },
  async "paper shows the transcript and folds the rest"() {
    const { page } = await visit("few", "#ep0002", { colorScheme: "dark" });
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator(".index").isVisible(), false);
    assert.ok(await page.locator(".talk").isVisible());
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).color), "rgb(27, 33, 38)");
    await page.close();
  },
  async "200 episodes in a megabyte"() {
    assert.equal(facts.many.episodes, 200);
    assert.ok(facts.many.bytes <= 1_000_000, `${facts.many.bytes} bytes`);
    console.log(`   ${facts.many.bytes} bytes, written in ${facts.many.written_s} s`);
  },
  async "1,000 episodes in three seconds"() {
    assert.equal(facts.thousand.episodes, 1000);
    const visited = await visit("thousand", "#ep0777/t2");
    await shows(visited.page, "ep0777");
    assert.ok(visited.seen.ready_ms <= 3000, `${visited.seen.ready_ms} ms`);
    console.log(`   ready in ${visited.seen.ready_ms} ms, ${facts.thousand.bytes} bytes, written in ${facts.thousand.written_s} s`);
    await calm(visited);
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
