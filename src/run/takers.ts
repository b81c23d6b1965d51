import picomatch from 'picomatch'
import { placeholdersOf } from '../core/command.ts'
import type { DiscoveredFile } from '../core/ports.ts'
import type { CommandSuite, SuiteSettings, VitestSuite } from '../core/settings.ts'

export interface Taken {
  readonly file: DiscoveredFile
  readonly suite: SuiteSettings
}

/**
 * A file belongs to the first suite of the tier that takes it, whatever their engines, so that a last suite can take the
 * rest. What a command's suite has found is its own; what vitest has found goes by the globs.
 *
 * @param suites those of one tier, in the order of the config
 */
export function takeFiles(suites: readonly SuiteSettings[], found: readonly DiscoveredFile[]): Taken[] {
  const takes = suites.map((suite) => {
    const matches = suite.engine === 'vitest' ? suiteMatcher(suite) : null
    return (file: DiscoveredFile): boolean =>
      file.suite === undefined ? (matches?.(file.path) ?? false) : file.suite === suite.name
  })
  const claims = found.flatMap((file) => {
    const at = takes.findIndex((isTaken) => isTaken(file))
    return at === -1 ? [] : [{ file, at }]
  })
  const first = new Map<string, number>()
  for (const { file, at } of claims) first.set(file.path, Math.min(at, first.get(file.path) ?? at))
  return claims
    .filter(({ file, at }) => first.get(file.path) === at)
    .map(({ file, at }) => ({ file, suite: suites[at]! }))
}

/** Warnings for suites that have found files, none of which is left for them. */
export function emptied(
  suites: readonly SuiteSettings[],
  found: readonly DiscoveredFile[],
  taken: readonly Taken[],
): string[] {
  return suites.flatMap(({ name }) => {
    const own = found.filter((file) => file.suite === name).length
    if (own === 0 || taken.some(({ suite }) => suite.name === name)) return []
    return [
      `suite ${name} is empty: all of its ${own} ${own === 1 ? 'file belongs' : 'files belong'} to suites before it`,
    ]
  })
}

export function suiteMatcher(suite: Pick<SuiteSettings, 'files' | 'exclude'>): (path: string) => boolean {
  return picomatch([...suite.files], { ignore: [...suite.exclude], dot: true })
}

export function isVitest(suite: SuiteSettings): suite is VitestSuite {
  return suite.engine === 'vitest'
}

export function isCommand(suite: SuiteSettings): suite is CommandSuite {
  return suite.engine === 'command'
}

/** Why tests cannot be selected by name in all of these suites; null: they can. */
export function deafToNames(suites: readonly SuiteSettings[]): string | null {
  const deaf = suites.filter(isCommand).filter(({ run }) => !placeholdersOf(run).has('testName'))
  if (deaf.length === 0) return null
  const names = deaf.map(({ name }) => name).join(', ')
  return (
    `--test-name cannot be told to the command of suite ${names}: its run has no {testName}. Add it where the runner takes ` +
    `a name, as one word (pytest: -k{testName}; node: --test-name-pattern={testName}), or name FILES of other suites.`
  )
}
