import { expect, test } from 'vitest'
import { endLines } from '../../../src/reports/console/end.ts'
import { plainPaint } from '../../../src/reports/console/paint.ts'
import { annotations } from '../../../src/reports/exports/annotations.ts'
import { summaryMarkdown } from '../../../src/reports/markdown.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { summaryJson } from '../../../src/reports/summary.ts'
import { verdictSentence } from '../../../src/reports/words.ts'
import { aCause, journal } from '../../support/reports/journal-builder.ts'

const { record } = journal()
  .tier('fast')
  .file('a.test.ts', (file) =>
    file.attempt((it) => {
      for (let n = 0; n < 31; n++)
        it.failed(`alert ${n}`, 1, `READONLY You can't write against a read only replica ${n}`)
      it.failed('other', 1, 'expected 1 to be 2').failed('another', 1, 'expected 2 to be 3')
    }),
  )
  .build()
const slow = analyseSlow(record, { file: () => null, test: () => [] }, 5)

test('the console says first which cause is behind how many failures', () => {
  const lines = endLines(record, slow, { paint: plainPaint, width: 100, folder: null })
  expect(lines).toContain('failures by cause: 31 of 33: redis-read-only')
  expect(lines.indexOf('failures by cause: 31 of 33: redis-read-only')).toBeLessThan(
    lines.indexOf('failures by message'),
  )
})

test('so does the summary in markdown', () => {
  expect(summaryMarkdown(record, slow)).toContain('### Failures by cause\n\n- 31 of 33: redis-read-only\n')
})

test('what ended only files is a cause of the run in every report, once, with its remedy', () => {
  const cause = aCause({ code: 'redis-out-of-memory', message: 'no room <left>', remedy: 'raise maxmemory\nor flush' })
  const { record: hit } = journal()
    .tier('fast')
    .file('a.test.ts', (file) => file.attempt((it) => it.running('x').ends({ kind: 'infrastructure', cause })))
    .file('b.test.ts', (file) => file.attempt((it) => it.running('y').ends({ kind: 'infrastructure', cause })))
    .build()
  expect(hit).toMatchObject({ exitCode: 3, causes: [] })
  const nothing = analyseSlow(hit, { file: () => null, test: () => [] }, 5)
  const summary = summaryJson(hit, nothing)
  expect(summary.causes).toEqual([cause])
  expect(summaryMarkdown(hit, nothing)).toContain(
    '### Infrastructure\n\n- <code>redis-out-of-memory</code>: no room &lt;left&gt;. What to do: raise maxmemory',
  )
  expect(annotations(summary, '/app', '/app')).toBe(
    '::error title=infrastructure%3A redis-out-of-memory::no room <left>%0Araise maxmemory%0Aor flush\n',
  )
  const end = endLines(hit, nothing, { paint: plainPaint, width: 100, folder: null })
  const at = end.indexOf('infrastructure')
  expect(end.slice(at, at + 4)).toEqual([
    'infrastructure',
    '  redis-out-of-memory: no room <left>',
    '    what to do: raise maxmemory',
    '    or flush',
  ])
})

test('a cause that is a sentence reads well in another one', () => {
  const run = journal().cause({ message: 'The Redis is a replica.' }).tier('fast').build()
  expect(verdictSentence(run.record)).toMatch(/^infrastructure: redis-unreachable: The Redis is a replica; 0 files/u)
})
