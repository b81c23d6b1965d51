import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { ownMark } from '../../../src/cli/process-mark.ts'
import { inProcess, placeRun } from '../../support/cli/runs.ts'
import { tempProject } from '../../support/config/project.ts'
import { journal, type Built } from '../../support/reports/journal-builder.ts'
import { readJUnit, recount } from '../../support/reports/junit-reader.ts'
import { aSlice, asSlices, sliceRun } from '../../support/reports/node-runs.ts'

function sixFiles(): Built {
  const run = journal().tier('standard')
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    run.file(`${name}.test.ts`, (file) => file.attempt((at) => at.passed(`1 ${name}`).passed(`2 ${name}`)))
  }
  return run.build()
}

/** A project with what three nodes have uploaded, each into a folder of its own. */
function threeNodes(events = sixFiles().events): string {
  const cwd = tempProject({})
  for (const [at, part] of asSlices(events, 3).entries())
    placeRun(path.join(cwd, `nodes/${at + 1}`), sliceRun(at), part)
  return cwd
}

function summaryOf(folder: string): Record<string, unknown> & { missing: { message: string }[] } {
  return JSON.parse(readFileSync(path.join(folder, 'summary.json'), 'utf8')) as never
}

test('the reports of several runs: one account in a folder of its own, the timings of all in the history', async () => {
  const cwd = threeNodes()
  const { exitCode, stdout, stderr } = await inProcess(cwd, ['report', '-o', 'all', 'nodes/1', 'nodes/2', 'nodes/3'])
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(stdout).toContain(`reports: ${cwd}/all (report.html, junit.xml, summary.md, summary.json)\n`)
  expect(stdout).toContain('passed: 12 tests in 6 files')
  const all = path.join(cwd, 'all')
  expect(summaryOf(all)).toMatchObject({ counts: { passed: 12, notRun: 0 }, nodes: [{}, {}, {}], missing: [] })
  expect(recount(readJUnit([readFileSync(path.join(all, 'junit.xml'), 'utf8')]))).toMatchObject({ passed: 12 })
  for (const name of ['report.html', 'summary.md', 'ctrf.json', 'trace.json', 'metrics.prom']) {
    expect(existsSync(path.join(all, name))).toBe(true)
  }
  // The nodes' own folders are left as they were.
  expect(existsSync(path.join(cwd, 'nodes/1', sliceRun(0), 'junit.xml'))).toBe(false)
  const { tiers } = JSON.parse(readFileSync(path.join(cwd, 'reports/history.json'), 'utf8')) as never as {
    tiers: { standard: { runs: { id: string }[]; files: string[] } }
  }
  expect(tiers.standard.runs.map(({ id }) => id)).toEqual([0, 1, 2].map(sliceRun))
  expect(tiers.standard.files).toHaveLength(6)
})

test('without --output the report of several runs goes beside them, and is no run itself', async () => {
  const cwd = tempProject({})
  for (const [at, part] of asSlices(sixFiles().events, 2).entries())
    placeRun(path.join(cwd, 'reports'), sliceRun(at), part)
  expect((await inProcess(cwd, ['report', sliceRun(1), sliceRun(0)])).exitCode).toBe(0)
  const folder = path.join(cwd, 'reports', `matrix-${sliceRun(0)}`)
  expect(summaryOf(folder)).toMatchObject({ verdict: 'passed', nodes: [{}, {}] })
  expect((await inProcess(cwd, ['report', `matrix-${sliceRun(0)}`])).stderr).toContain('There is no run')
})

test('an id that leads elsewhere does not: journals come from other machines', async () => {
  const cwd = tempProject({})
  for (const [at, part] of asSlices(sixFiles().events, 2).entries()) {
    const [head, ...rest] = part as [Stamped, ...Stamped[]]
    placeRun(path.join(cwd, 'nodes'), `${at}`, [{ ...head, run: `${at}/../../../out` } as Stamped, ...rest])
  }
  expect((await inProcess(cwd, ['report', 'nodes'])).exitCode).toBe(0)
  expect(existsSync(path.join(cwd, 'reports/matrix-0_.._.._.._out/junit.xml'))).toBe(true)
})

test('a node that is missing, or whose run was killed, is named: exit 5', async () => {
  const cwd = threeNodes()
  const gone = await inProcess(cwd, ['report', '-o', 'all', 'nodes/1', 'nodes/3'])
  expect(gone.exitCode).toBe(5)
  expect(gone.stdout).toContain('slice 2/3 of tier standard is missing: none of the given runs is it')

  placeRun(path.join(cwd, 'nodes/2'), sliceRun(1), asSlices(sixFiles().events, 3)[1]!.slice(0, -6))
  const killed = await inProcess(cwd, ['report', '-o', 'all', 'nodes/1', 'nodes/2', 'nodes/3'])
  expect(killed.exitCode).toBe(5)
  expect(killed.stdout).toContain('slice 2/3: this run was killed: its journal has no end')
  const report = readJUnit([readFileSync(path.join(cwd, 'all/junit.xml'), 'utf8')])
  expect(report.suites[0]!.attributes['name']).toBe('(run)')
})

test('one slice alone: its own report in its place, and with --output a matrix that lacks the others', async () => {
  const cwd = threeNodes()
  const own = await inProcess(cwd, ['report', `nodes/1/${sliceRun(0)}`])
  expect(own.exitCode).toBe(0)
  expect(own.stderr).toBe(
    'note: this run is slice 1/3: name the runs of the other slices too, or use --output, for the account of all\n',
  )
  expect(existsSync(path.join(cwd, 'nodes/1', sliceRun(0), 'junit.xml'))).toBe(true)
  const alone = await inProcess(cwd, ['report', '-o', 'all', 'nodes/1'])
  expect(alone.exitCode).toBe(5)
  expect(summaryOf(path.join(cwd, 'all')).missing.map(({ message }) => message)).toEqual([
    'slice 2/3 of tier standard is missing: none of the given runs is it',
    'slice 3/3 of tier standard is missing: none of the given runs is it',
  ])
})

test('a slice that was continued counts once, also when its runs were uploaded by different jobs', async () => {
  const cwd = threeNodes(
    journal()
      .tier('standard')
      .file('a.test.ts', (file) => file.attempt((at) => at.passed('a')))
      .file('b.test.ts', (file) => file.attempt((at) => at.failed('b')))
      .file('c.test.ts', (file) => file.attempt((at) => at.passed('c')))
      .build().events,
  )
  expect((await inProcess(cwd, ['report', '-o', 'all', 'nodes/1', 'nodes/2', 'nodes/3'])).exitCode).toBe(1)
  const slice = aSlice({ index: 2, files: 3 })
  const again = journal({ run: '20261120-070000-again', continues: sliceRun(1), slice })
    .tier('standard')
    .file('b.test.ts', (file) => file.attempt((at) => at.passed('b')))
  placeRun(path.join(cwd, 'nodes/2-again'), '20261120-070000-again', again.build().events)
  const { exitCode, stdout } = await inProcess(cwd, [
    'report',
    '-o',
    'all',
    'nodes/2-again',
    'nodes/2',
    'nodes/1',
    'nodes/3',
  ])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('passed: 3 tests in 3 files')
  const alone = await inProcess(cwd, ['report', '-o', 'all', 'nodes/2-again', 'nodes/1', 'nodes/3'])
  expect(alone.exitCode).toBe(5)
  expect(alone.stdout).toContain(`the run ${sliceRun(1)}, which this one continues, is not there`)
})

test('folders as CI systems leave them: the run itself, a copy of `latest`, one run named twice', async () => {
  const cwd = threeNodes()
  cpSync(path.join(cwd, 'nodes/1', sliceRun(0)), path.join(cwd, 'nodes/1/latest'), { recursive: true })
  symlinkSync(sliceRun(1), path.join(cwd, 'nodes/2/latest'), 'dir')
  // Only what `latest` pointed at.
  renameSync(path.join(cwd, 'nodes/3', sliceRun(2)), path.join(cwd, 'nodes/3/latest'))
  mkdirSync(path.join(cwd, 'bare'))
  cpSync(path.join(cwd, 'nodes/3/latest'), path.join(cwd, 'bare'), { recursive: true })
  const { exitCode, stdout } = await inProcess(cwd, ['report', '-o', 'all', 'nodes/1', 'nodes/2', 'bare', 'nodes/3'])
  expect(exitCode).toBe(0)
  expect(stdout).toContain('passed: 12 tests in 6 files')
})

// Root may write anywhere.
test.skipIf(process.getuid?.() === 0)(
  'a folder that is there is enough: the one above need not be writable',
  async () => {
    const cwd = threeNodes()
    mkdirSync(path.join(cwd, 'above/all'), { recursive: true })
    chmodSync(path.join(cwd, 'above'), 0o500)
    onTestFinished(() => chmodSync(path.join(cwd, 'above'), 0o700))
    const report = (...output: string[]) => inProcess(cwd, ['report', ...output, 'nodes/1', 'nodes/2', 'nodes/3'])
    expect(await report('-o', 'above/all')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(existsSync(path.join(cwd, 'above/all/junit.xml'))).toBe(true)
    const { exitCode, stderr } = await report('-o', 'above/new')
    expect(exitCode).toBe(2)
    expect(stderr).toContain(`The folder ${cwd}/above/new cannot be written: permission denied.`)
  },
)

test('what cannot be put together: exit 2, and what to do', async () => {
  const cwd = threeNodes()
  const wrong = async (...argv: string[]): Promise<string> => {
    const { exitCode, stderr } = await inProcess(cwd, ['report', ...argv])
    expect(exitCode).toBe(2)
    return stderr
  }
  mkdirSync(path.join(cwd, 'empty'))
  expect(await wrong('nodes/1', 'nodes/nope')).toContain('There is no run "nodes/nope"')
  expect(await wrong('nodes/1', 'empty')).toContain('There is no run "empty"')
  const own = `nodes/1/${sliceRun(0)}`
  expect(await wrong('-o', own, 'nodes/1', 'nodes/2')).toBe(
    `${cwd}/${own} is the folder of a run, whose own reports would be lost. Choose another one with --output.\n`,
  )
  expect(await wrong('-o', `${own}/journal.ndjson`, 'nodes/1')).toContain(
    `The folder ${cwd}/${own}/journal.ndjson cannot be written: it is a file. Choose another folder with --output`,
  )
  const live = journal({ run: 'live', process: ownMark() }).tier('fast').killed().build().events
  placeRun(path.join(cwd, 'nodes/4'), 'live', live)
  expect(await wrong('nodes/1', 'nodes/4')).toContain('The run live is still going on')
})
