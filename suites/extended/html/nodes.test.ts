import { expect, test } from 'vitest'
import { combineRuns } from '../../../src/core/matrix.ts'
import { launch, open, picture, reportOf, withoutBrowser } from '../../support/html/browser.ts'
import { journal } from '../../support/reports/journal-builder.ts'
import { sliceRecords } from '../../support/reports/node-runs.ts'

test.skipIf(withoutBrowser)(
  'the page of several nodes: what is missing first, whose shards, and what ran where',
  { timeout: 120_000 },
  async () => {
    const run = journal().tier('standard', { shards: 2 })
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      run.file(`${name}.test.ts`, (file) => file.attempt((at) => at.passed(name, 300)))
    }
    const [one, , three] = sliceRecords(run.build().events, 3)
    await using browser = await launch()
    const { page, trouble } = await open(browser, await reportOf(combineRuns([one!, three!])))
    expect(await page.locator('#app section h2').first().innerText()).toMatch(/^Missing/u)
    expect(await page.locator('#missing').innerText()).toContain('slice 2/3 of tier standard is missing')
    const shards = await page.locator('#lanes .as-table tbody tr td:nth-child(2)').allTextContents()
    expect(shards).toEqual(['slice 1/3 shard 0', 'slice 1/3 shard 1', 'slice 3/3 shard 0', 'slice 3/3 shard 1'])
    const nodes = await page.locator('#environment tbody tr').allInnerTexts()
    expect(nodes.map((row) => row.split(/\s/u, 3).join(' '))).toEqual(['slice 1/3 passed', 'slice 3/3 passed'])
    await picture(page, 'nodes', true)
    expect(trouble).toEqual([])
  },
)
