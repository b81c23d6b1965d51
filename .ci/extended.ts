/**
 * `npm run test:extended`: the extended tier, where nothing may be skipped. With TIERSHARD_FULL_SIZE=1 in its full size, as
 * every night. Ends with one line of totals.
 */
import { runTiers } from './tiershard.ts'

/** The tier has a deadline of its own, which tiershard.config.ts sets for the full size. */
const LIMIT_MS = (process.env['TIERSHARD_FULL_SIZE'] === '1' ? 110 : 40) * 60_000

const { code, summary } = await runTiers(['extended'], LIMIT_MS)
const { passed = 0, failed = 0, skipped = 0, notRun = 0 } = summary?.counts ?? {}
const bad = failed + notRun + skipped
if (skipped > 0) console.log(`${skipped} tests of the extended tier were skipped; here nothing may be`)
console.log(`\n${passed} passed, ${code === 0 || bad > 0 ? bad : 1} failed, 0 skipped`)
process.exitCode = code === 0 && bad === 0 && passed > 0 ? 0 : 1
