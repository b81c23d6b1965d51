import path from 'node:path'
import { expect, test } from 'vitest'
import { crashOf } from '../../../src/cli/crash.ts'

test.for([
  ['EMFILE', 'ulimit -n'],
  ['ENFILE', 'fs.file-max'],
  ['EAGAIN', 'ulimit -u'],
  ['ENOMEM', 'no memory is left'],
  ['EACCES', 'Mend the permissions'],
  ['ELOOP', 'a symbolic link'],
])('%s is trouble of the machine, and no bug', ([code, advice]) => {
  const crash = crashOf(Object.assign(new Error(`spawn sh ${code}`), { code }))
  expect(crash.message).toContain(advice)
  expect(crash.message).toContain(`(spawn sh ${code})`)
  expect(crash.message).not.toMatch(/bug|^ {4}at /m)
  expect(crash.exitCode).toBe(3)
})

test('the first code of a stack that is not the runtime says whose error it is', () => {
  const own = new URL('../../../src/run/run.ts', import.meta.url).href
  const project = import.meta.url
  const library = new URL('../../../node_modules/vitest/index.js', import.meta.url).href
  const thrown = (...frames: readonly string[]): unknown =>
    Object.assign(new Error('oh'), {
      stack: ['Error: oh', '    at open (node:fs:1:2)', ...frames.map((url) => `    at f (${url}:3:4)`)].join('\n'),
    })
  const place = `${path.resolve(import.meta.filename)}:3:4`
  expect(crashOf(thrown(project, own)).message).toContain(`failed at ${place}\n  Error: oh\n`)
  expect(crashOf(thrown(project, own)).exitCode).toBe(2)
  for (const error of [thrown(own, project), thrown(library, project), thrown(), 'text', null, undefined]) {
    expect(crashOf(error).message).toContain('This is a bug')
    expect(crashOf(error).exitCode).toBe(3)
  }
})
