import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ServiceLog } from '../../../src/services/log.ts'
import { nameOf, timeOf } from '../../../src/services/postgres/names.ts'
import { tempProject } from '../../support/config/project.ts'

test('secrets are starred out, also where a line comes in pieces', () => {
  const file = path.join(tempProject({}), 'logs', 'api.log')
  const log = new ServiceLog(file, ['swordfish-9', 'pw'])
  const lines: string[] = []
  log.follow((line) => lines.push(line))
  log.append('stdout', 'the token is sword')
  log.append('stderr', 'apart\n')
  log.append('stdout', 'fish-9\npostgres://u:pw@host/db pw\nno end')
  log.close()
  expect(readFileSync(file, 'utf8')).toBe('apart\nthe token is ***\npostgres://u:***@host/db pw\nno end\n')
  expect(lines).toEqual(['apart', 'the token is swordfish-9', 'postgres://u:pw@host/db pw', 'no end'])
})

test('the last lines are kept for messages', () => {
  const log = new ServiceLog(path.join(tempProject({}), 'api.log'), [])
  expect(log.lastLines).toBe('')
  for (let n = 1; n <= 40; n++) log.append('stdout', `line ${n}\n`)
  expect(log.lastLines.split('\n')).toHaveLength(30)
  expect(log.lastLines).toMatch(/^ {4}line 11\n.* {4}line 40$/s)
  log.close()
})

test('a log that cannot be written costs nothing but the log', () => {
  const log = new ServiceLog(path.join(tempProject({}), 'package.json', 'api.log'), [])
  log.append('stdout', 'hello\n')
  expect(log.lastLines).toBe('    hello')
  log.close()
})

test('the name of a database tells of what run and day it is', () => {
  const name = nameOf('20261120-080123417-d0344c', 7)
  expect(name).toBe('tiershard_20261120_080123417_d0344c_7')
  expect(timeOf(name)).toBe(Date.UTC(2026, 10, 20, 8, 1, 23))
  expect(timeOf('tiershard_mine')).toBeNull()
  expect(timeOf('shop')).toBeNull()
})
