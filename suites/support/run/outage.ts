import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Stamped } from '../../../src/core/events.ts'
import type { Summary } from '../../../src/reports/summary.ts'
import { startTiershard, vitestProject, type Started } from '../cli/binary.ts'
import { appeared } from '../cli/project.ts'

/**
 * Writes until a write fails, and the test with it. When it runs again, one write has to do. `started` appears once it
 * writes, so that whoever breaks the server does so in the middle of the test.
 */
const WRITES = `import { existsSync, writeFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { test } from 'vitest'
const started = new URL('../../../started', import.meta.url)
test('writes', { timeout: 120_000 }, async () => {
  const redis = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: 0, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    await redis.set('key', 'value')
    if (existsSync(started)) return
    writeFileSync(started, 'now')
    for (;;) await redis.set('key', 'value')
  } finally {
    redis.disconnect()
  }
})\n`

const WRITES_ONCE = `import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
test('writes once', async () => {
  const redis = new Redis(process.env.REDIS_URL)
  expect(await redis.dbsize()).toBe(0)
  await redis.set('key', 'value')
  redis.disconnect()
})\n`

/** A run of two files on one shard, the first of which is in the middle of its test. */
export interface Underway {
  readonly cwd: string
  readonly run: Started
}

/** @param patience how long the run waits for its server, as the config writes it */
export async function runUnderway(url: string, patience: string): Promise<Underway> {
  const cwd = outageProject(patience)
  const run = startTiershard(cwd, ['run', '--tier', 'standard', '--shards', '1', '--redis', url])
  await Promise.race([
    appeared(path.join(cwd, 'started')),
    run.finished.then(({ stdout }) => Promise.reject(new Error(stdout))),
  ])
  return { cwd, run }
}

export function outageProject(patience: string): string {
  return vitestProject({
    'tiershard.config.js': `export default { redis: { patience: '${patience}' } }\n`,
    // Of unknown files the larger goes first.
    'suites/standard/a/first.test.js': WRITES,
    'suites/standard/a/second.test.js': WRITES_ONCE,
  })
}

export function journalOf(cwd: string): Stamped[] {
  const lines = readFileSync(path.join(cwd, 'reports/latest/journal.ndjson'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Stamped)
}

export function summaryOf(cwd: string): Summary {
  return JSON.parse(readFileSync(path.join(cwd, 'reports/latest/summary.json'), 'utf8')) as Summary
}

/** What happened, in order: pauses, starts and ends of files. */
export function story(cwd: string): string[] {
  return journalOf(cwd).flatMap((event) => {
    if (event.type === 'file-started') return [`${nameOf(event.file)} starts`]
    if (event.type === 'file-ended') return [`${nameOf(event.file)} ${event.ending.kind}`]
    if (event.type === 'dispatch-paused') return [`paused: ${event.cause.code}`]
    return event.type === 'dispatch-resumed' ? ['resumed'] : []
  })
}

function nameOf(file: string): string {
  return path.basename(file, '.test.js')
}
