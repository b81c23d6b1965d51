import { expect, test } from 'vitest'
import { endLines } from '../../../src/reports/console/end.ts'
import { plainPaint } from '../../../src/reports/console/paint.ts'
import { leaks } from '../../../src/reports/leaks.ts'
import { summaryMarkdown } from '../../../src/reports/markdown.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { journal } from '../../support/reports/journal-builder.ts'

test('a file stands once among the leaks, with its worst attempt', () => {
  const { record } = journal()
    .tier('standard', { retries: 2 })
    .file('a.test.ts', (file) =>
      file
        .attempt((it) => it.failed('x').leaves(9, { withoutTtl: 1 }))
        .attempt((it) => it.failed('x').leaves(5, { withoutTtl: 5 }))
        .attempt((it) => it.passed('x').leaves(2, { withoutTtl: 2 })),
    )
    .file('b.test.ts', (file) => file.attempt((it) => it.passed('y').leaves(3, { withoutTtl: 3 })))
    .build()
  expect(leaks(record)).toMatchObject([
    { file: 'a.test.ts', attempt: 2, keys: 5 },
    { file: 'b.test.ts', attempt: 1, keys: 3 },
  ])
  const slow = analyseSlow(record, { file: () => null, test: () => [] }, 5)
  const end = endLines(record, slow, { paint: plainPaint, width: 100, folder: null })
  expect(end).toContain('left behind in their databases by 2 files')
  expect(summaryMarkdown(record, slow).match(/^- <code>[ab]\.test\.ts<\/code>: \d keys/gmu)).toHaveLength(2)
})
