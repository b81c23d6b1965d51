import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { Script } from 'node:vm'
import fc from '../../../support/property.ts'
import { describe, expect, test } from 'vitest'
import { foldAll } from '../../../../src/core/record.ts'
import { column, countFile, countRun, testVerdicts } from '../../../../src/core/verdict.ts'
import { printable } from '../../../../src/reports/format.ts'
import { planned, verdictSentence } from '../../../../src/reports/words.ts'
import { readReport, rendered } from '../../../support/html/read.ts'
import { arbitraryRun } from '../../../support/reports/arbitrary-run.ts'
import { journal } from '../../../support/reports/journal-builder.ts'
import { greenRun, mixedRun } from '../../../support/reports/sample-runs.ts'

test('whatever a run holds, the page reads back every test with its outcome', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryRun(), async ({ record }) => {
      const { head, report } = await readReport(await rendered(record))
      const files = planned(record)
      expect(head.files.map(({ id }) => id)).toEqual(files.map(({ file }) => printable(file.plan.id)))
      expect(head.counts).toEqual(countRun(record))
      for (const [place, { file }] of files.entries()) {
        const verdicts = testVerdicts(file)
        const first = report.begin(place)
        expect(report.end(place) - first).toBe(verdicts.length)
        for (const [at, { name, last, outcome, flaky }] of verdicts.entries()) {
          expect(report.name(first + at)).toBe(printable(name).toWellFormed())
          expect(report.lines[first + at]).toBe(last.line ?? 0)
          expect(MEANT[report.mark(first + at)]).toBe(flaky ? 'flaky' : column(outcome))
          expect(report.fileOf(first + at)).toBe(place)
        }
        const { failed, notRun } = countFile(file)
        const among = (which: string): number => verdicts.filter(({ outcome }) => column(outcome) === which).length
        expect(report.file(place).own).toBe(
          failed > among('failed') ? 'failed' : notRun > among('notRun') ? 'notRun' : null,
        )
      }
      expect(head.groups.flatMap(({ details }) => details)).toHaveLength(
        new Set(head.groups.flatMap(({ details }) => details)).size,
      )
    }),
    { numRuns: 60 },
  )
})

const MEANT: Readonly<Record<string, string>> = {
  p: 'passed',
  k: 'flaky',
  f: 'failed',
  t: 'failed',
  c: 'failed',
  s: 'skipped',
  q: 'skipped',
  i: 'notRun',
  n: 'notRun',
}

test('nothing from the run can become markup', async () => {
  const evil = '</script><script>alert(1)</script><img src=x onerror=alert(1)>"\'&amp;<!--'
  const { record } = journal({ run: evil, commit: evil, command: ['tiershard', 'run', evil] })
    .cause({ message: evil, remedy: evil })
    .notice('warning', 'x', evil)
    .tier('standard')
    .file(evil, (file) => file.attempt((it) => it.failed(evil, 1, evil).output(evil).skipped(`${evil} 2`, evil)), {
      suite: evil,
    })
    .stray(evil)
    .build()
  const html = await rendered(record)
  const outside = html.replaceAll(/<style>[^]*?<\/style>|<script>[^]*<\/script>\n<\/body>/gu, '')
  expect(outside).not.toMatch(/<img|<!--|alert\(1\)<\/script>|<script>/u)
  expect(outside.match(/<script type="application\/octet-stream"/gu)).toHaveLength(2)
  expect(html.split('</body>')).toHaveLength(2)
  const { report, head } = await readReport(html)
  expect(report.name(0)).toBe(evil)
  expect(head.causes[0]!.message).toBe(evil)
})

test('the policy allows this script and this style, by their digests, and no network', async () => {
  const html = await rendered(mixedRun().record)
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/u.exec(html)![1]!
  const script = /<script>([^]*)<\/script>\n<\/body>/u.exec(html)![1]!
  const style = /<style>([^]*?)<\/style>/u.exec(html)![1]!
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ])
  // One script of all parts: each is in it, and no name is declared twice.
  expect(script).not.toMatch(/^(?:import|export) /mu)
  expect(() => new Script(script)).not.toThrow()
  const folder = new URL('../../../../src/reports/html/page/', import.meta.url)
  for (const part of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    const names = readFileSync(new URL(part, folder), 'utf8').matchAll(
      /^export (?:async )?(?:function|const|class) (\w+)/gmu,
    )
    for (const [, name] of names)
      expect(script).toMatch(new RegExp(`^(?:async )?(?:function|const|class) ${name}\\b`, 'mu'))
  }
  // Neither may end its element early, and nothing may be loaded.
  expect(script + style).not.toMatch(/<\/(?:script|style)|<!--|https?:|@import|url\(/iu)
})

test('the verdict and its causes are plain HTML', async () => {
  const { record } = journal().cause({ message: 'nothing answers at <there>' }).tier('standard').build()
  const html = await rendered(record)
  const body = html.slice(html.indexOf('<body>'), html.indexOf('<div id="app">'))
  expect(body).toContain('data-verdict="infrastructure"')
  expect(body).toContain('nothing answers at &lt;there&gt;')
  expect(body).toContain('What to do: start the server')
  const title = /<title>([^<]*)<\/title>/u.exec(await rendered(mixedRun().record))![1]
  expect(title).toBe(verdictSentence(mixedRun().record))
})

describe('details', () => {
  test('failures with their errors, attempts and output; flaky tests with what they failed with', async () => {
    const { head, report } = await readReport(await rendered(mixedRun().record))
    const of = (name: string) => head.details.find((detail) => detail.name === name)!
    expect(of('storm > opens the gate')).toMatchObject({
      mark: 'f',
      message: 'AssertionError: expected 49 to be 50',
      line: 14,
      errors: [{ diff: '- Expected\n+ Received\n\n- 2\n+ 1', stack: 'at suites/standard/storm.test.ts:14:9' }],
    })
    expect(of('never passes')).toMatchObject({
      errors: [{ message: 'AssertionError: second reason' }],
      earlier: [{ word: 'failed', errors: [{ message: 'AssertionError: first reason' }] }],
    })
    expect(of('sometimes')).toMatchObject({ mark: 'k', word: 'flaky', earlier: [{ word: 'failed' }] })
    expect(of('storm > cluster')).toMatchObject({ mark: 's', note: 'needs a cluster' })
    const storm = head.files.findIndex(({ id }) => id.includes('storm'))
    expect(head.outputs.find(({ file }) => file === storm)).toMatchObject({
      attempt: 1,
      cut: 0,
      parts: [
        { error: false, text: 'gate: 49 of 50' },
        { error: true, text: 'warning: slow script' },
      ],
    })
    expect(report.file(storm).attempts).toMatchObject([{ keys: 3, startUpMs: 80, mark: 'f' }])
    expect(head.files.find(({ id }) => id.includes('late'))).toMatchObject({ mark: 'n', own: 'notRun', attempts: [] })
    expect(head.files.find(({ id }) => id.includes('syntax'))).toMatchObject({ mark: 'f', own: 'failed' })
  })

  test('a quarantined failure counts as skipped, and says why and with what it failed', async () => {
    const { events } = journal()
      .tier('standard')
      .file('a.test.ts', (file) => file.attempt((it) => it.failed('known', 1, 'still broken').passed('fine')))
      .build()
    const entry = { entry: 'quarantine[0]', test: null, until: '2999-12-31', reason: 'issue 7', expired: false }
    const excused = events.map((event) =>
      event.type === 'tier-planned'
        ? { ...event, files: event.files.map((file) => ({ ...file, quarantine: [entry] })) }
        : event,
    )
    const { head, report } = await readReport(await rendered(foldAll(excused)))
    expect([report.mark(0), report.mark(1)]).toEqual(['q', 'p'])
    expect(head.counts).toMatchObject({ failed: 0, skipped: 1 })
    expect(head.groups).toEqual([])
    expect(head.details).toMatchObject([
      { word: 'quarantined', note: expect.stringContaining('issue 7'), message: 'AssertionError: still broken' },
    ])
  })

  test('a flood of output and of errors stays bounded, and says what is missing', async () => {
    const { record } = journal()
      .tier('standard')
      .file('a.test.ts', (file) =>
        file.attempt((it) => it.failed('x', 1, 'm'.repeat(100_000)).output('o'.repeat(90_000))),
      )
      .file('b.test.ts', (file) => file.attempt((it) => it.passed('y').output(`${'p'.repeat(9000)}end`)))
      .build()
    const { head } = await readReport(await rendered(record))
    const [failed, passed] = head.outputs
    expect(failed).toMatchObject({ cut: 50_000, parts: [{ text: 'o'.repeat(40_000) }] })
    expect(passed!.parts[0]!.text).toMatch(/^p{3997}end$/u)
    expect(head.details[0]!.errors[0]!.message).toMatch(/^Assert[^]*\[92016 characters left out\][^]*m$/u)
  })
})

describe('pace', () => {
  test('floor, tail, busy lanes and start-up come from what happened', async () => {
    const { record } = journal()
      .tier('standard', { shards: 2 })
      .file('long.test.ts', (file) => file.attempt((it) => it.passed('long').takes(1000)))
      .file('short.test.ts', (file) => file.attempt((it) => it.passed('short').takes(300)))
      .file('mid.test.ts', (file) => file.attempt((it) => it.passed('mid').takes(400)))
      .build()
    const { head } = await readReport(await rendered(record))
    const pace = head.tiers[0]!.pace!
    expect(pace).toMatchObject({ makespanMs: 1000, floorMs: 1000, floorFile: 0 })
    expect(pace.tailFrom - pace.from).toBe(702)
    expect(pace.lanes).toEqual([
      { shard: 0, attempts: 1, busyMs: 1000, startUpMs: 80 },
      { shard: 1, attempts: 2, busyMs: 700, startUpMs: 160 },
    ])
  })

  test('work spread evenly is the floor when no file is long; a tier that ran nothing has no pace', async () => {
    const { record } = journal()
      .tier('fast', { shards: 2 })
      .tier('standard', { shards: 2 })
      .file('a.test.ts', (file) => file.attempt((it) => it.passed('a').takes(300)))
      .file('b.test.ts', (file) => file.attempt((it) => it.passed('b').takes(300)))
      .file('c.test.ts', (file) => file.attempt((it) => it.passed('c').takes(300)))
      .build()
    const { head } = await readReport(await rendered(record))
    expect(head.tiers.map(({ pace }) => pace && [pace.floorMs, pace.floorFile])).toEqual([null, [450, null]])
  })

  test('a killed run: what was running reaches to the end of what is known', async () => {
    const { record } = journal()
      .tier('standard')
      .file('a.test.ts', (file) => file.attempt((it) => it.passed('a').running('b').ends(null)))
      .killed()
      .build()
    const { head } = await readReport(await rendered(record))
    expect(head).toMatchObject({ verdict: 'incomplete', exitCode: 5 })
    expect(head.files[0]).toMatchObject({ mark: 'n', attempts: [{ mark: 'n', word: 'lost' }] })
  })
})

test('a test costs at most 14 bytes', async () => {
  const few = (await rendered(greenRun(10, 100).record)).length
  const many = (await rendered(greenRun(60, 200).record)).length
  expect((many - few) / 11_000).toBeLessThan(14)
})
