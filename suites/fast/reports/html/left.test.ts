import { expect, test } from 'vitest'
import { size } from '../../../../src/reports/format.ts'
import { size as ours } from '../../../../src/reports/html/page/words.js'
import fc from '../../../support/property.ts'
import { readReport, rendered } from '../../../support/html/read.ts'
import { journal } from '../../../support/reports/journal-builder.ts'

const group = (prefix: string, keys: number, withoutTtl = keys) => ({
  prefix,
  type: 'hash',
  keys,
  withoutTtl,
  bytes: 10 * keys,
})

test('what files left is summed by prefix and listed by file, the most lasting first', async () => {
  const { record } = journal()
    .tier('standard', { retries: 1 })
    .file('a.test.ts', (file) =>
      file
        .attempt((it) => it.failed('x').leaves(9, { groups: [group('bull:*', 9)] }))
        .attempt((it) => it.passed('x').leaves(4, { groups: [group('bull:*', 3), group('lock:\u{1b}[31m*', 1, 0)] })),
    )
    .file('b.test.ts', (file) =>
      file.attempt((it) =>
        it
          .passed('y')
          .leaves(40, { sampled: 20, withoutTtl: 20, groups: [group('bull:*', 20)], clients: ['bull worker'] }),
      ),
    )
    .file('c.test.ts', (file) => file.attempt((it) => it.passed('z').leaks(4711, 'sleep \u{7}600')))
    .build()
  const { head } = await readReport(await rendered(record))
  expect(head.files.map(({ id }) => id)).toEqual(['a.test.ts', 'b.test.ts', 'c.test.ts'])
  expect(head.leaks).toMatchObject({
    fileCount: 2,
    files: [
      { file: 1, keys: 40, sampled: 20, withoutTtl: 20, clients: ['bull worker'] },
      { file: 0, keys: 9, groups: [{ prefix: 'bull:*', keys: 9 }] },
    ],
    prefixCount: 1,
    prefixes: [{ prefix: 'bull:*', type: 'hash', keys: 29, withoutTtl: 29, bytes: 290, files: 2 }],
  })
  expect(head.leaked).toEqual([{ file: 2, processes: [{ pid: 4711, command: String.raw`sleep \x07600` }] }])
})

test('of very many the worst are listed, and how many there are is said', async () => {
  const run = journal().tier('standard')
  for (let n = 0; n < 510; n++) {
    run.file(`${n}.test.ts`, (file) =>
      file.attempt((it) => it.passed('x').leaves(n + 1, { groups: [group(`${n}:*`, n + 1)] })),
    )
  }
  const { head } = await readReport(await rendered(run.build().record))
  expect(head.leaks).toMatchObject({ fileCount: 510, prefixCount: 510 })
  expect(head.leaks.files).toHaveLength(500)
  expect(head.leaks.files.at(-1)).toMatchObject({ keys: 11 })
  expect(head.leaks.prefixes.map(({ keys }) => keys)).toEqual(Array.from({ length: 100 }, (_, n) => 510 - n))
})

test('failures are grouped by the cause that their errors give away', async () => {
  const { record } = journal()
    .tier('standard')
    .file('a.test.ts', (file) =>
      file.attempt((it) =>
        it
          .failed('one', 1, "READONLY You can't write against a read only replica.")
          .failed('two', 1, 'expected 1 to be 2')
          .failed('three', 1, "ReplyError: READONLY You can't write against a read only replica."),
      ),
    )
    .build()
  const { head } = await readReport(await rendered(record))
  expect(head.byCause).toEqual([{ cause: 'redis-read-only', details: [0, 2] }])
  expect(head.byCause[0]!.details.map((at) => head.details[at]!.name)).toEqual(['one', 'three'])
})

test('sizes read as in the console', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000_000), (bytes) => {
      expect(ours(bytes)).toBe(size(bytes))
    }),
  )
})
