/**
 * `node bench/html.ts [--tests 50000] [--files 500]`: size of report.html, and how fast Chromium shows it and searches in
 * it. Budgets for 50,000 tests: 1 MB, first paint 0.5 s, a search 100 ms. A million tests: `--tests 1000000 --files 10000`,
 * with `node --max-old-space-size=6000`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { writeHtml } from '../src/reports/html/index.ts'
import { analyseSlow } from '../src/reports/slow.ts'
import { launch } from '../suites/support/html/browser.ts'
import { bigRun } from '../suites/support/html/big-run.ts'
import { NO_HISTORY } from '../suites/support/html/read.ts'

const ROUNDS = 7

const { values } = parseArgs({
  options: { tests: { type: 'string', default: '50000' }, files: { type: 'string', default: '500' } },
})
const files = Number(values.files)
const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-bench-'))
async function bench(): Promise<void> {
  const record = bigRun(files, Math.round(Number(values.tests) / files))
  const file = path.join(folder, 'report.html')
  const slow = analyseSlow(record, NO_HISTORY, 20)
  const startedAt = performance.now()
  await writeHtml(record, slow, file)
  say('written in', performance.now() - startedAt)
  console.log(`size: ${(statSync(file).size / 1e6).toFixed(2)} MB for ${values.tests} tests in ${files} files`)

  await using browser = await launch()
  console.log(`load: ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} CPUs`)
  const figures: Record<string, number[]> = {}
  for (let round = 0; round < ROUNDS; round++) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    await page.goto(pathToFileURL(file).href)
    await page.locator('html[data-ready]').waitFor({ state: 'attached', timeout: 120_000 })
    const measured = (await page.evaluate(MEASURE)) as Record<string, number>
    for (const [name, ms] of Object.entries(measured)) (figures[name] ??= []).push(ms)
    await page.close()
  }
  for (const [name, all] of Object.entries(figures)) say(`${name}, median`, median(all), all)
}

/** Runs in the page: times since navigation, and of searches from the key to the next frame. */
const MEASURE = `(async () => {
  const paint = performance.getEntriesByName('first-contentful-paint')[0]
  const mark = (name) => performance.getEntriesByName(name)[0].startTime
  const search = document.getElementById('search')
  const timed = async (text) => {
    const from = performance.now()
    search.value = text
    search.dispatchEvent(new Event('input'))
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    return performance.now() - from
  }
  const first = await timed('waits')
  const rest = []
  for (const text of ['w', 'wa', 'waits 17', 'queue expires', 'nothing like this', '']) rest.push(await timed(text))
  return {
    'first contentful paint': paint ? paint.startTime : NaN,
    'failures and lanes shown': mark('report-shown'),
    'all data read': mark('report-ready'),
    'first search': first,
    'slowest later search': Math.max(...rest),
  }
})()`

function say(name: string, ms: number, all: readonly number[] = []): void {
  const range =
    all.length > 1 ? ` (least ${Math.min(...all).toFixed(0)}; ${all.map((one) => one.toFixed(0)).join(', ')})` : ''
  console.log(`${name}: ${ms.toFixed(0)} ms${range}`)
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[all.length >> 1] ?? NaN
}

try {
  await bench()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
