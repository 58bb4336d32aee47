// Plays the viewing page in headless Chromium: chooses the first run, filters its samples, waits for more of them.
"use strict";
const { chromium } = require("playwright-core");
const job = JSON.parse(process.argv[2]);
(async () => {
  const browser = await chromium.launch({ executablePath: job.chromium, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage({ viewport: { width: job.width || 1280, height: 800 } });
  const said = [];
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(new URL(job.url).origin) && !request.url().startsWith("data:")) said.push(`outside: ${request.url()}`); });
  await page.goto(job.url);
  await page.locator("#runs button").first().click();
  await page.locator("#rows details").first().waitFor();
  const rows = () => page.locator("#rows details").count();
  const out = { rows: await rows(), statuses: await page.locator("#status option").allInnerTexts() };
  await page.locator("#answer").selectOption("no");
  out.no = await rows();
  await page.locator("#answer").selectOption("");
  await page.locator("#rows details summary").first().click();
  out.opened = await page.locator("#rows details[open] tr").count();
  out.wide = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  if (job.shot) await page.screenshot({ path: job.shot });
  out.text = await page.evaluate(() => document.body.innerText);
  out.owned = await page.evaluate(() => window.owned ?? null);
  await browser.close();
  console.log(JSON.stringify({ ...out, said }));
})().catch((error) => { console.error(error); process.exit(1); });
