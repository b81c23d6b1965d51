import { expect, test } from 'vitest'
import type { Past, TestPast } from '../../../src/core/ports.ts'
import { endLines } from '../../../src/reports/console/end.ts'
import { plainPaint } from '../../../src/reports/console/paint.ts'
import { renderSlow } from '../../../src/reports/console/slow.ts'
import { sparkline } from '../../../src/reports/console/trends.ts'
import { summaryMarkdown } from '../../../src/reports/markdown.ts'
import { analyseSlow } from '../../../src/reports/slow.ts'
import { journal, START } from '../../support/reports/journal-builder.ts'

const NONE = { file: () => null, test: () => [] }
const times = (count: number, ms: number): number[] => Array<number>(count).fill(ms)

const { record } = journal()
  .tier('fast', { slowMs: 1000 })
  .file('a.test.ts', (file) => file.attempt((it) => it.passed('drags', 600).passed('jumps', 900)))
  .build()

const history: TestPast[] = [
  { file: 'a.test.ts', name: 'jumps', ms: [...times(20, 200), ...times(5, 900)], isOfRun: true },
  { file: 'a.test.ts', name: 'drags', ms: [...times(20, 400), ...times(5, 600)], isOfRun: true },
  { file: 'a.test.ts', name: 'perhaps', ms: [...times(20, 400), ...times(3, 600)], isOfRun: true },
  { file: 'a.test.ts', name: 'long ago', ms: [...times(20, 400), ...times(5, 600)], isOfRun: false },
  { file: 'a.test.ts', name: 'big', ms: times(5, 1200), isOfRun: true },
  { file: 'a.test.ts', name: 'spikes', ms: [...times(5, 900), 4000], isOfRun: true },
]
const past: Past = {
  tier: (name) =>
    name === 'fast'
      ? {
          machine: 'linux-x64, 4 cpus',
          runs: 25,
          pace: 1.5,
          tests: history,
          flaky: [
            { file: 'a.test.ts', name: 'now', lastAt: START, passes: 0, recent: 'ppk' },
            { file: 'a.test.ts', name: 'blinks', lastAt: START - 86_400_000, passes: 3, recent: 'pfppp' },
          ],
        }
      : null,
}

test('tests that became slower are ranked by the time they cost', () => {
  const trends = analyseSlow(record, NONE, 10, undefined, [past]).tiers[0]?.trends
  expect(trends).toMatchObject({
    judged: 3,
    regressed: [
      { name: 'jumps', beforeMs: 200, nowMs: 900, lostMs: 700, share: 700 / 1500 },
      { name: 'drags', beforeMs: 400, nowMs: 600, lostMs: 200 },
    ],
    suspect: [{ name: 'perhaps' }],
    overBudget: [{ name: 'big', usualMs: 1200 }],
    spiked: [{ name: 'spikes', usualMs: 900, durationMs: 6000 }],
  })
  expect(trends?.flaky.map(({ name }) => name)).toEqual(['now', 'blinks'])
})

test('of several nodes each says how its own tests did; flaky ones are those of the tier', () => {
  const tier = past.tier('fast')!
  const on = (name: string, machine: string, pace: number | null): Past => ({
    tier: (asked) =>
      asked === 'fast'
        ? { ...tier, machine, pace, tests: history.map((one) => ({ ...one, isOfRun: one.name === name })) }
        : null,
  })
  const nodes = [
    on('drags', 'linux-x64, 4 cpus', 1),
    on('jumps', 'linux-x64, 2 cpus', 3),
    on('spikes', 'linux-x64, 4 cpus', 2),
  ]
  const trends = analyseSlow(record, NONE, 10, undefined, nodes).tiers[0]?.trends
  expect(trends).toMatchObject({
    machine: 'linux-x64, 4 cpus; linux-x64, 2 cpus',
    pace: 2,
    judged: 2,
    regressed: [{ name: 'jumps' }, { name: 'drags' }],
    regressedCount: 2,
    spiked: [{ name: 'spikes', durationMs: 8000 }],
    flaky: [{ name: 'now' }, { name: 'blinks' }],
    flakyCount: 2,
  })
  expect(analyseSlow(record, NONE, 1, undefined, nodes).tiers[0]?.trends).toMatchObject({
    regressed: [{ name: 'jumps' }],
    regressedCount: 2,
  })
})

test('lists are cut, and their counts are not', () => {
  const trends = analyseSlow(record, NONE, 1, undefined, [past]).tiers[0]?.trends
  expect(trends?.regressed).toHaveLength(1)
  expect(trends?.regressedCount).toBe(2)
})

test('what does not fit a list is counted, and the flaky tests of this run push no other off it', () => {
  const slow = analyseSlow(record, NONE, 1, undefined, [past])
  expect(slow.tiers[0]?.trends).toMatchObject({ flaky: [{ name: 'now' }], flakyBefore: [{ name: 'blinks' }] })
  const end = endLines(record, slow, { paint: plainPaint, width: 120, folder: null }).join('\n')
  expect(end).toContain('slower for five runs: 2 tests\n  a.test.ts > jumps: 200ms, now 900ms\n  and 1 more test\n')
  expect(end).toContain('flaky in the last runs: 1 test\n  a.test.ts > blinks: last on 2026-11-19')
  const markdown = summaryMarkdown(record, slow)
  expect(markdown).toMatch(/### Slower for five runs\n\n- .*jumps.*\n- and 1 more test\n/u)
  expect(markdown).toMatch(/### Flaky in the last runs[^\n]*\n\n- .*blinks.*\n(?!- )/u)
})

test('without a past there is nothing to say', () => {
  expect(analyseSlow(record, NONE, 10).tiers[0]).not.toHaveProperty('trends')
  const none = analyseSlow(record, NONE, 10, undefined, [{ tier: () => null }])
  expect(none.tiers[0]).not.toHaveProperty('trends')
  expect(renderSlow(none, 120)).not.toContain('past runs')
})

test('`tiershard slow` shows all of it', () => {
  const text = renderSlow(analyseSlow(record, NONE, 10, undefined, [past]), 120)
  expect(text).toContain('on linux-x64, 4 cpus: this machine was 1.5x as slow as usual, and times are corrected by it')
  expect(text).toContain('! slower for five runs: 2 tests')
  expect(text).toMatch(/200ms +900ms +700ms +47% +▂{20}█{5} +a\.test\.ts > jumps/)
  expect(text).toContain("usually over the tier's slow threshold of 1s: 1 test")
  expect(text).toContain('more than 3x over 1s, in this run only: 1 test')
  expect(text).toContain('a.test.ts > blinks: last on 2026-11-19, 3 passes since')
})

test('the end of a run and its summary name what is slower and flaky, and the flaky of this run only once', () => {
  const slow = analyseSlow(record, NONE, 10, undefined, [past])
  const end = endLines(record, slow, { paint: plainPaint, width: 120, folder: null }).join('\n')
  expect(end).toContain('slower for five runs: 2 tests\n  a.test.ts > jumps: 200ms, now 900ms')
  expect(end).toContain('flaky in the last runs: 1 test\n  a.test.ts > blinks: last on 2026-11-19, 3 passes since')
  expect(end).not.toContain('a.test.ts > now')
  const markdown = summaryMarkdown(record, slow)
  expect(markdown).toContain('### Slower for five runs\n\n- <code>a.test.ts &gt; jumps</code>: 200ms, now 900ms')
  expect(markdown).toContain('### Flaky in the last runs')
})

test('a sparkline is as high as its largest value', () => {
  expect(sparkline([0, 50, 100])).toBe('▁▅█')
  expect(sparkline([])).toBe('')
})
