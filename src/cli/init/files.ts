import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { runnerOf, VITEST, type Runner } from './runners.ts'

/** The files of a project that `tiershard init` looks at. */
export interface Findings {
  readonly tests: readonly TestFile[]
  /** Configs of vitest, in any folder but those of tests, where they are fixtures. */
  readonly vitestConfigs: readonly string[]
}

/** A file with tests. */
export interface TestFile {
  /** Relative, with forward slashes. */
  readonly path: string
  /** The part of its name that says that it has tests. */
  readonly ending: string
  readonly runner: Runner
  readonly usesRedis: boolean
}

/** As vitest finds tests when its config does not say otherwise. */
const TEST_FILE = /\.(?<ending>(?:test|spec)\.[cm]?[jt]sx?)$/

/** Files that a config of vitest may call tests. */
const CODE_FILE = /(?<!\.d)\.(?<ending>[cm]?[jt]sx?)$/
const TEST_FOLDER = /(?:^|\/)(?:tests?|__tests__|spec)\//
const HAS_TESTS = /^\s*(?:describe|it|test)(?:\.\w+)*\s*\(/m

const VITEST_CONFIG = /^vitest\.config\.[cm]?[jt]s$/

const REDIS = /redis|bullmq|valkey/i
/** What says that a file talks to Redis even if no package.json has heard of it. */
const REDIS_IN_USE = /(?:\bfrom|\bimport|\brequire\()\s*['"][^'"]*(?:redis|bullmq|valkey)|rediss?:\/\/|\bREDIS_/

/** Folders without tests of the project; those that begin with a dot as well. */
const OTHERS = new Set(['node_modules', 'dist', 'build', 'coverage', 'vendor'])

/** Projects have some thousand files; a folder with more holds something else. */
const MOST_FILES = 100_000

/** Finds the tests below a folder. Where no file is named like one, vitest's config has a rule of its own: then their text tells. */
export function findFiles(root: string, dependencies: Readonly<Record<string, unknown>>): Findings {
  const all = allFiles(root)
  const text = (file: string): string => textOf(path.join(root, file))
  const manifests = all.filter((file) => path.posix.basename(file) === 'package.json')
  const hasRedis = manifests.some((file) => REDIS.test(text(file)))
  const read = (file: string, pattern: RegExp): (TestFile & { readonly text: string })[] => {
    const ending = pattern.exec(file)?.groups?.['ending']
    if (ending === undefined) return []
    const content = text(file)
    const usesRedis = hasRedis ? REDIS.test(content) : REDIS_IN_USE.test(content)
    return [{ path: file, ending, runner: runnerOf(content, dependencies), usesRedis, text: content }]
  }
  const named = all.flatMap((file) => read(file, TEST_FILE))
  const tests =
    named.length > 0 || !('vitest' in dependencies)
      ? named
      : all
          .filter((file) => TEST_FOLDER.test(file))
          .flatMap((file) => read(file, CODE_FILE))
          .filter((file) => file.runner === VITEST && HAS_TESTS.test(file.text))
  return {
    tests,
    vitestConfigs: all.filter((file) => VITEST_CONFIG.test(path.posix.basename(file)) && !TEST_FOLDER.test(file)),
  }
}

function allFiles(root: string): string[] {
  const found: string[] = []
  const folders = ['']
  let seen = 0
  for (let folder = folders.pop(); folder !== undefined && seen < MOST_FILES; folder = folders.pop()) {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      seen++
      const place = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && !entry.name.startsWith('.') && !OTHERS.has(entry.name)) folders.push(place)
      else if (entry.isFile()) found.push(place)
    }
  }
  return found
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
