import fc from '../../support/property.ts'
import { describe, expect, it } from 'vitest'
import type { PlannedFile } from '../../../src/core/events.ts'
import { forecast, makespan, order } from '../../../src/core/plan.ts'
import { place, renderPlan, type PlanTier, type PlanView } from '../../../src/reports/console/plan.ts'
import { displayWidth } from '../../../src/reports/format.ts'
import { aSuite, aTier } from '../../support/reports/journal-builder.ts'

function file(id: string, expectedMs: number | null, suite = 'standard'): PlannedFile {
  return { id, path: id, project: '', suite, expectedMs }
}

function tier(
  files: readonly PlannedFile[],
  settings: Partial<PlanTier['settings']> = {},
  suites = ['standard'],
): PlanTier {
  const all = { ...aTier('standard'), ...settings }
  const ordered = order(files)
  return {
    settings: all,
    suites: suites.map((name) => aSuite(name, 'standard')),
    files: ordered,
    forecast: forecast(ordered, all.shards, all.deadlineMs),
  }
}

function view(...tiers: PlanTier[]): PlanView {
  return { engine: 'vitest 5.1.0', tiers, warnings: [] }
}

describe('a plan', () => {
  it('shows where and when every file starts', () => {
    const text = renderPlan(view(tier([file('a', 60_000), file('b', 30_000), file('c', 20_000), file('d', null)])), 100)
    expect(text.split('\n').map((line) => line.trim().replaceAll(/ {2,}/gu, ' '))).toEqual([
      'plan: 4 files in 1 tier (standard) for vitest 5.1.0',
      '',
      'tier standard: 4 files of 1 suite on 2 shards, deadline 15m',
      'predicted 1m 20s, floor 1m 13s (all the work spread evenly over 2 shards)',
      '1 file without history, taken for as long as the mean of the others',
      '# expected shard starts file',
      '1 unknown 0 0ms d',
      '2 1m 1 0ms a',
      '3 30s 0 36.6s b',
      '4 20s 1 1m c',
      '',
    ])
  })

  it('of a slice says which one, of which plan, and how much the slices have to do', () => {
    const mark = { index: 2, of: 3, files: 9, plan: 'abc', history: 'def' }
    const lines = (expectedMs: number[] | null): string[] =>
      renderPlan({ ...view(tier([file('a', 60_000)])), slice: { mark, expectedMs } }, 100)
        .split('\n')
        .slice(0, 4)
    expect(lines([61_000, 60_000, 500])).toEqual([
      'plan: 1 file in 1 tier (standard) for vitest 5.1.0',
      'slice 2/3 of 9 files, plan abc, history def',
      'expected work of the 3 slices: 1m 1s, 1m, 500ms',
      '',
    ])
    expect(lines(null)[2]).toBe('no file has history: slices have equally many files')
    const many = Array.from({ length: 40 }, (_, at) => 1000 * (at + 1))
    expect(lines(many)[2]).toBe('expected work of the 40 slices: 1s to 40s')
  })

  it('says which file sets the floor', () => {
    const text = renderPlan(view(tier([file('huge', 100_000), file('b', 1000)])), 100)
    expect(text).toContain(
      'predicted 1m 40s, floor 1m 40s (set by huge: more shards make nothing faster, splitting it does)',
    )
  })

  it('warns when the deadline does not hold, with the shards that would meet it', () => {
    const files = Array.from({ length: 10 }, (_, at) => file(`f${at}`, 60_000))
    const late = renderPlan(view(tier(files, { deadlineMs: 150_000 })), 100)
    expect(late).toContain('! warning: the predicted 5m is over the deadline of 2m 30s; 5 shards would meet it\n')
    const never = renderPlan(view(tier([file('huge', 100_000), file('b', 1000)], { deadlineMs: 50_000 })), 100)
    expect(never).toContain('no number of shards would meet it: split huge\n')
    expect(renderPlan(view(tier(files)), 100)).not.toContain('warning')
  })

  it('predicts nothing without history', () => {
    const text = renderPlan(view(tier([file('a', null), file('b', null)])), 100)
    expect(text).toContain('  no file has history: the time cannot be predicted yet\n')
    expect(text).toMatch(/unknown +1 +\? {2}b\n/u)
  })

  it('cuts a long list, unless all is asked for', () => {
    const long = view(tier(Array.from({ length: 100 }, (_, at) => file(`f${at}`, at))))
    expect(renderPlan(long, 100)).toContain('\n  and 60 more files\n')
    const full = renderPlan(long, 100, { full: true })
    expect(full).not.toContain('more files')
    expect(full.split('\n').length).toBeGreaterThan(100)
  })

  it('names the suite where there are several', () => {
    const files = [file('a', 1000, 'gateway'), file('b', 500)]
    expect(renderPlan(view(tier(files, {}, ['gateway', 'standard'])), 100)).toMatch(/0ms {2}gateway {3}a\n/u)
  })

  it('shows warnings, however many lines they have', () => {
    const text = renderPlan({ ...view(), warnings: ['first\nsecond\u001b[2J'] }, 100)
    expect(text).toContain('! warning: first\n  second\n')
  })

  it('has no table wider than asked', () => {
    const files = fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.option(fc.nat(1e7))), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(files, fc.integer({ min: 10, max: 120 }), (files, width) => {
        const planned = tier(files.map(([id, ms], at) => file(`${id}${at}`, ms)))
        const rows = renderPlan(view(planned), width)
          .split('\n')
          .filter((line) => /^ +(?:#|\d+) /u.test(line) && !line.includes('history'))
        for (const row of rows) expect(displayWidth(row)).toBeLessThanOrEqual(width)
      }),
    )
  })
})

describe('the placement', () => {
  it('ends when the forecast says', () => {
    const durations = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(durations, fc.integer({ min: 1, max: 12 }), (durations, shards) => {
        const files = order(durations.map((ms, at) => file(`f${at}`, ms)))
        const end = Math.max(...place(files, shards).map(({ file, startMs }) => startMs! + file.expectedMs!))
        expect(end).toBeCloseTo(
          makespan(
            files.map(({ expectedMs }) => expectedMs!),
            shards,
          ),
        )
      }),
    )
  })
})
