// Plays the annotating page in headless Chromium as a person would, by mouse or by keyboard alone, and prints what it saw.
// Called as: node annotate.js '{"url": "http://127.0.0.1:...", "chromium": "...", "scenario": "mouse", ...}'
"use strict";
const { chromium } = require("playwright-core");
const job = JSON.parse(process.argv[2]);

const idle = (page) => page.waitForFunction(() => !document.body.hasAttribute("aria-busy"));
const spent = { clicks: 0, keys: 0 };
const at = async (page, [x, y]) => {
  const place = await page.locator("#canvas").boundingBox();
  const size = await page.locator("#canvas").evaluate((canvas) => [canvas.width, canvas.height]);
  return [place.x + x * place.width / size[0], place.y + y * place.height / size[1]];
};
const drag = async (page, box) => {
  await page.mouse.move(...await at(page, box.slice(0, 2)));
  await page.mouse.down();
  await page.mouse.move(...await at(page, box.slice(2)), { steps: 3 });
  await page.mouse.up();
  spent.clicks += 1;
  await page.waitForTimeout(50);
  await idle(page);
};
const press = async (page, key, times = 1) => {
  for (let count = 0; count < times; count += 1) { await page.keyboard.press(key); spent.keys += 1; }
  await page.waitForTimeout(50);
  await idle(page);
};

const scenarios = {
  async mouse(page) {
    for (const boxes of job.boxes) {
      for (const box of boxes) await drag(page, box);
      await press(page, "Enter");
    }
    return { progress: await page.locator("#progress").innerText(), hint: await page.locator("#hint").innerText() };
  },
  async keyboard(page) {
    for (const keys of job.keys) for (const [key, times] of keys) await press(page, key, times);
    return { progress: await page.locator("#progress").innerText(), hint: await page.locator("#hint").innerText() };
  },
  async haste(page) {
    const swiftly = async (box) => {
      await page.mouse.move(...await at(page, box.slice(0, 2)));
      await page.mouse.down();
      await page.mouse.move(...await at(page, box.slice(2)), { steps: 3 });
      await page.mouse.up();
    };
    for (const box of job.boxes[0]) await swiftly(box);
    await page.keyboard.press("Enter");
    await page.waitForTimeout(50);
    await idle(page);
    const out = { drawn: await page.locator("#progress").innerText(), hint: await page.locator("#hint").innerText() };
    await page.keyboard.press("Enter");
    await page.keyboard.press("k");
    await page.keyboard.press("k");
    await page.waitForTimeout(50);
    await idle(page);
    return { ...out, back: await page.locator("#progress").innerText() };
  },
  async mend(page) {
    await drag(page, job.boxes[0][0]);
    await page.keyboard.press("1");
    await page.keyboard.press("+");
    await drag(page, job.plus);
    await page.keyboard.press("-");
    await drag(page, job.minus);
    const appearance = page.getByLabel("appearance of instance 1");
    await appearance.fill("tall man in blue");
    await appearance.blur();
    await idle(page);
    await page.getByRole("button", { name: "Add an instance (n)" }).click();
    await page.waitForTimeout(100);
    await idle(page);
    return {
      instances: await page.locator("#instances li").count(), doubts: await page.locator("#doubts").innerText(),
      hint: await page.locator("#hint").innerText(),
    };
  },
  async look(page) {
    const wide = () => page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    const out = { wide: await wide() };
    if (job.shot) await page.screenshot({ path: job.shot, fullPage: true });
    await page.addScriptTag({ path: require.resolve("axe-core") }).catch(() => null);
    out.text = await page.evaluate(() => document.body.innerText);
    out.owned = await page.evaluate(() => window.owned ?? null);
    return out;
  },
};

(async () => {
  const browser = await chromium.launch({ executablePath: job.chromium, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage({ viewport: { width: job.width || 1280, height: 800 } });
  const said = [];
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(new URL(job.url).origin) && !/^(data|blob):/.test(request.url())) said.push(`outside: ${request.url()}`); });
  await page.goto(job.url);
  await page.waitForFunction(() => /\d of \d/.test(document.getElementById("progress").textContent));
  const seen = await scenarios[job.scenario](page);
  await browser.close();
  console.log(JSON.stringify({ ...seen, ...spent, said }));
})().catch((error) => { console.error(error); process.exit(1); });
