import type { RunMeta, SliceMark, Stamped } from '../../../src/core/events.ts'
import { foldAll, type RunRecord } from '../../../src/core/record.ts'
import { settle } from '../../../src/core/settle.ts'
import { slices } from '../../../src/core/slices.ts'

/** A slice of three of a plan of six files, but for what is given. */
export function aSlice(mark: Partial<SliceMark> = {}): SliceMark {
  return { index: 1, of: 3, files: 6, plan: 'plan-one', history: 'history-one', ...mark }
}

/** The id of the run of a slice, from 0. */
export function sliceRun(at: number): string {
  return `20261120-060000-slice${at + 1}`
}

/**
 * The journals that a run would have left if its files had run as slices on nodes of their own. What belongs to no file
 * (errors of the engine, causes, notices) happens on the first node.
 */
export function asSlices(events: readonly Stamped[], of: number, meta: Partial<RunMeta> = {}): Stamped[][] {
  const cuts = new Map<string, ReadonlyMap<string, number>>()
  let files = 0
  for (const event of events) {
    if (event.type !== 'tier-planned') continue
    cuts.set(event.tier, slices(event.files, of).of)
    files += event.files.length
  }
  return Array.from({ length: of }, (_, at) =>
    events.flatMap((event): Stamped[] => {
      const { type } = event
      if (type === 'run-started') {
        return [{ ...event, ...meta, run: sliceRun(at), slice: aSlice({ index: at + 1, of, files }) }]
      }
      if (type === 'tier-planned') {
        return [{ ...event, files: event.files.filter(({ id }) => cuts.get(event.tier)!.get(id) === at) }]
      }
      // The code of a part is another one than that of the whole: 0, which says nothing worse.
      if (type === 'run-ended') return [{ ...event, exitCode: 0 }]
      if (type === 'stray-error' || type === 'infrastructure' || type === 'notice') return at === 0 ? [event] : []
      return 'file' in event && cuts.get(event.tier)?.get(event.file) !== at ? [] : [event]
    }),
  )
}

/** The runs of {@link asSlices}, as they are read. */
export function sliceRecords(events: readonly Stamped[], of: number, meta: Partial<RunMeta> = {}): RunRecord[] {
  return asSlices(events, of, meta).map((part) => settle(foldAll(part)))
}
