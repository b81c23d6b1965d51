import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import path from 'node:path'
import type { Summary } from '../src/reports/summary.ts'

export const ROOT = path.join(import.meta.dirname, '..')

/**
 * Runs tiers of the project by the built command, with its output shown. The summary is that of this very run, which
 * `reports/latest` need not be; null when it ended before it had one.
 */
export async function runTiers(
  tiers: readonly string[],
  limitMs: number,
  options: readonly string[] = [],
): Promise<{ readonly code: number; readonly summary: Summary | null }> {
  const args = ['tiershard', 'run', '--tier', tiers.join(','), '--json', ...options]
  const child = spawn('npx', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'], timeout: limitMs })
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => resolve(127))
    child.on('close', (code) => resolve(code ?? 1))
  })
  const [code, said] = await Promise.all([ended, text(child.stdout)])
  try {
    return { code, summary: JSON.parse(said) as Summary }
  } catch {
    return { code, summary: null }
  }
}
