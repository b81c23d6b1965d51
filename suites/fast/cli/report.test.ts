import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ownMark, presence } from '../../../src/cli/process-mark.ts'
import { tellOfDeadRuns } from '../../../src/cli/runs.ts'
import { fakeIo } from '../../support/cli/io.ts'
import { goneMark, inProcess, journalLines, placeRun, tear } from '../../support/cli/runs.ts'
import { tempProject } from '../../support/config/project.ts'
import { journal, type JournalBuilder } from '../../support/reports/journal-builder.ts'
import { readJUnit, recount } from '../../support/reports/junit-reader.ts'

const FIRST = '20261120-060000-aaaaaa'
const SECOND = '20261120-060100-bbbbbb'

/** One file that passed, one that was running. */
function halfDone(run: string): JournalBuilder {
  return journal({ run, process: goneMark() })
    .tier('standard')
    .file('done.test.ts', (file) => file.attempt((at) => at.passed('d')))
    .file('open.test.ts', (file) => file.attempt((at) => at.passed('o1').pending('o2').ends(null)))
    .killed()
}

function summaryOf(folder: string): Record<string, unknown> & { counts: Record<string, number> } {
  return JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')) as never
}

test('the reports of a killed run: what is known, what is missing, exit 5', async () => {
  const cwd = tempProject({})
  const folder = placeRun(path.join(cwd, 'reports'), FIRST, halfDone(FIRST).build().events)
  tear(folder, '{"at":1,"type":"test-en')
  const { exitCode, stdout, stderr } = await inProcess(cwd, ['report', FIRST])
  expect(exitCode).toBe(5)
  expect(stderr).toContain('the last line is torn')
  expect(stdout).toContain('incomplete: this run was killed')
  expect(stdout).toContain('open.test.ts: ')
  expect(summaryOf(folder)).toMatchObject({
    verdict: 'incomplete',
    exitCode: 5,
    counts: { passed: 2, failed: 0, notRun: 2 },
    missing: [{ kind: 'killed' }],
    notRun: [{ file: 'open.test.ts', tests: 1, names: ['o2'] }],
  })
  const report = readJUnit([readFileSync(path.join(folder, 'junit.xml'), 'utf8')])
  expect(recount(report)).toMatchObject({ passed: 2, failed: 0, notRun: 2 })
  expect(readFileSync(path.join(folder, 'summary.md'), 'utf8')).toContain('this run was killed')
})

test('the reports of a run that was killed at its very end differ from the clean ones only by the mark', async () => {
  const cwd = tempProject({})
  const clean = halfDoneNoMore(FIRST).build().events
  const last = clean.at(-1)!
  expect(last.type).toBe('run-ended')
  const one = placeRun(path.join(cwd, 'reports'), FIRST, clean)
  const two = placeRun(path.join(cwd, 'killed'), FIRST, clean.slice(0, -1))
  expect((await inProcess(cwd, ['report', FIRST])).exitCode).toBe(0)
  expect((await inProcess(cwd, ['report', '--reports', 'killed', FIRST])).exitCode).toBe(5)

  const unmarked = (folder: string): object => {
    const { missing, counts, ...rest } = summaryOf(folder)
    for (const mark of ['verdict', 'exitCode', 'endedAt', 'wallMs']) delete rest[mark]
    return { ...rest, counts: { ...counts, notRun: counts['notRun']! - (missing as unknown[]).length } }
  }
  expect(unmarked(two)).toEqual(unmarked(one))
  const suites = (folder: string): unknown =>
    readJUnit([readFileSync(path.join(folder, 'junit.xml'), 'utf8')]).suites.filter(
      ({ attributes }) => attributes['name'] !== '(run)',
    )
  expect(suites(two)).toEqual(suites(one))
})

function halfDoneNoMore(run: string): JournalBuilder {
  return journal({ run })
    .tier('standard')
    .file('a.test.ts', (file) =>
      file.attempt((at) => at.passed('a').skipped('s', 'why').output('<testcase <error said\n')),
    )
    .file('b.test.ts', (file) => file.attempt((at) => at.passed('b')))
}

test('a damaged line makes a good run incomplete, although it ended with 0', async () => {
  const cwd = tempProject({})
  const folder = placeRun(path.join(cwd, 'reports'), FIRST, halfDoneNoMore(FIRST).build().events)
  const lines = journalLines(folder)
  const at = lines.findIndex((line) => line.includes('"test-ended"'))
  writeFileSync(path.join(folder, 'journal.ndjson'), `${lines.with(at, lines[at]!.slice(5)).join('\n')}\n`)
  const { exitCode, stdout } = await inProcess(cwd, ['report', folder])
  expect(exitCode).toBe(5)
  expect(stdout).toContain(`the journal is damaged: line ${at + 1} is left out`)
})

test('a run that continues another is reported with it; without it, it is incomplete', async () => {
  const cwd = tempProject({})
  placeRun(path.join(cwd, 'reports'), FIRST, halfDone(FIRST).build().events)
  const again = journal({ run: SECOND, continues: FIRST })
    .tier('standard')
    .file('open.test.ts', (file) => file.attempt((at) => at.passed('o1').passed('o2')))
    .build()
  const second = placeRun(path.join(cwd, 'reports'), SECOND, again.events)
  expect((await inProcess(cwd, ['report', SECOND])).exitCode).toBe(0)
  expect(summaryOf(second)).toMatchObject({ verdict: 'passed', counts: { passed: 3, notRun: 0 }, missing: [] })
  const report = readJUnit([readFileSync(path.join(second, 'junit.xml'), 'utf8')])
  expect(report.suites.map(({ properties }) => [properties['run'], properties['attempts']])).toEqual([
    [FIRST, '1'],
    [undefined, '2'],
  ])

  const alone = placeRun(path.join(cwd, 'elsewhere'), SECOND, again.events)
  const { exitCode, stdout } = await inProcess(cwd, ['report', alone])
  expect(exitCode).toBe(5)
  expect(stdout).toContain(`the run ${FIRST}, which this one continues, is not there`)
})

test('with --output a run of its own is reported as itself, in another place', async () => {
  const cwd = tempProject({})
  const first = placeRun(path.join(cwd, 'nodes/1'), FIRST, halfDone(FIRST).build().events)
  const again = journal({ run: SECOND, continues: FIRST })
    .tier('standard')
    .file('open.test.ts', (file) => file.attempt((at) => at.passed('o1').passed('o2')))
  const second = placeRun(path.join(cwd, 'nodes/2'), SECOND, again.build().events)
  const page = (folder: string): string => readFileSync(path.join(folder, 'summary.md'), 'utf8')

  // Continued or not, and however often it is named.
  for (const [own, ...given] of [
    [first, 'nodes/1'],
    [second, 'nodes/1', 'nodes/2'],
  ] as const) {
    const { exitCode } = await inProcess(cwd, ['report', '-o', 'there', ...given])
    expect(existsSync(path.join(own, 'summary.md'))).toBe(false)
    const there = summaryOf(path.join(cwd, 'there'))
    expect(there).not.toHaveProperty('nodes')
    const markdown = page(path.join(cwd, 'there'))
    expect(await inProcess(cwd, ['report', ...given])).toMatchObject({ exitCode })
    expect(there).toEqual(summaryOf(own))
    expect(markdown).toBe(page(own))
  }
})

test('a run that is still going on is left alone', async () => {
  const cwd = tempProject({})
  const { events } = journal({ run: FIRST, process: ownMark() }).tier('standard').killed().build()
  const folder = placeRun(path.join(cwd, 'reports'), FIRST, events)
  const { exitCode, stderr } = await inProcess(cwd, ['report', FIRST])
  expect(exitCode).toBe(2)
  expect(stderr).toBe(`The run ${FIRST} is still going on (process ${process.pid}): its reports come with its end.\n`)
  expect(existsSync(path.join(folder, 'junit.xml'))).toBe(false)
  const resumed = await inProcess(cwd, ['run', '--resume', FIRST])
  expect(resumed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is still going on') })
})

test('what cannot be reported or continued: exit 2, and what to do', async () => {
  const cwd = tempProject({})
  const wrong = async (...argv: string[]): Promise<string> => {
    const { exitCode, stderr } = await inProcess(cwd, argv)
    expect(exitCode).toBe(2)
    return stderr
  }
  expect(await wrong('report')).toContain('There is no run in')
  expect(await wrong('run', '--rerun-failed')).toContain('There is no run in')
  placeRun(path.join(cwd, 'reports'), FIRST, halfDone(FIRST).build().events)
  expect(await wrong('report', 'nope')).toContain(`There is no run "nope" in ${cwd}/reports. The newest is ${FIRST}.`)
  expect(await wrong('run', '--resume', FIRST, '--rerun-failed')).toContain('name one of them')
  expect(await wrong('run', '--resume', FIRST, 'a.test.ts')).toContain('it takes no FILES (a.test.ts)')
  expect(await wrong('run', '--resume', FIRST, '--changed')).toContain('--changed does not go with it')
  expect(await wrong('run', '--resume', FIRST, '--test-name', 'x')).toContain('--test-name does not go with it')
  expect(await wrong('run', '--resume', FIRST, '--repeat', '2')).toContain('--until-failure do not go with it')
  expect(await wrong('run', '--resume', FIRST, '--until-failure')).toContain('--until-failure do not go with it')
  expect(await wrong('run', '--resume', FIRST, '--tier', 'fast')).toContain(`The run ${FIRST} has standard.`)
  const away = placeRun(path.join(cwd, 'away'), SECOND, halfDone(SECOND).build().events)
  expect(await wrong('run', '--resume', away)).toContain('is not in the reports folder')
  const stress = { times: 2, untilFailure: false }
  const repeated = journal({ run: SECOND, process: goneMark() }).tier('standard', { stress }).killed().build()
  placeRun(path.join(cwd, 'reports'), SECOND, repeated.events)
  expect(await wrong('run', '--resume', SECOND)).toContain('repeated its files')
  placeRun(path.join(cwd, 'reports'), SECOND, [])
  expect(await wrong('run', '--resume', SECOND)).toContain('holds no plan')
})

test('a run that died is named once, until somebody looks at it or goes on with it', async () => {
  const reportsDir = path.join(tempProject({}), 'reports')
  const told = (except: string | null = null): string => {
    const { io, stderr } = fakeIo([])
    tellOfDeadRuns(reportsDir, except, io)
    return stderr()
  }
  expect(told()).toBe('')
  const folder = placeRun(reportsDir, FIRST, halfDone(FIRST).build().events)
  expect(told()).toBe(
    `note: the run ${FIRST} died before its reports were written: \`tiershard report ${FIRST}\` shows what is known, \`tiershard run --resume ${FIRST}\` goes on with it\n`,
  )
  expect(told(FIRST)).toBe('')
  placeRun(reportsDir, SECOND, journal({ run: SECOND, continues: FIRST, process: ownMark() }).killed().build().events)
  expect(told()).toBe('')
  placeRun(reportsDir, SECOND, halfDone(SECOND).build().events)
  expect(told()).toContain(`the run ${SECOND} (and 1 before it) died`)
  writeFileSync(path.join(folder, 'summary.json'), '{}')
  expect(told()).toContain(`the run ${SECOND} died`)
  const elsewhere = { ...goneMark(), host: 'another-host' }
  placeRun(reportsDir, SECOND, journal({ run: SECOND, process: elsewhere }).killed().build().events)
  expect(told()).toBe('')
})

test('a process is told from another one with its number', () => {
  expect(presence(ownMark())).toBe('alive')
  expect(presence({ ...ownMark(), host: 'another-host' })).toBe('unknown')
  expect(presence({ ...ownMark(), pid: 2 ** 22 + 1 })).toBe('gone')
})

// Linux only: what /proc says.
test.skipIf(process.platform !== 'linux')('a number that was given to another process is no presence', () => {
  expect(presence({ ...ownMark(), startTicks: '1' })).toBe('gone')
  expect(presence({ ...ownMark(), boot: 'another boot' })).toBe('gone')
  expect(presence({ ...ownMark(), namespace: 'pid:[1]' })).toBe('unknown')
})
