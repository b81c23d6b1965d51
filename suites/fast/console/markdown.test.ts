import fc from '../../support/property.ts'
import { describe, expect, it } from 'vitest'
import { MARKDOWN_LIMIT, summaryMarkdown } from '../../../src/reports/markdown.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { noHistory } from '../../support/console/streams.ts'
import { aCause, journal, type Built } from '../../support/reports/journal-builder.ts'
import { greenRun, mixedRun } from '../../support/reports/sample-runs.ts'

function summary({ record }: Built): string {
  return summaryMarkdown(record, analyseSlow(record, noHistory, 10))
}

describe('summary.md', () => {
  const text = summary(mixedRun())

  it('begins with the verdict', () => {
    expect(text.split('\n')[0]).toBe('## failed: 6 of 18 tests in 6 of 10 files, 3 not run, 2 flaky, 5m (2 shards)')
  })

  it('has a table a tier', () => {
    expect(text).toContain('### Tier standard: 5m on 2 shards, deadline 15m\n')
    expect(text).toContain('| gateway | 2 | 3 | 1 | 1 | 0 | 1 | 592ms |\n')
    expect(text).toContain('| total | 9 | 6 | 6 | 1 | 3 | 2 | 5m 1s |\n')
  })

  it('groups failures by message, with folded stacks', () => {
    expect(text).toContain(
      '#### 1 x AssertionError: expected 49 to be 50\n\n- <code>suites/standard/storm.test.ts &gt; storm &gt; opens the gate</code>',
    )
    expect(text).toContain('<details><summary>message and stack</summary>\n\n<pre>expected 49 to be 50\n')
  })

  it('lists what is missing, flaky, slow, and the warnings', () => {
    expect(text).toContain('- <code>suites/standard/late.test.ts</code>: the deadline of the tier came first\n')
    expect(text).toContain('- <code>suites/standard/flaky.test.ts &gt; sometimes</code>\n')
    expect(text).toContain(
      '| 220ms | 60% of standard | <code>suites/standard/storm.test.ts &gt; storm &gt; counts alerts</code> |\n',
    )
    expect(text).toContain('### Warnings\n\n- 2 of 4 databases are free: running with 2 shards\n')
  })

  it('names the cause and the remedy', () => {
    const down = journal()
      .tier('standard')
      .file('a', (file) => file.notRun('infrastructure'))
      .cause()
      .cause(aCause())
      .build()
    const cause =
      '- <code>redis-unreachable</code>: nothing answers at 127.0.0.1:6379 (connection refused). What to do: start'
    expect(summary(down).split(cause)).toHaveLength(2)
  })

  it('is short for a green run', () => {
    const green = summary(greenRun(3, 4))
    expect(green).toMatch(/^## passed: 12 tests in 3 files/u)
    expect(green).not.toMatch(/failure|Warnings|Flaky|Without/u)
  })

  it('shows fifty failures and counts the others', () => {
    const run = journal().tier('standard')
    run.file('many.test.ts', (file) =>
      file.attempt((it) => {
        for (let test = 0; test < 70; test++) it.failed(`test ${test}`, 1, { name: 'Error', message: 'the same' })
      }),
    )
    const text = summary(run.build())
    expect(text).toContain('#### 70 x Error: the same\n')
    expect(text.match(/^- <code>many\.test\.ts/gmu)).toHaveLength(50)
    expect(text).toContain('- and 20 more\n')
  })

  it('keeps stacks to fifteen lines', () => {
    const stack = ['Error: x', ...Array.from({ length: 40 }, (_, at) => `    at call${at} (a.ts:1:1)`)].join('\n')
    const run = journal()
      .tier('standard')
      .file('a', (file) => file.attempt((it) => it.failed('x', 1, { message: 'x', stack })))
    const text = summary(run.build())
    expect(text).toContain('at call14 (')
    expect(text).not.toContain('at call15 (')
    expect(text).toContain('and 25 more lines')
  })

  it('takes hostile names for what they are: text', () => {
    const name = 'a|b `c` <img src=x onerror=alert(1)> </code></details> *d* [e](http://f) $g$\n# h\n| i |\u0007'
    const run = journal()
      .notice('warning', 'x', name)
      .tier('standard')
      .file(name, (file) => file.attempt((it) => it.failed(name, 1, { name: 'Error', message: `</pre>${name}` })))
    const text = summary(run.build())
    const outside = text.replaceAll(/<pre>.*?<\/pre>/gsu, '')
    expect(outside).not.toMatch(/<img|<\/code><\/details>|^# h|^\| i|<\/pre>/mu)
    expect(text).toContain(
      String.raw`a\|b \`c\` &lt;img src=x onerror=alert(1)&gt; &lt;/code&gt;&lt;/details&gt; \*d\* \[e\](http://f) &#36;g&#36;\\n\# h\\n\| i \|\\x07`,
    )
    const rows = outside.split('\n').filter((line) => line.startsWith('| '))
    for (const row of rows) expect([4, 9]).toContain(row.replaceAll(/\\[\\|]/gu, '').match(/\|/gu)!.length)
  })

  it('opens no element that it does not close, whatever the input', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('</pre>', '<details>', '</code>', '<!--', '|', '\\|', '\\', '`', '```', '&lt;', '\n\n# x'),
    )
    fc.assert(
      fc.property(nasty, nasty, (name, message) => {
        const run = journal()
          .tier('standard')
          .file(`f${name}`, (file) =>
            file.attempt((it) => it.failed(name, 1, { name, message, diff: message, stack: `x\n    at ${message}` })),
          )
          .file('g', (file) => file.attempt((it) => it.ends({ kind: 'lease-lost', message })))
        const text = summary(run.build())
        expect(text).not.toMatch(/[^\P{Cc}\n]|\p{Cs}/u)
        for (const element of ['code', 'pre', 'details', 'summary']) {
          expect(text.split(`<${element}>`).length).toBe(text.split(`</${element}>`).length)
        }
        expect(text.match(/<(?!\/?(?:code|pre|details|summary)>)/gu)).toBeNull()
      }),
      { numRuns: 50 },
    )
  })

  it('stays below its limit in bytes, and says that something is left out', () => {
    const run = journal().tier('standard')
    for (let file = 0; file < 60; file++) {
      run.file(`${'家'.repeat(1000)}${file}`, (draft) =>
        draft.attempt((it) => {
          const message = Array.from({ length: 100 }, () => '😀'.repeat(1000)).join('\n')
          const stack = Array.from({ length: 100 }, () => `    at ${'家'.repeat(2000)}`).join('\n')
          it.failed('界'.repeat(1000), 1, {
            name: `E${String.fromCodePoint(0x4e00 + file)}`,
            message,
            diff: message,
            stack,
          })
        }),
      )
    }
    const text = summary(run.build())
    expect(Buffer.byteLength(text)).toBeLessThan(MARKDOWN_LIMIT)
    expect(Buffer.byteLength(text)).toBeGreaterThan(MARKDOWN_LIMIT / 2)
    expect(text).toMatch(/The rest does not fit into a job summary: see junit\.xml and summary\.json of the run\.\n$/u)
  })

  it('is bounded for a run of 50,000 tests and for names of a megabyte', () => {
    expect(Buffer.byteLength(summary(greenRun(500, 100)))).toBeLessThan(20_000)
    const huge = journal()
      .tier('standard')
      .file('a', (file) =>
        file.attempt((it) => it.failed('x'.repeat(1_000_000), 1, { message: 'y'.repeat(1_000_000) })),
      )
    expect(Buffer.byteLength(summary(huge.build()))).toBeLessThan(20_000)
  })
})
