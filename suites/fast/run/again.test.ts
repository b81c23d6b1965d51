import { expect, test } from 'vitest'
import { forecast } from '../../../src/core/plan.ts'
import { settle } from '../../../src/core/settle.ts'
import { planAgain } from '../../../src/run/again.ts'
import { journal } from '../../support/reports/journal-builder.ts'
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
