import { expect, test } from 'vitest'
import { endLines } from '../../../src/reports/console/end.ts'
import { createPaint } from '../../../src/reports/console/paint.ts'
import { summaryMarkdown } from '../../../src/reports/markdown.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { journal } from '../../support/reports/journal-builder.ts'

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
  const paint = createPaint({ isTTY: false, write: () => true, on: () => {} } as never, { NO_COLOR: '1' })
  const lines = endLines(record, slow, { paint, width: 100, folder: null })
  expect(lines).toContain('failures by cause: 31 of 33: redis-read-only')
  expect(lines.indexOf('failures by cause: 31 of 33: redis-read-only')).toBeLessThan(
    lines.indexOf('failures by message'),
  )
})

test('so does the summary in markdown', () => {
  expect(summaryMarkdown(record, slow)).toContain('### Failures by cause\n\n- 31 of 33: redis-read-only\n')
})
