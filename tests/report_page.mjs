// Opens a report's page in headless Chromium as its readers do.
//
//   node report_page.mjs REPORT MODULES CHROMIUM [SHOTS]
//
// REPORT has index.html, report.json and the CSV files; MODULES has the packages playwright-core and axe-core.
// Screenshots go to SHOTS: light, dark, narrow, and a PDF as printed. Prints every check that fails and
// "N passed, M failed"; exits with 1 if any failed.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, modules, executablePath, shots] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), 'x.js'));
const { chromium } = require('./playwright-core');
const axe = readFileSync(join(modules, 'axe-core', 'axe.min.js'), 'utf8');
const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
const address = pathToFileURL(join(folder, 'index.html')).href;

let passed = 0;
let failed = 0;
function check(what, good, detail = '') {
  if (good) {
    passed += 1;
  } else {
    failed += 1;
    console.log(`FAILED: ${what} ${detail}`);
  }
}

const objects = ({ columns, rows }) => rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
const sizes = objects(report.sizes);
const costs = objects(report.costs);

// The number that a text such as "12.3 min" or "1,234 USD" stands for, and how exact it is.
const FACTORS = { '%': 0.01, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, ms: 1e-3, s: 1, min: 60, h: 3600, days: 86400, years: 31557600,
                  '\u00b5J': 1e-6, mJ: 1e-3, J: 1, kJ: 1e3 };
function numberIn(text) {
  const [digits, unit] = text.replaceAll(',', '').split(' ');
  return Number(digits) * (FACTORS[unit] ?? 1);
}
const isShownAs = (value, text) => Math.abs(numberIn(text) - value) <= 0.00501 * Math.abs(value);

const browser = await chromium.launch({
  executablePath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync'],
});

// A page whose complaints and requests are counted.
async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.requests = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== address && !/^(data|blob):/.test(request.url())) page.requests.push(request.url());
  });
  await page.goto(address);
  return page;
}

async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  check(`${name}: axe finds nothing`, violations.length === 0,
    violations.map((found) => `${found.id}: ${found.nodes.slice(0, 3).map((node) => node.html.slice(0, 150)).join(' | ')}`).join('; '));
}

async function shoot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

const cells = (page, table) => page.$$eval(`#${table} tbody tr`, (rows) => rows.map((row) => ({
  head: row.querySelector('th').textContent,
  cells: [...row.querySelectorAll('td')].map((cell) => ({ text: cell.textContent, value: cell.dataset.value })),
})));

// --- figures are those of report.json -----------------------------------------------------------------

const page = await open({});
const embedded = await page.$eval('#report', (element) => element.textContent);
check('the page has report.json in it', JSON.stringify(JSON.parse(embedded)) === JSON.stringify(report));
const pair = await page.$eval('[name="pair"]', (select) => select.value);
for (const card of await page.$$eval('[data-card]', (all) => all.map((b) => [b.dataset.card, b.dataset.value, b.textContent]))) {
  const size = sizes.find((row) => row.pair === pair && row.strategy === card[0]);
  check(`card of ${card[0]}`, Number(card[1]) === size.bytes && numberIn(card[2]) === size.bytes, card.join(' '));
}

await page.selectOption('[name="profiles"]', 'all');
await page.selectOption('[name="columns"]', 'all');
const titles = await page.$$eval('#costs thead th', (all) => all.map((cell) => cell.textContent));
const strategyOf = (title) => report.strategies.find((strategy) => strategy.title === title).id;
let compared = 0;
for (const which of ['low', 'typical', 'high']) {
  await page.check(`[name="which"][value="${which}"]`);
  for (const quantity of ['money', 'total_seconds', 'total_joules', 'billed_bytes', 'battery_share', 'bundle_share']) {
    await page.selectOption('[name="quantity"]', quantity);
    const wrong = [];
    const rows = await cells(page, 'costs');
    for (const row of rows) {
      const profile = report.profiles.find((item) => item.name === row.head);
      row.cells.slice(1).forEach((cell, i) => {
        const strategy = strategyOf(titles[i + 2]);
        const value = costs.find((item) => item.pair === pair && item.strategy === strategy && item.profile === profile.id)[`${quantity}_${which}`];
        const scale = quantity === 'money' ? 1000 : 1;
        const good = value === null ? cell.value === undefined && /not|no /.test(cell.text)
          : Number(cell.value) === value && isShownAs(value * scale, cell.text);
        if (!good) wrong.push(`${row.head} ${strategy}: ${cell.text} for ${value}`);
        compared += 1;
      });
    }
    check(`all profiles are in the matrix of ${quantity}`, rows.length === report.profiles.length);
    check(`matrix of ${quantity}, ${which}`, wrong.length === 0, wrong.slice(0, 3).join('; '));
  }
}
check('many figures were compared', compared > 5000, String(compared));
const wear = await cells(page, 'wear-table');
const flash = report.pairs.find((item) => item.id === pair).flash;
check('wear of two slots', Number(wear[0].cells[0].value) === flash.whole_slot.erases);
check('wear in place', Number(wear[1].cells[0].value) === flash.in_place.erases);
const evens = objects(report.break_even);
const wrongEven = (await cells(page, 'even-table')).filter((row) => {
  const profile = report.profiles.find((item) => item.name === row.head).id;
  const even = evens.find((item) => item.pair === pair && item.strategy === 'libdelta:64k' && item.profile === profile);
  return !['rounding_bytes', 'session_time_bytes', 'session_energy_bytes', 'flash_time_bytes', 'flash_energy_bytes']
    .every((name, i) => (even[name] === null ? row.cells[i].text === '-' : Number(row.cells[i].value) === even[name]));
});
check('break-even sizes', wrongEven.length === 0, wrongEven.map((row) => row.head).join(', '));

const errors = await cells(page, 'validation-table');
check('every field observation is told, with its error', report.validation.length >= 5 && errors.length === report.validation.length &&
  errors.every((row, i) => Number(row.cells[3].value) === report.validation[i].error));

// --- controls change what they should ---------------------------------------------------------------------

const look = (id) => page.$eval(`#${id}`, (element) => element.innerHTML);
async function changes(what, ids, action) {
  const before = await Promise.all(ids.map(look));
  await action();
  const after = await Promise.all(ids.map(look));
  ids.forEach((id, i) => check(`${what} changes #${id}`, before[i] !== after[i]));
}
await page.check('[name="which"][value="typical"]');
await page.selectOption('[name="quantity"]', 'total_seconds');
await changes('the case', ['costs', 'wear-table'], () => page.check('[name="which"][value="high"]'));
await changes('the profiles', ['ratios', 'costs', 'even-table', 'pay-chart', 'pay-table'], () => page.selectOption('[name="profiles"]', 'headline'));
await changes('the ways to ship', ['costs'], () => page.selectOption('[name="columns"]', 'key'));
await changes('the axis', ['dots'], () => page.selectOption('[name="sizeAxis"]', 'bytes'));
await changes('the way', ['ratios'], () => page.selectOption('[name="shortStrategy"]', 'libdelta:in-place'));
await changes('the link', ['even-chart', 'even-text'], () => page.selectOption('[name="evenProfile"]', 'P18'));
await changes('the quantity', ['even-chart', 'even-text'], () => page.selectOption('[name="evenQuantity"]', 'billed_bytes'));
await page.selectOption('[name="evenQuantity"]', 'transfer_seconds');
await changes('the slots', ['even-chart', 'even-table'], () => page.selectOption('[name="evenStrategy"]', 'libdelta:in-place'));
await changes('the number of devices', ['pay-chart', 'pay-table', 'pay-text'], () => page.fill('[name="fleet"]', '2000').then(() => page.press('[name="fleet"]', 'Tab')));
await changes('the slider', ['pay-chart', 'pay-table', 'pay-text'], () => page.fill('[name="fleetLog"]', '4'));
check('both fields of devices agree', (await page.inputValue('[name="fleet"]')) === '10000');
await changes('the update', ['pay-chart', 'pay-table'], () => page.selectOption('[name="payStrategy"]', 'xz'));
const other = report.pairs.find((item) => item.id !== pair).id;
await changes('the firmware', ['cards', 'ratios', 'bars', 'ram-chart', 'costs', 'even-chart', 'wear-table', 'pay-chart'],
  () => page.selectOption('[name="pair"]', other));
await page.selectOption('[name="profiles"]', 'headline');
for (const row of await cells(page, 'pay-table')) {
  const profile = report.profiles.find((item) => item.name === row.head);
  if (!profile) continue;
  const money = costs.find((item) => item.pair === other && item.strategy === 'full' && item.profile === profile.id).money_high;
  check(`what all pay on ${row.head}`, Math.abs(Number(row.cells[1].value) - 10000 * money) <= 1e-9 * 10000 * money, row.cells[1].value);
}

// --- tables: sorting, filtering, downloading --------------------------------------------------------------

for (const name of ['sizes', 'costs', 'flash', 'break_even']) {
  await page.selectOption('[name="dataset"]', name);
  const names = await page.$$eval('#data thead button', (all) => all.map((button) => button.textContent));
  const column = names.findIndex((text) => /^(bytes|packets|erases|flash time bytes)$/.test(text));
  const values = () => page.$$eval('#data tbody tr', (rows, i) => rows.map((row) => row.children[i].dataset.value).filter((value) => value !== undefined).map(Number), column);
  await page.click(`#data thead th:nth-child(${column + 1}) button`);
  const up = await values();
  check(`${name} can be sorted`, up.length > 3 && up.every((value, i) => i === 0 || up[i - 1] <= value));
  await page.keyboard.press('Enter');
  const down = await values();
  check(`${name} can be sorted the other way, with the keyboard`, down.every((value, i) => i === 0 || down[i - 1] >= value) && down[0] > up[0]);
  check(`${name} says so`, (await page.getAttribute(`#data thead th:nth-child(${column + 1})`, 'aria-sort')) === 'descending');
}
async function downloaded() {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  return readFileSync(await download.path(), 'utf8').trimEnd().split('\n');
}
await page.selectOption('[name="dataset"]', 'sizes');
const file = readFileSync(join(folder, 'sizes.csv'), 'utf8').trimEnd().split('\n');
const all = await downloaded();
check('the download has the lines of sizes.csv', all.length === file.length && all[0] === file[0], `${all.length} ${file.length} ${all[0]}`);
check('and its sizes', all.slice(1).every((line, i) => line.split(',').slice(0, 4).join() === file[i + 1].split(',').slice(0, 4).join()));
await page.fill('[name="filter"]', `${other} libdelta`);
const some = await downloaded();
check('a filter is obeyed', some.length === 4, String(some.length));
check('costs.csv has a line for each cost', readFileSync(join(folder, 'costs.csv'), 'utf8').trimEnd().split('\n').length === costs.length + 1);
await page.fill('[name="filter"]', '');

// --- for everybody ----------------------------------------------------------------------------------------

check('no complaints', page.complaints.length === 0, page.complaints.slice(0, 3).join('; '));
check('no requests', page.requests.length === 0, page.requests.slice(0, 3).join('; '));
await accessible(page, 'light');
check('every chart says what it shows', await page.$$eval('figure', (all) => all.every((figure) => {
  const svg = figure.querySelector('svg[role="img"]');
  return svg && svg.getAttribute('aria-label').length > 30 && figure.querySelector('figcaption');
})));

const fresh = await open({});
await shoot(fresh, 'light');
await fresh.keyboard.press('Tab');
check('the first stop is a way past the navigation', (await fresh.evaluate(() => document.activeElement.className)) === 'skip');
await fresh.focus('[name="which"][value="typical"]');
await fresh.keyboard.press('ArrowRight');
check('the case can be chosen with the keyboard', /high case/.test(await fresh.textContent('#costs caption')));
check('and is announced', /high case/.test(await fresh.textContent('#announce')));
await fresh.emulateMedia({ media: 'print' });
check('printed, there is no navigation', !(await fresh.isVisible('nav')) && (await fresh.isVisible('#bars svg')));
if (shots) await fresh.pdf({ path: join(shots, 'print.pdf'), format: 'A4' });

const dark = await open({ colorScheme: 'dark' });
const paper = await dark.$eval('body', (body) => getComputedStyle(body).backgroundColor);
check('dark is dark', paper === 'rgb(20, 23, 26)', paper);
await accessible(dark, 'dark');
await shoot(dark, 'dark');

const narrow = await open({ viewport: { width: 390, height: 844 } });
const width = await narrow.evaluate(() => document.documentElement.scrollWidth);
check('a narrow screen does not scroll sideways', width <= 390, String(width));
await shoot(narrow, 'narrow');
for (const one of [fresh, dark, narrow]) check('still no complaints', one.complaints.length === 0, one.complaints.slice(0, 3).join('; '));

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
