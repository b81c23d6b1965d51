import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import { launch, open, picture, reportOf, withoutBrowser } from '../../support/html/browser.ts'
import { journal } from '../../support/reports/journal-builder.ts'
import { greenRun, mixedRun } from '../../support/reports/sample-runs.ts'
import { namelessControls, poorContrast } from './contrast.ts'

// Browsers are slow to start on a busy machine.
describe.skipIf(withoutBrowser)('report.html in a browser', { timeout: 120_000 }, () => {
  let browser: Browser
  let mixed: string
  beforeAll(async () => {
    browser = await launch()
    mixed = await reportOf(mixedRun().record)
  }, 120_000)
  afterAll(async () => browser?.close())

  test('opens from disk without an error and without a request; verdict, then failures', async () => {
    const { page, trouble } = await open(browser, mixed)
    expect(page.url()).toMatch(/^file:/u)
    expect(await page.locator('h1').innerText()).toMatch(/^failed\s+6 of 18 tests/u)
    expect(await titles(page)).toEqual([
      'Failures',
      'Tiers and suites',
      'Time',
      'All tests',
      'Slow',
      'Flaky',
      'Left behind',
      'Did not run',
      'Warnings',
      'Environment',
    ])
    const failures = page.locator('#failures .card')
    expect(await failures.count()).toBe(6)
    expect(await failures.locator('.name').allInnerTexts()).toContain('storm › opens the gate')
    expect(await page.locator('#not-run').innerText()).toContain('the deadline of the tier came first')
    expect(await page.locator('#environment').innerText()).toContain('npx tiershard run --tier standard')
    await picture(page, 'light', true)
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('search and filters narrow the list, and the address says so', async () => {
    const { page, trouble } = await open(browser, mixed)
    await page.keyboard.press('/')
    await page.keyboard.type('storm gate')
    expect(await rows(page)).toEqual([
      'suites/standard/storm.test.ts',
      'storm › counts alerts',
      'storm › opens the gate',
      'storm › cluster',
    ])
    expect(new URL(page.url()).hash).toBe('#q=storm+gate')
    await page.locator('.filter[data-outcome=failed]').click()
    expect(await rows(page)).toEqual(['suites/standard/storm.test.ts', 'storm › opens the gate'])
    expect(await page.locator('.filter[data-outcome=failed]').getAttribute('aria-pressed')).toBe('true')
    expect(await page.locator('.sum').innerText()).toBe('1 test in 1 file')
    await page.getByLabel('Tier', { exact: true }).selectOption('fast')
    expect(await page.locator('.sum').innerText()).toBe('Nothing matches.')
    expect(new URL(page.url()).hash).toBe('#q=storm+gate&outcome=failed&tier=fast')
    const again = await open(browser, page.url())
    expect(await again.page.getByLabel('Search tests').inputValue()).toBe('storm gate')
    expect(await again.page.locator('.sum').innerText()).toBe('Nothing matches.')
    expect(trouble).toEqual([])
    await page.context().close()
    await again.page.context().close()
  })

  test('a link opens one test: message, diff, stack, output, attempts and the command to copy', async () => {
    const link = '#test=suites/standard/storm.test.ts%20%3E%20storm%20%3E%20opens%20the%20gate'
    const { page, trouble } = await open(browser, mixed + link, { permissions: ['clipboard-read', 'clipboard-write'] })
    const panel = page.getByRole('dialog', { name: 'storm › opens the gate' })
    const text = await panel.innerText()
    expect(text).toContain('AssertionError: expected 49 to be 50')
    expect(text).toContain('- 2\n+ 1')
    expect(text).toContain('at suites/standard/storm.test.ts:14:9')
    expect(text).toContain('gate: 49 of 50')
    expect(text).toContain('stderr │ warning: slow script')
    expect(text).toContain('left 3 keys behind')
    await panel.getByRole('button', { name: 'Copy the command for this test' }).click()
    await panel.getByText('Copied').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      "npx tiershard run --tier standard suites/standard/storm.test.ts -t '^storm > opens the gate$'",
    )
    await picture(page, 'panel')
    await page.evaluate(() => (location.hash = '#test=suites/standard/never.test.ts > never passes'))
    await page.getByRole('dialog', { name: 'never passes' }).waitFor()
    expect(await page.getByText('Try 1: failed').count()).toBeGreaterThan(0)
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('everything can be reached by keyboard', async () => {
    const { page, trouble } = await open(browser, mixed)
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key)
    }
    await press('j', 'j')
    expect(await page.locator('.row[aria-selected=true] .name').innerText()).toBe('suites/standard/loop.test.ts')
    await press('k')
    expect(await page.locator('.row[aria-selected=true] .name').innerText()).toBe('suites/standard/empty.test.ts')
    await press('End', 'ArrowRight', 'j')
    expect(await page.locator('.row[aria-selected=true] .name').innerText()).toBe('config › reads the file')
    await press('Enter')
    const panel = page.locator('#panel')
    await panel.waitFor({ state: 'visible' })
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('panel-title')
    await press('Escape')
    await panel.waitFor({ state: 'hidden' })
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('list')
    await press('ArrowLeft', 'ArrowLeft')
    expect(await page.locator('.row[aria-selected=true]').getAttribute('aria-expanded')).toBe('false')
    await press('n')
    const first = await page.locator('#panel-title').innerText()
    await press('n')
    expect(await page.locator('#panel-title').innerText()).not.toBe(first)
    await press('p')
    expect(await page.locator('#panel-title').innerText()).toBe(first)
    await press('Escape', '?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await press('Escape', '/')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('search')
    await page.keyboard.type('jk?/')
    expect(await page.locator('#search').inputValue()).toBe('jk?/')
    await press('Escape')
    expect(await page.locator('#search').inputValue()).toBe('')
    await page.locator('#lanes-canvas').focus()
    await press('ArrowRight', 'ArrowRight')
    expect(await page.getByRole('status').innerText()).toContain('.test.ts')
    await press('Enter')
    await panel.waitFor({ state: 'visible' })
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test.each(['light', 'dark'] as const)('%s: every text can be read and every control has a name', async (scheme) => {
    const link = '#test=suites/standard/storm.test.ts%20%3E%20storm%20%3E%20opens%20the%20gate'
    for (const hash of ['', link]) {
      const { page, trouble } = await open(browser, mixed + hash, { colorScheme: scheme })
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)))
      await page.locator('.card[open] .body:empty').waitFor({ state: 'detached' })
      expect(await poorContrast(page, 4.5)).toEqual([])
      expect(await namelessControls(page)).toEqual([])
      if (hash === '') await picture(page, scheme, true)
      expect(trouble).toEqual([])
      await page.context().close()
    }
  })

  test('the switch turns the theme and is remembered', async () => {
    const { page } = await open(browser, mixed, { colorScheme: 'dark' })
    const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const dark = await background()
    await page.getByRole('button', { name: 'Light or dark' }).click()
    const light = await background()
    expect(light).not.toBe(dark)
    // What a page stores reaches the next one by way of another process: on a busy machine not at once.
    const again = async (): Promise<string> => {
      await page.reload()
      await page.locator('html[data-ready]').waitFor({ state: 'attached' })
      return background()
    }
    await expect.poll(again, { timeout: 30_000 }).toBe(light)
    await page.context().close()
  })

  test('the lanes are drawn, tell outcomes apart without colour, and a block opens its file', async () => {
    const { page, trouble } = await open(browser, await reportOf(lively()))
    const canvas = page.locator('#lanes-canvas')
    await canvas.scrollIntoViewIfNeeded()
    expect(await page.locator('#lanes .legend').innerText()).toMatch(/✗ failed[^]*◷ timed out[^]*✸ crashed/u)
    // Grey values alone: a failed block is striped, a passed one is not.
    const greys = (y: number): Promise<number> =>
      canvas.evaluate((element, y) => {
        const { width } = element as HTMLCanvasElement
        const line = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, y, width, 1).data
        const values = new Set<number>()
        for (let x = 0; x < width; x++)
          values.add(Math.round((line[4 * x]! + line[4 * x + 1]! + line[4 * x + 2]!) / 24))
        return values.size
      }, y)
    expect(await greys(26)).toBeGreaterThan(3)
    await picture(page, 'lanes')
    const box = (await canvas.boundingBox())!
    await canvas.hover({ position: { x: 120, y: 34 } })
    expect(await page.locator('.tip').innerText()).toMatch(/\.test\.ts\n/u)
    await page.mouse.click(box.x + 120, box.y + 34)
    await page.locator('#panel').waitFor({ state: 'visible' })
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('printed: light, failures open, without controls', async () => {
    const { page, trouble } = await open(browser, mixed, { colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print' })
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')))
    expect(await page.locator('.toolbar').isVisible()).toBe(false)
    expect(await page.locator('.card[open]').count()).toBe(await page.locator('.card').count())
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)')
    expect(await poorContrast(page, 4.5)).toEqual([])
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(wide).toBeLessThanOrEqual(0)
    await page.setViewportSize({ width: 794, height: 1123 })
    await picture(page, 'print', true)
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000)
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('hostile names are text', async () => {
    const evil = '</script><script>document.title="taken"</script><img src=x onerror="document.title=1">'
    const { record } = journal()
      .cause({ message: evil })
      .tier('standard')
      .file(`${evil}.test.ts`, (file) => file.attempt((it) => it.failed(evil, 1, evil).output(evil)), { suite: evil })
      .build()
    const { page, trouble } = await open(browser, await reportOf(record))
    await page.keyboard.press('n')
    expect(await page.locator('#panel-title').innerText()).toBe(evil)
    expect(await page.title()).not.toMatch(/^(?:taken|1)$/u)
    expect(await page.locator('img').count()).toBe(0)
    expect(trouble).toEqual([])
    await page.context().close()
  })

  test('a run of nothing, and a phone', async () => {
    const { page, trouble } = await open(browser, await reportOf(journal().build().record), {
      viewport: { width: 390, height: 800 },
    })
    expect(await page.locator('h1').innerText()).toContain('nothing was planned')
    expect(trouble).toEqual([])
    await page.goto(mixed)
    await page.locator('html[data-ready]').waitFor({ state: 'attached' })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(wide).toBeLessThanOrEqual(0)
    await page.context().close()
  })

  test('50,000 tests: at most 1 MB, and only the rows that can be seen exist', async () => {
    const address = await reportOf(greenRun(500, 100).record)
    const { page, trouble } = await open(browser, address)
    expect(statSync(fileURLToPath(address)).size).toBeLessThanOrEqual(1_000_000)
    await page.getByRole('button', { name: 'Unfold all' }).click()
    expect(await page.locator('.row').count()).toBeLessThan(80)
    await page.locator('#list').focus()
    await page.keyboard.press('End')
    expect(await page.locator('.row[aria-selected=true]').getAttribute('aria-posinset')).toBe('50500')
    await page.getByLabel('Search tests').fill('file-77.test test 55')
    expect(await page.locator('.sum').innerText()).toBe('1 test in 1 file')
    expect(trouble).toEqual([])
    await page.context().close()
  })
})

/** Several of everything, over a few lanes. */
function lively() {
  const run = journal().tier('standard', { shards: 4, retries: 1 })
  for (let file = 0; file < 40; file++) {
    const ms = 200 + ((file * 7919) % 2600)
    run.file(`suites/standard/part-${file}.test.ts`, (draft) => {
      if (file === 3)
        draft.attempt((it) =>
          it.passed('a').running('b').takes(6000).ends({ kind: 'timed-out', limit: 'file', limitMs: 6000 }),
        )
      else if (file === 9)
        draft.attempt((it) =>
          it
            .running('dies')
            .takes(1500)
            .ends({ kind: 'crashed', exitCode: null, signal: 'SIGSEGV', outOfMemory: false }),
        )
      else if (file % 11 === 0) draft.attempt((it) => it.failed('first', ms / 2).takes(ms))
      if (file === 22) draft.attempt((it) => it.passed('first', ms / 2).takes(ms))
      if (draft.attempts.length === 0)
        draft.attempt((it) =>
          it
            .passed('one', ms / 2)
            .passed('two', ms / 3)
            .takes(ms),
        )
    })
  }
  return run.build().record
}

async function titles(page: Page): Promise<string[]> {
  return page.locator('main > section').evaluateAll((all) => all.map((one) => one.getAttribute('data-title') ?? ''))
}

async function rows(page: Page): Promise<string[]> {
  return page.locator('.row .name').allInnerTexts()
}
