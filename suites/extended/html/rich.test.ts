import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Locator } from 'playwright-core'
import type { Past } from '../../../src/core/ports.ts'
import { launch, open, picture, reportOf, withoutBrowser } from '../../support/html/browser.ts'
import { quarantinedRun, richPast, richRun, stressRun } from '../../support/html/rich-run.ts'
import { aCause, journal, START } from '../../support/reports/journal-builder.ts'
import { namelessControls, poorContrast } from './contrast.ts'

// Browsers are slow to start on a busy machine.
describe.skipIf(withoutBrowser)('causes, leaks, trends and Redis in report.html', { timeout: 120_000 }, () => {
  let browser: Browser
  let rich: string
  beforeAll(async () => {
    browser = await launch()
    rich = await reportOf(richRun().record, richPast())
  }, 120_000)
  afterAll(async () => browser?.close())

  test('failures are counted by cause, and a cause leads to its failures', async () => {
    const { page, trouble } = await open(browser, rich)
    const cause = page.locator('#failures .by-cause details')
    expect(await cause.locator('summary').innerText()).toBe('10 of 13 redis-read-only')
    await cause.locator('summary').click()
    expect(await cause.getByRole('listitem').count()).toBe(10)
    await cause
      .getByRole('button', { name: /keeps order 1/u })
      .first()
      .click()
    await page.getByRole('dialog', { name: 'alerts › keeps order 1' }).waitFor()
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('what was left behind: keys by prefix and by file, connections, processes', async () => {
    const { page, trouble } = await open(browser, rich)
    const table = (name: string): Promise<string[]> =>
      page.getByRole('table', { name }).locator('tbody tr').allInnerTexts()
    expect((await table('Keys left behind, by prefix'))[0]).toMatch(
      /^bull:paint:\*\s+hash\s+4,400\s+4,400\s+450 kB\s+5$/u,
    )
    const files = await table('What files left in Redis')
    expect(files[0]).toMatch(/part-20\.test\.ts\s+of 2,000 looked at · 1,680 × bull:paint:\* \(hash\)/u)
    expect(files.find((row) => row.includes('part-10.'))).toMatch(/still connected: bullmq worker[^]*\t1$/u)
    expect(await table('Processes that files left running')).toHaveLength(3)
    expect(await page.locator('#leftovers').innerText()).toContain('redis-cli -p 6379 subscribe events:10')
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('tests that became slower, and flaky ones of earlier runs, with their past in bars that say what they show', async () => {
    const { page, trouble } = await open(browser, rich)
    const slow = page.locator('#slow')
    expect(await slow.locator('h4').allInnerTexts()).toEqual([
      'Slower for five runs 3 tests',
      'Slower for three runs, perhaps by chance 2 tests',
      'Usually over 5s 1 test',
      'More than three times over 5s, in this run only 1 test',
    ])
    const regressed = page.getByRole('table', { name: 'Tests slower for five runs' })
    const bars = regressed.getByRole('img').first()
    expect(await bars.getAttribute('aria-label')).toMatch(/^25 runs, 275ms to 945ms, the last \d+ms$/u)
    const heights = await heightsOf(bars)
    expect(Math.min(...heights.slice(-5))).toBeGreaterThan(2 * Math.max(...heights.slice(0, 20)))
    await regressed.getByRole('button').first().click()
    await page.getByRole('dialog', { name: 'one' }).waitFor()
    await page.keyboard.press('Escape')
    const flaky = page.locator('#flaky')
    expect(await flaky.getByRole('row').nth(1).innerText()).toMatch(/part-8\.test\.ts › one\s+2026-11-18\s+4$/u)
    const runs = flaky.getByRole('img').first()
    expect(await runs.getAttribute('aria-label')).toBe('The last 21 runs: 18 passed, 1 failed first, 2 failed')
    // Three heights, so that nothing is told by colour alone.
    expect(new Set(await heightsOf(runs)).size).toBe(3)
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('Redis and the pauses lie under the lanes, in words and as a table too', async () => {
    const { page, trouble } = await open(browser, rich)
    const lanes = page.locator('#lanes')
    expect(await lanes.locator('.pace').allInnerTexts()).toEqual([
      expect.stringMatching(/^standard: /u),
      '‖ Paused at 5.2s for 2.7s: redis-read-only The Redis at 10.0.3.7:6379 is a replica and takes no writes.',
      'Redis: memory 9.0 MB to 25.8 MB, clients 8 to 14, ops/s 300 to 4,500, write 0.4ms to 38ms, maxmemory 48.0 MB.',
    ])
    expect(await lanes.locator('.legend').innerText()).toContain('‖ paused, Redis was not fit')
    const canvas = page.locator('#lanes-canvas')
    await canvas.scrollIntoViewIfNeeded()
    const tall = (await canvas.boundingBox())!.height
    // Four lanes of 26 px below their heading, then the strip of the pauses, then a row for each curve.
    const strip = 22 + 4 * 26
    const bands = [[strip, 18], ...[0, 1, 2, 3].map((row) => [strip + 18 + row * 40, 40] as const)] as const
    const [paused, ...rows] = await tinted(canvas, bands)
    expect(paused!.violet).toBeGreaterThan(200)
    for (const { blue } of rows) expect(blue).toBeGreaterThan(200)
    expect(tall).toBe(strip + 18 + 4 * 40 + 22)
    await canvas.hover({ position: { x: 600, y: strip + 30 } })
    expect(await page.locator('.tip').innerText()).toMatch(/^Redis at \d+(?:\.\d)?s\nmemory [\d.]+ MB\nclients \d+\n/u)
    await lanes.getByText('Redis as a table').click()
    const samples = await lanes.locator('details[open] tbody tr').allInnerTexts()
    expect(samples).toHaveLength(18)
    expect(samples[5]).toMatch(/^5\.3s\s+16\.0 MB\s+12\s+[\d,]+\s+38ms$/u)
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test.each(['light', 'dark'] as const)('%s: all of it can be read, and every control has a name', async (scheme) => {
    const { page, trouble } = await open(browser, rich, { colorScheme: scheme })
    await picture(page, `rich-${scheme}`, true)
    await page.locator('#lanes').scrollIntoViewIfNeeded()
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)))
    await page.locator('.card[open] .body:empty').waitFor({ state: 'detached' })
    expect(await poorContrast(page, 4.5)).toEqual([])
    expect(await namelessControls(page)).toEqual([])
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('it fits a phone and a sheet of paper', async () => {
    const { page, trouble } = await open(browser, rich, { viewport: { width: 390, height: 800 } })
    const tooWide = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(await tooWide()).toBeLessThanOrEqual(0)
    await picture(page, 'rich-phone', true)
    await page.emulateMedia({ media: 'print' })
    await page.setViewportSize({ width: 794, height: 1123 })
    expect(await tooWide()).toBeLessThanOrEqual(0)
    await picture(page, 'rich-print', true)
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('failure rates of a stress run, and what the quarantine excuses', async () => {
    const { page, trouble } = await open(browser, await reportOf(stressRun().record))
    const rates = page.locator('#repetitions')
    expect(await rates.locator('h2').innerText()).toContain('3 of 20 failed: 15.0% (5.2% to 36.0%)')
    expect(await rowsOf(rates)).toEqual([
      'wobbly.test.ts | 10 | 3 | 30.0% (10.8% to 60.3%)',
      'wobbly.test.ts › wobbles often | 10 | 2 | 20.0% (5.7% to 51.0%)',
      'wobbly.test.ts › wobbles | 10 | 1 | 10.0% (1.8% to 40.4%)',
      'steady.test.ts | 10 | 0 | 0.0% (0.0% to 27.8%)',
    ])
    await rates.getByRole('button', { name: 'wobbles often' }).click()
    await page.getByRole('dialog', { name: 'wobbles often' }).waitFor()
    await picture(page, 'stress')
    expect(await poorContrast(page, 4.5)).toEqual([])
    await page.goto(await reportOf(quarantinedRun().record))
    await page.locator('html[data-ready]').waitFor({ state: 'attached' })
    const known = page.locator('#quarantined')
    expect(await rowsOf(known)).toEqual([
      'dies.test.ts issue 9 (quarantine[1]) | cannot be read | 2999-12-31',
      'known.test.ts › known issue 7 (quarantine[0]) | still broken | 2999-12-31',
    ])
    await known.getByRole('button', { name: 'known.test.ts › known' }).click()
    await page.getByRole('dialog', { name: 'known' }).waitFor()
    await picture(page, 'quarantined')
    expect(await poorContrast(page, 4.5)).toEqual([])
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('hostile names of keys, processes, causes and past tests are text', async () => {
    const evil = '<img src=x onerror="document.title=1"></details><script>document.title="taken"</script>'
    const file = `${evil}.test.ts`
    const cause = aCause({ message: evil })
    const { record } = journal()
      .tier('standard', { slowMs: 100 })
      .file(file, (draft) =>
        draft.attempt((it) =>
          it
            .passed(evil, 900)
            .failed('x', 1, `READONLY ${evil}`)
            .leaves(1, {
              groups: [{ prefix: evil, type: evil, keys: 1, withoutTtl: 1, bytes: 1 }],
              clients: [evil],
            })
            .leaks(1, evil),
        ),
      )
      .meanwhile(100, { type: 'dispatch-paused', cause, limitMs: 60_000 })
      .build()
    const ms = [...Array<number>(20).fill(300), ...Array<number>(5).fill(900)]
    const flaky = [{ file, name: evil, lastAt: START, passes: 1, recent: `pf${evil}` }]
    const past: Past = {
      tier: () => ({ machine: evil, runs: 25, pace: 1, tests: [{ file, name: evil, ms, isOfRun: true }], flaky }),
    }
    const { page, trouble } = await open(browser, await reportOf(record, past))
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)))
    for (const part of ['#leftovers', '#slow', '#flaky', '#lanes', '.by-cause']) {
      expect(await page.locator(part).innerText()).toContain(evil)
    }
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).not.toMatch(/^(?:taken|1)$/u)
    expect(trouble).toEqual([])
    await page.context().close()
  })
})

/** The rows of a table, with their cells in one line. */
async function rowsOf(part: Locator): Promise<string[]> {
  const rows = await part.locator('tbody tr').all()
  return Promise.all(
    rows.map(async (row) => {
      const cells = await row.getByRole('cell').allInnerTexts()
      return cells.map((cell) => cell.trim().replaceAll(/\s+/gu, ' ')).join(' | ')
    }),
  )
}

function heightsOf(bars: Locator): Promise<number[]> {
  return bars.locator('span').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height))
}

/** How many pixels of some horizontal bands of the canvas are blue or violet. */
function tinted(
  canvas: Locator,
  bands: readonly (readonly [top: number, tall: number])[],
): Promise<{ readonly blue: number; readonly violet: number }[]> {
  return canvas.evaluate((element, bands) => {
    const { width, height } = element as HTMLCanvasElement
    // Read once: browsers warn of more.
    const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height)
    return bands.map(([top, tall]) => {
      const found = { blue: 0, violet: 0 }
      for (let at = 4 * width * top; at < 4 * width * (top + tall); at += 4) {
        if (data[at + 3]! < 100) continue
        const [r, g, b] = [data[at]!, data[at + 1]!, data[at + 2]!]
        if (b - r > 60) found.blue++
        if (b - g > 60) found.violet++
      }
      return found
    })
  }, bands)
}
