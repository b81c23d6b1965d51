import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tiershard } from '../../../src/cli/program.ts'
import { serialise } from '../../../src/history/data.ts'
import { historyOf, runOf } from '../../support/history/runs.ts'
import { fakeIo } from '../../support/cli/io.ts'

function project(files: Readonly<Record<string, string>>): string {
  const cwd = mkdtempSync(path.join(tmpdir(), 'tiershard-history-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(cwd, name), text)
  return cwd
}

const node = (id: string): string => serialise(historyOf(runOf(id, 0, { [`${id}.test.ts`]: { t: 5, u: 6 } })))

async function merge(cwd: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { io, stdout, stderr } = fakeIo(['history', 'merge', ...args], cwd)
  return { code: await tiershard(io), stdout: stdout(), stderr: stderr() }
}

test('histories of two nodes become one, in any order and as often as you like', async () => {
  const cwd = project({ 'a.json': node('a'), 'b.json': node('b') })
  const file = path.join(cwd, 'reports', 'history.json')
  expect(await merge(cwd, 'a.json', 'b.json')).toEqual({ code: 0, stdout: `${file}: 2 runs, 4 tests\n`, stderr: '' })
  const once = readFileSync(file, 'utf8')
  await merge(cwd, 'b.json', 'a.json', 'a.json')
  expect(readFileSync(file, 'utf8')).toBe(once)
  expect((await merge(cwd, '-o', 'out.json', 'b.json', 'a.json')).code).toBe(0)
  expect(readFileSync(path.join(cwd, 'out.json'), 'utf8')).toBe(once)
})

test('a node that is missing or damaged spoils the whole', async () => {
  const cwd = project({ 'a.json': node('a'), 'bad.json': '{"vers', 'into.json': '[]' })
  const missing = await merge(cwd, 'a.json', 'nope.json')
  expect(missing).toMatchObject({ code: 2, stdout: '' })
  expect(missing.stderr).toContain(`There is no file ${path.join(cwd, 'nope.json')}. Nothing was merged.`)
  expect((await merge(cwd, 'a.json', 'bad.json')).stderr).toContain('(truncated). Nothing was merged.')
  expect((await merge(cwd, '-o', 'into.json', 'a.json')).stderr).toContain('(not a history of tiershard)')
  expect(readFileSync(path.join(cwd, 'into.json'), 'utf8')).toBe('[]')
})
