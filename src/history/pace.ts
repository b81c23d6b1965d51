import { median } from '../core/quantile.ts'

/**
 * The pace of a run: how long its machine took for a test compared with what that test usually takes, 1.5 for half as
 * long again. It is the median over the tests, so that one slower test moves it by nothing. Dividing the run's times by
 * it leaves what the machine was not to blame for.
 */

/** Below this many tests with a past, the pace of a run is not known: a real change of a few tests would pass for it. */
const TESTS_NEEDED = 10

/** A test with fewer samples has no usual time. */
const SAMPLES_NEEDED = 5

/** Times are whole ms: of shorter tests the rounding is all that a ratio shows. */
const SHORTEST_MS = 5

/** So many tests are asked at most: more would not move the median. */
const TESTS_ASKED = 2000

/** One sample of a test: by which run, and its time, ms. */
export interface Timing {
  readonly run: number
  readonly ms: number
}

/**
 * The pace of every run for which it is known.
 *
 * @param tests the samples of each test, on one class of machine
 */
export function paces(tests: readonly (readonly Timing[])[]): Map<number, number> {
  const usable = tests
    .filter((samples) => samples.length >= SAMPLES_NEEDED)
    .map((samples) => ({ samples, usual: median(samples.map(({ ms }) => ms)) }))
    .filter(({ usual }) => usual >= SHORTEST_MS)
  const step = Math.max(1, Math.floor(usable.length / TESTS_ASKED))
  const ratios = new Map<number, number[]>()
  for (let i = 0; i < usable.length; i += step) {
    const { samples, usual } = usable[i]!
    for (const { run, ms } of samples) {
      const list = ratios.get(run)
      if (list) list.push(ms / usual)
      else ratios.set(run, [ms / usual])
    }
  }
  const known = [...ratios].filter(([, list]) => list.length >= TESTS_NEEDED)
  return new Map(known.map(([run, list]) => [run, median(list)] as const).filter(([, pace]) => pace > 0))
}
