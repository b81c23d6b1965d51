import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { linkPackages } from '../suites/support/isolation/project.ts'

export interface Project extends Disposable {
  readonly folder: string
}

/** What one generated test file does. */
export interface Load {
  readonly tests: number
  /** Commands sent one after the other in each test: round trips, the usual work of such a suite. */
  readonly commands: number
  /** Waiting for Redis in each test (BLPOP on an empty list), ms: what suites do while jobs and windows run out. */
  readonly waitMs: number
}

/** Forty like files: about 0.3 s of tests each, half of it work and half waiting. */
export const EVEN: readonly Load[] = Array.from({ length: 40 }, () => ({ tests: 5, commands: 120, waitMs: 30 }))

/** Forty files as real suites have them: a few take most of the time (1/rank, 12 s for the first, 51 s in all). */
export const SKEWED: readonly Load[] = Array.from({ length: 40 }, (_, rank) => ({
  tests: 4,
  commands: 40,
  waitMs: Math.round(3_000 / (rank + 1)),
}))

export const TRIVIAL: readonly Load[] = [{ tests: 1, commands: 2, waitMs: 0 }]

/**
 * A throw-away project that both vitest and tiershard run.
 *
 * @param naming files are named by a hash of it: `vitest --shard` distributes by name, and one name more or less decides
 *   which long files meet in a shard
 */
export function createProject(loads: readonly Load[], naming = 'bench'): Project {
  const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-bench-'))
  linkPackages(folder, ['vitest', 'ioredis'])
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
  writeFileSync(
    path.join(folder, 'vitest.config.ts'),
    `import { defineConfig } from 'vitest/config'\n\nexport default defineConfig({ test: { testTimeout: 60_000 } })\n`,
  )
  const suite = path.join(folder, 'suites', 'standard')
  mkdirSync(suite, { recursive: true })
  for (const [n, load] of loads.entries()) {
    const name = fileName(naming, n)
    writeFileSync(path.join(suite, `${name}.test.ts`), source(name, load))
  }
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

function fileName(naming: string, n: number): string {
  return `work-${createHash('sha256').update(`${naming} ${n}`).digest('hex').slice(0, 8)}`
}

/**
 * The naming with which `vitest --shard` does neither well nor badly: the middle one of 99 by its longest shard. vitest
 * sorts files by the SHA-1 of their paths and cuts the list into equal parts.
 */
export function typicalNaming(loads: readonly Load[], shards: number): string {
  const longestShard = (naming: string): number => {
    const files = loads
      .map(({ tests, waitMs }, n) => ({ ms: tests * waitMs, path: `/suites/standard/${fileName(naming, n)}.test.ts` }))
      .map((file) => ({ ...file, hash: createHash('sha1').update(file.path).digest('hex') }))
      .toSorted((a, b) => (a.hash < b.hash ? -1 : 1))
    const size = Math.ceil(files.length / shards)
    const sums = Array.from({ length: shards }, (_, shard) =>
      files.slice(shard * size, (shard + 1) * size).reduce((sum, file) => sum + file.ms, 0),
    )
    return Math.max(...sums)
  }
  const namings = Array.from({ length: 99 }, (_, n) => `naming ${n}`)
  return namings.toSorted((a, b) => longestShard(a) - longestShard(b))[49]!
}

function source(name: string, { tests, commands, waitMs }: Load): string {
  return `import { afterAll, expect, test } from 'vitest'
import { Redis } from 'ioredis'

const redis = new Redis(process.env.REDIS_URL)
afterAll(() => redis.quit())

test.each(Array.from({ length: ${tests} }, (_, n) => n))('work %s', async (n) => {
  const key = '${name}:' + n
  await redis.del(key)
  for (let i = 0; i < ${commands}; i += 2) {
    await redis.hincrby(key, 'field', 1)
    await redis.pexpire(key, 60_000)
  }
  expect(await redis.hget(key, 'field')).toBe('${commands / 2}')
  ${waitMs > 0 ? `expect(await redis.blpop(key + ':nothing', ${waitMs / 1_000})).toBeNull()` : ''}
})
`
}
