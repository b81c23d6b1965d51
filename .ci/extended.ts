/** `npm run test:extended`: the extended tier, where nothing may be skipped. Ends with one line of totals. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Summary } from '../src/reports/summary.ts'

const root = path.join(import.meta.dirname, '..')
const { status } = spawnSync('npx', ['tiershard', 'run', '--tier', 'extended'], { cwd: root, stdio: 'inherit' })
const summary = JSON.parse(readFileSync(path.join(root, 'reports', 'latest', 'summary.json'), 'utf8')) as Summary
const { passed, failed, skipped, notRun } = summary.counts
const bad = failed + notRun + skipped
if (skipped > 0) console.log(`${skipped} tests of the extended tier were skipped; here nothing may be`)
console.log(`\n${passed} passed, ${status === 0 || bad > 0 ? bad : 1} failed, 0 skipped`)
process.exitCode = status === 0 && bad === 0 ? 0 : 1
