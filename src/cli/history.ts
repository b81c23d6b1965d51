import path from 'node:path'
import { EXIT } from '../core/verdict.ts'
import { plural } from '../reports/format.ts'
import { tell, type Io } from './io.ts'
import { historyFile } from './prepare.ts'
import { openProject } from './project.ts'
import type { HistoryMergeOptions } from './options.ts'

/** `tiershard history merge`: returns the exit code. */
export async function historyMerge(files: readonly string[], options: HistoryMergeOptions, io: Io): Promise<number> {
  const settings = await openProject(options, io)
  if (settings === null) return EXIT.usage
  const into = options.output === undefined ? historyFile(settings) : path.resolve(io.cwd, options.output)
  const { mergeHistories } = await import('../history/index.ts')
  const merged = await mergeHistories(
    into,
    files.map((file) => path.resolve(io.cwd, file)),
  )
  if (!merged.ok) {
    tell(io, merged.message)
    return EXIT.usage
  }
  io.stdout.write(`${into}: ${plural(merged.runs, 'run')}, ${plural(merged.tests, 'test')}\n`)
  return EXIT.passed
}
