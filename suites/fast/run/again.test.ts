import { expect, test } from 'vitest'
import { forecast } from '../../../src/core/plan.ts'
import { settle } from '../../../src/core/settle.ts'
import { planAgain } from '../../../src/run/again.ts'
import { planDigest } from '../../../src/run/slice.ts'
import { journal } from '../../support/reports/journal-builder.ts'
import { aSlice } from '../../support/reports/node-runs.ts'
import { planned, suite, tier } from '../../support/run/fakes.ts'

const selection = { filters: [], changed: null }

function planOf(...ids: string[]) {
  const files = ids.map((id) => planned(id, { suite: 'standard' }))
  const settings = tier()
  const tiers = [{ settings, suites: [suite({ name: 'standard' })], files, forecast: forecast(files, 2, 1) }]
  return { engine: 'fake 1', tiers, warnings: [], testName: null, whole: true }
}

test('a run that keeps files of the earlier one is no run of everything, and judges no unused entry of the quarantine', () => {
  const before = settle(
    journal({ run: 'first', selection })
      .tier('standard')
      .file('good.test.ts', (file) => file.attempt((at) => at.passed('g')))
      .file('bad.test.ts', (file) => file.attempt((at) => at.failed('b')))
      .build().record,
  )
  const again = planAgain(planOf('good.test.ts', 'bad.test.ts', 'new.test.ts'), before)
  expect(again.plan.tiers[0]!.files.map(({ id }) => id)).toEqual(['bad.test.ts', 'new.test.ts'])
  expect(again).toMatchObject({ kept: 1, files: 2, plan: { whole: false } })
})

test('a run that does all of the earlier one again is one of everything', () => {
  const before = settle(
    journal({ run: 'first', selection })
      .tier('standard')
      .file('bad.test.ts', (file) => file.attempt((at) => at.failed('b')))
      .build().record,
  )
  expect(planAgain(planOf('bad.test.ts'), before)).toMatchObject({ kept: 0, plan: { whole: true } })
})

test('a slice goes on with its own files: what it does not know is in another slice, and a plan that has changed is named', () => {
  const plan = planOf('a.test.ts', 'b.test.ts', 'c.test.ts')
  const before = (digest: string, chosen = selection) =>
    settle(
      journal({ run: 'first', selection: chosen, slice: aSlice({ index: 2, plan: digest }) })
        .tier('standard')
        .file('b.test.ts', (file) => file.attempt((at) => at.failed('b')))
        .build().record,
    )
  const again = planAgain(plan, before(planDigest(plan)))
  expect(again.plan.tiers[0]!.files.map(({ id }) => id)).toEqual(['b.test.ts'])
  expect(again).toMatchObject({ kept: 0, files: 1, plan: { whole: false, warnings: [] } })

  const changed = planAgain(plan, before('of other files')).plan.warnings
  expect(changed).toEqual([
    'the plan is not the one of which slice 2/3 was cut: other files or suites. Files that are new since then are in no slice; run all slices afresh to have them',
  ])
  // Of what was affected by changes, or of fewer tiers, the plan of everything says nothing.
  expect(planAgain(plan, before('x', { ...selection, changed: 'main' } as never)).plan.warnings).toEqual([])
  const fewer = { ...plan, tiers: [] }
  expect(planAgain(fewer, before('x')).plan.warnings).toEqual([])
})
