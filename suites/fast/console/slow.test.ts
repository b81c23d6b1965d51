import { describe, expect, it } from 'vitest'
import { renderSlow } from '../../../src/reports/console/slow.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { noHistory } from '../../support/console/streams.ts'
import { journal } from '../../support/reports/journal-builder.ts'

const { record } = journal()
  .tier('fast')
  .file('quick.test.ts', (file) => file.attempt((it) => it.passed('a', 100).passed('b', 300)))
  .file('heavy.test.ts', (file) => file.attempt((it) => it.passed('waits', 14_000)))
  .tier('extended')
  .file('tiny.test.ts', (file) => file.attempt((it) => it.passed('c', 10)))
  .build()

describe('tiershard slow', () => {
  const text = renderSlow(analyseSlow(record, noHistory, 2), 100)

  it('shows the slowest tests with place and share', () => {
    expect(text).toMatch(/^ +14s +97% {2}heavy\.test\.ts:10 > waits$/mu)
    expect(text).toMatch(/^ +300ms +2% {2}quick\.test\.ts:14 > b$/mu)
    expect(text).not.toContain('quick.test.ts:10')
  })

  it('shows the slowest files with their tests', () => {
    expect(text).toMatch(/^ +14\.1s +97% +1 {2}heavy\.test\.ts$/mu)
    expect(text).toMatch(/^ +500ms +3% +2 {2}quick\.test\.ts$/mu)
  })

  it('names what is over the threshold and in the wrong tier', () => {
    expect(text).toContain("  ! 1 test is over the tier's slow threshold of 1s\n")
    expect(text).toContain('  ! 1 file does not fit fast\n')
    expect(text).toMatch(/^ +14\.1s +14s {2}move to extended {2}heavy\.test\.ts$/mu)
    expect(text).toContain('  every file that passed fits extended\n')
  })

  it('suggests a faster tier when history backs it', () => {
    const history = { file: () => ({ expectedMs: 90, samples: 5 }), test: () => [9, 10, 11] }
    const suggestion = renderSlow(analyseSlow(record, history, 2), 100)
    expect(suggestion).toContain('  1 file would fit a faster tier\n')
    expect(suggestion).toMatch(/^ +90ms +10ms {2}move to fast {2}tiny\.test\.ts$/mu)
  })

  it('says that nothing ran', () => {
    expect(renderSlow({ tiers: [] }, 100)).toBe('nothing ran\n')
    const { record: none } = journal()
      .tier('fast')
      .file('a', (file) => file.notRun('signal'))
      .build()
    expect(renderSlow(analyseSlow(none, noHistory, 2), 100)).toContain('  nothing ran\n')
  })
})
