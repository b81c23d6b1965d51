import { mkdirSync, readFileSync, readlinkSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { appendStepSummary, createRunFolder, newRunId, pointLatest } from '../../../src/cli/run-folder.ts'
import { tempProject } from '../../support/config/project.ts'
import { makePipe } from '../../support/processes/pipe.ts'

test('run ids sort by time and never repeat', () => {
  const id = newRunId(new Date('2026-11-20T05:53:01.098Z'))
  expect(id).toMatch(/^20261120-055301098-[0-9a-f]{6}$/)
  expect(newRunId(new Date('2026-11-20T05:53:01.099Z')) > id).toBe(true)
  expect(newRunId(new Date('2026-11-20T05:53:02Z')) > id).toBe(true)
  const now = new Date()
  expect(new Set(Array.from({ length: 100 }, () => newRunId(now))).size).toBe(100)
})

test('the folder of a run is made with everything above it', () => {
  const reports = path.join(tempProject({}), 'a/b')
  const opened = createRunFolder(reports, 'r1')
  expect(opened).toMatchObject({ ok: true, folder: { journal: path.join(reports, 'r1/journal.ndjson') } })
  expect(readdirSync(reports)).toEqual(['r1'])
})

test('a reports folder that cannot be: the message says why and what to do', () => {
  const root = tempProject({ occupied: 'a file' })
  const opened = createRunFolder(path.join(root, 'occupied/reports'), 'r1')
  expect(opened).toMatchObject({ ok: false, message: expect.stringContaining('a part of the path is a file') })
  expect(!opened.ok && opened.message).toContain('--reports')
})

test('latest points at the newest run, replaces an older link and leaves nothing behind', () => {
  const reports = tempProject({})
  expect(pointLatest(reports, 'r1')).toBeNull()
  expect(pointLatest(reports, 'r2')).toBeNull()
  expect(readlinkSync(path.join(reports, 'latest'))).toBe('r2')
  expect(readdirSync(reports).toSorted()).toEqual(['latest', 'package.json'])
})

test('a folder in the place of latest is left alone, with a note', () => {
  const reports = tempProject({ 'latest/mine.txt': 'x' })
  expect(pointLatest(reports, 'r1')).toContain('still points elsewhere')
  expect(readdirSync(path.join(reports, 'latest'))).toEqual(['mine.txt'])
  expect(readdirSync(reports).toSorted()).toEqual(['latest', 'package.json'])
})

test('the step summary is appended, unless all of it would get lost', () => {
  const file = path.join(tempProject({}), 'summary.md')
  expect(appendStepSummary(file, '## one\n')).toBeNull()
  expect(appendStepSummary(file, '## two')).toBeNull()
  expect(readFileSync(file, 'utf8')).toBe('## one\n\n## two\n\n')
  writeFileSync(file, 'x'.repeat(1024 * 1024 - 5))
  expect(appendStepSummary(file, 'more')).toContain('over 1 MiB')
  expect(readFileSync(file).length).toBe(1024 * 1024 - 5)
})

test('a step summary that would wait for a reader is a note', () => {
  const pipe = path.join(tempProject({}), 'pipe')
  makePipe(pipe)
  expect(appendStepSummary(pipe, 'text')).toContain('was not added to GITHUB_STEP_SUMMARY: it is a pipe')
})

test('a step summary that cannot be written is a note', () => {
  const folder = path.join(tempProject({}), 'folder')
  mkdirSync(folder)
  expect(appendStepSummary(folder, 'text')).toContain('was not added to GITHUB_STEP_SUMMARY')
})
