import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startTiershard, tiershard } from '../../support/cli/binary.ts'
import { appeared, FAILS, HANGS, IMPORTS, PASSES, project } from '../../support/cli/project.ts'

const SIZE_KB = 192

/** Prints more than the disk holds, and passes. */
const TALKS = `${IMPORTS}test('talks', () => {
  for (let i = 0; i < 8; i++) process.stdout.write('x'.repeat(64 * 1024) + '\\n')
  expect(1).toBe(1)
})\n`

/**
 * A small file system for the reports, which only root on Linux can mount; elsewhere a limit on the size of files, by
 * which the system refuses what is over it just as a full disk does. Returns what to start tiershard with.
 */
function smallDisk(folder: string): 'file system' | 'limit' {
  mkdirSync(folder, { recursive: true })
  const mounted = system('mount', '-t', 'tmpfs', '-o', `size=${SIZE_KB}k`, 'tmpfs', folder)
  if (mounted !== 0) return 'limit'
  onTestFinished(() => void system('umount', folder))
  return 'file system'
}

/** Runs a command of the system; its exit code, or null where there is no such command. */
function system(command: string, ...args: readonly string[]): number | null {
  return spawnSync(command, args).status
}

test.for([
  ['every test passes', PASSES],
  ['a test fails', FAILS],
] as const)('the disk fills up while %s: the tests go on, the trouble is named, exit 3', async ([, last]) => {
  const cwd = project({ 'suites/fast/a/a.test.ts': TALKS, 'suites/fast/b/b.test.ts': last })
  const kind = smallDisk(path.join(cwd, 'reports'))
  const { exitCode, stdout, stderr } = await tiershard(
    cwd,
    ['run', '--shards', '1'],
    {},
    kind === 'limit' ? `ulimit -f ${SIZE_KB}` : null,
  )
  // Both files have run, whichever came first.
  expect(stdout).toMatch(/passed +suites\/fast\/a\/a\.test\.ts/)
  expect(stdout).toMatch(/(passed|failed) +suites\/fast\/b\/b\.test\.ts/)
  expect(stdout).toMatch(/warning: cannot write to .*journal\.ndjson: (ENOSPC|EFBIG).*; the tests go on/)
  expect(stdout).toContain('infrastructure: journal-failed: ')
  expect(stderr).toMatch(/! cannot write to .*journal\.ndjson: (ENOSPC|EFBIG)/)
  expect(exitCode).toBe(3)
  const latest = path.join(cwd, 'reports/latest')
  expect(statSync(path.join(latest, 'journal.ndjson')).size).toBeLessThanOrEqual(SIZE_KB * 1024)
  // A report is whole, and named, or it is not there.
  const there = readdirSync(latest).toSorted()
  for (const name of there) expect(statSync(path.join(latest, name)).size, name).toBeGreaterThan(0)
  const named = /^reports: \S+ \((.*)\)$/m.exec(stdout)![1]!.split(', ')
  const asked = ['journal.ndjson', 'junit.xml', 'report.html', 'summary.json', 'summary.md']
  expect(named.toSorted()).toEqual(asked.filter((name) => there.includes(name)))
  // Nor does a lock stay that nobody holds.
  expect(readdirSync(path.join(cwd, 'reports')).filter((name) => name.endsWith('.lock'))).toEqual([])
})

test('the folder of a run that is gone at its end: each missing report is named, exit 3', async () => {
  const cwd = project({ 'suites/fast/a/a.test.ts': HANGS })
  const started = startTiershard(cwd, ['run'])
  await appeared(path.join(cwd, 'hanging'))
  rmSync(path.join(cwd, 'reports'), { recursive: true })
  process.kill(Number(readFileSync(path.join(cwd, 'hanging'), 'utf8')), 'SIGKILL')
  const { exitCode, stderr } = await started.finished
  expect(exitCode).toBe(3)
  for (const name of ['junit.xml', 'summary.json', 'summary.md']) expect(stderr).toMatch(`${name} could not be written`)
})
