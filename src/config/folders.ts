import { readdirSync, type Dirent } from 'node:fs'
import path from 'node:path'
import type { SuiteSettings } from '../core/settings.ts'

/** What vitest takes as a test file by default. */
const TEST_FILE = /\.(test|spec)\.[cm]?[jt]sx?$/
const TEST_GLOB = '*.{test,spec}.?(c|m)[jt]s?(x)'

/**
 * The suites of a project whose config names none: in `suites/<tier>/`, each folder with test files in it is a suite,
 * named `<tier>/<folder>`, and the files beside the folders are one more, named `<tier>`. Every suite gets databases.
 */
export function suitesFromFolders(root: string, tiers: readonly string[]): SuiteSettings[] {
  return tiers.flatMap((tier) => {
    const folder = path.join(root, 'suites', tier)
    const entries = list(folder)
    const own = entries.some((entry) => entry.isFile() && TEST_FILE.test(entry.name))
    const below = entries
      .filter((entry) => entry.isDirectory() && holdsTests(path.join(folder, entry.name)))
      .map((entry) => entry.name)
      .toSorted()
    return [
      ...(own ? [suite(tier, tier, `suites/${literal(tier)}/${TEST_GLOB}`)] : []),
      ...below.map((name) =>
        suite(`${tier}/${name}`, tier, `suites/${literal(tier)}/${literal(name)}/**/${TEST_GLOB}`),
      ),
    ]
  })
}

function suite(name: string, tier: string, glob: string): SuiteSettings {
  return { name, tier, files: [glob], exclude: [], engine: 'vitest', isolation: 'db', env: {} }
}

function holdsTests(folder: string): boolean {
  const entries = list(folder)
  return (
    entries.some((entry) => entry.isFile() && TEST_FILE.test(entry.name)) ||
    entries.some((entry) => entry.isDirectory() && holdsTests(path.join(folder, entry.name)))
  )
}

/** A folder's entries; none when it is missing or cannot be read, and never packages. */
function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.name !== 'node_modules')
  } catch {
    return []
  }
}

/** A folder's name as a glob that matches only it. */
function literal(name: string): string {
  return name.replaceAll(/[\\*?[\]{}()!+@|]/g, String.raw`\$&`)
}
