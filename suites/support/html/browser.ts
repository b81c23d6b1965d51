import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll } from 'vitest'
import type { Past } from '../../../src/core/ports.ts'
import type { RunRecord } from '../../../src/core/record.ts'
import { writeHtml } from '../../../src/reports/html/index.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { NO_HISTORY } from './read.ts'

/** Chromium as the system has it; null: none is there. */
export const chromiumPath: string | null = onPath(['chromium', 'chromium-browser', 'google-chrome'])

/** Where no browser is, these tests are skipped; where the gate runs, they must not be. */
export const withoutBrowser = chromiumPath === null && process.env['TIERSHARD_REQUIRE_NATIVE'] !== '1'

function onPath(names: readonly string[]): string | null {
  const folders = ['/usr/bin', ...(process.env['PATH'] ?? '').split(path.delimiter)]
  const found = names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isExecutable)
  return found ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A browser of its own; `await using` closes it. */
export async function launch(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('no chromium on PATH: apt-get install chromium')
  // Containers run as root and have a small /dev/shm; the pages are our own.
  return chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** Holds the reports of one test file, and goes with it. */
let folder: string | null = null
let reports = 0
afterAll(() => {
  if (folder !== null) rmSync(folder, { recursive: true, force: true })
  folder = null
})

/** Writes a report that is there until the end of the test file, and returns its address. */
export async function reportOf(record: RunRecord, past: Past | null = null): Promise<string> {
  folder ??= mkdtempSync(path.join(tmpdir(), 'tiershard-html-'))
  const file = path.join(folder, `report-${++reports}.html`)
  await writeHtml(record, analyseSlow(record, NO_HISTORY, 20, undefined, past === null ? [] : [past]), file)
  return pathToFileURL(file).href
}

export interface Opened {
  readonly page: Page
  /** Everything that went wrong or went out: errors, warnings of the console, requests but the one for the page. */
  readonly trouble: readonly string[]
}

/** Opens a report and waits until all of its data is there. */
export async function open(browser: Browser, address: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const trouble: string[] = []
  page.on('console', (message) => trouble.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => trouble.push(String(error)))
  page.on('request', (request) => {
    if (!request.isNavigationRequest()) trouble.push(`request: ${request.url()}`)
  })
  await page.goto(address)
  await page.locator('html[data-ready]').waitFor({ state: 'attached', timeout: 60_000 })
  return { page, trouble }
}

/** Keeps a picture for people: in TIERSHARD_SCREENSHOTS, where that is set. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  const folder = process.env['TIERSHARD_SCREENSHOTS']
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage, animations: 'disabled' })
}
