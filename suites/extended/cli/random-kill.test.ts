import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { foldAll } from '../../../src/core/record.ts'
import { testVerdicts } from '../../../src/core/verdict.ts'
import { readJournal } from '../../../src/reports/journal.ts'
import { readRun } from '../../../src/reports/read-run.ts'
import { startTiershard, tiershard, type Started } from '../../support/cli/binary.ts'
import { IMPORTS, project } from '../../support/cli/project.ts'
import { inProcess, journalLines, runsOf } from '../../support/cli/runs.ts'
import { until } from '../../support/engines/rig.ts'
import { sized } from '../../support/sizes.ts'

/** With fewer there is none for the beginning, the middle and the end. */
const KILLS = Math.max(3, sized('SUITES_KILLS', 6, 200))
const LIMIT_MS = 60_000 + KILLS * 20_000

const FILES = 4
const TESTS_A_FILE = 5

/** Files whose tests take a few milliseconds each, so that a run has many moments to be killed at. */
function smallProject(): string {
  const tests = Array.from(
    { length: TESTS_A_FILE },
    (_, i) =>
      `test('${i}', async () => { await new Promise((done) => setTimeout(done, ${20 + 15 * i})); expect(1).toBe(1) })\n`,
  )
  const files = Array.from({ length: FILES }, (_, i) => [`suites/fast/a/${i}.test.ts`, IMPORTS + tests.join('')])
  return project(Object.fromEntries(files) as Record<string, string>)
}

/** Every test that a journal holds a result of, with the result. */
function results(folder: string): Map<string, string> {
  const { events } = readJournal(path.join(folder, 'journal.ndjson'))
  return new Map(
    events.flatMap((event) =>
      event.type === 'test-ended' ? [[`${event.file} > ${event.test.name}`, event.test.outcome] as const] : [],
    ),
  )
}

/** Every test of a run and all that it continues: once each, or this throws. */
function account(folder: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const tier of readRun(folder).whole.tiers.values()) {
    for (const file of tier.files.values()) {
      for (const { name, outcome } of testVerdicts(file)) {
        const key = `${file.plan.id} > ${name}`
        if (found.has(key)) throw new Error(`${key} is counted twice`)
        found.set(key, outcome)
      }
    }
  }
  return found
}

/**
 * Resolves when a run that is not known yet has so many lines in its journal, or has ended. With 0 lines, as soon as it has
 * its folder.
 */
async function underway(cwd: string, known: ReadonlySet<string>, lines: number, run: Started): Promise<void> {
  let ended = false
  void run.finished.then(() => (ended = true))
  await until(`a journal of ${lines} lines`, () => {
    if (ended) return true
    const id = runsOf(cwd).find((name) => !known.has(name))
    if (id === undefined) return false
    const folder = path.join(cwd, 'reports', id)
    return lines === 0 || (existsSync(path.join(folder, 'journal.ndjson')) && journalLines(folder).length >= lines)
  })
}

test(
  `${KILLS} runs killed at any moment: nothing that was known is lost, and going on completes them`,
  { timeout: LIMIT_MS },
  async () => {
    const cwd = smallProject()
    expect((await tiershard(cwd, ['run', '--shards', '2'])).exitCode).toBe(0)
    const total = journalLines(path.join(cwd, 'reports/latest')).length

    const seen = { beforeTheRun: 0, beforeATest: 0, between: 0, afterTheEnd: 0 }
    onTestFinished(() => void process.stdout.write(`${JSON.stringify(seen)}\n`))
    for (let kill = 0; kill < KILLS; kill++) {
      const known = new Set(runsOf(cwd))
      const started = startTiershard(cwd, ['run', '--shards', '2'])
      // Spread over the whole run, from before its first line to after its last, however fast this machine is.
      await underway(cwd, known, Math.floor((total + 1) * (kill / (KILLS - 1))), started)
      started.child.kill('SIGKILL')
      await started.finished
      const run = runsOf(cwd).find((id) => !known.has(id))
      const folder = path.join(cwd, 'reports', run ?? 'none')
      if (
        run === undefined ||
        !existsSync(path.join(folder, 'journal.ndjson')) ||
        readRun(folder).whole.tiers.size === 0
      ) {
        seen.beforeTheRun++
        continue
      }
      const { ended } = readRun(folder)
      const before = results(folder)
      seen[ended ? 'afterTheEnd' : before.size === 0 ? 'beforeATest' : 'between']++

      expect((await inProcess(cwd, ['report', run])).exitCode).toBe(ended ? 0 : 5)
      const reported = account(folder)
      for (const [name, outcome] of before) expect([name, reported.get(name)]).toEqual([name, outcome])

      const resumed = await tiershard(cwd, ['run', '--resume', run, '--shards', '2'])
      expect(resumed).toMatchObject({ exitCode: 0 })
      const next = runsOf(cwd).find((id) => id !== run && !known.has(id))!
      const all = account(path.join(cwd, 'reports', next))
      expect(all.size).toBe(FILES * TESTS_A_FILE)
      expect([...all.values()].every((outcome) => outcome === 'passed')).toBe(true)
      expect(resumed.stdout).toContain(`passed: ${FILES * TESTS_A_FILE} tests in ${FILES} files`)
      // What had passed as a whole was not run again.
      const whole = [...foldAll(readJournal(path.join(folder, 'journal.ndjson')).events).tiers.values()]
        .flatMap((tier) => [...tier.files.values()])
        .filter((file) => file.attempts.at(-1)?.ending?.kind === 'passed')
      const again = new Set([...results(path.join(cwd, 'reports', next)).keys()].map((name) => name.split(' > ')[0]))
      for (const file of whole) expect(again.has(file.plan.id)).toBe(false)
    }
    expect(seen.beforeATest + seen.between).toBeGreaterThan(0)
    expect(seen.afterTheEnd).toBeGreaterThan(0)
  },
)
