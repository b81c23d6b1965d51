import { existsSync, readFileSync, watch } from 'node:fs'
import path from 'node:path'
import { vitestProject } from './binary.ts'

export const IMPORTS = `import { expect, test } from 'vitest'\n`
export const PASSES = `${IMPORTS}test('passes', () => expect(1).toBe(1))\n`
export const FAILS = `${IMPORTS}test('fails', () => expect(1).toBe(2))\n`
/** Leaves its process id in `hanging`, and goes on until it is ended. */
export const HANGS = `${IMPORTS}import { writeFileSync } from 'node:fs'
test('hangs', { timeout: 600_000 }, async () => {
  writeFileSync(new URL('../../../hanging', import.meta.url), String(process.pid))
  await new Promise(() => setInterval(() => {}, 1000))
})\n`

const WITHOUT_REDIS = `export default {
  suites: { main: { tier: 'fast', files: 'suites/fast/**/*.test.ts', isolation: 'none' } },
}\n`

/** A vitest project with one suite, in tier fast, that needs no Redis. */
export function project(files: Readonly<Record<string, string>>): string {
  return vitestProject({ 'tiershard.config.js': WITHOUT_REDIS, ...files })
}

/** The summary of the newest run. */
export function summary(cwd: string): { verdict: string; exitCode: number } {
  return JSON.parse(readFileSync(path.join(cwd, 'reports/latest/summary.json'), 'utf8')) as never
}

/** The process that runs the test of {@link HANGS}. */
export function pidIn(cwd: string): number {
  return Number(readFileSync(path.join(cwd, 'hanging'), 'utf8'))
}

/** Resolves when something is in a file; the test's own timeout limits the wait. */
export async function appeared(file: string): Promise<void> {
  // Attached before the first look: what is written between a look and the attaching would never be seen.
  const changes = watch(path.dirname(file))
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (isWritten(file)) resolve()
      }
      changes.on('change', look).once('error', reject)
      look()
    })
  } finally {
    changes.close()
  }
}

function isWritten(file: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8') !== ''
}
