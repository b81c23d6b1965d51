import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Stamped } from '../../../src/core/events.ts'
import type { Manner, Visit } from './visit.ts'

const repository = path.join(import.meta.dirname, '..', '..', '..')
const MANNERS: readonly Manner[] = ['polite', 'dies slowly', 'leaks']
/** So many of the files leave a daemon instead, which costs a process each. */
const DAEMON_EVERY = 20

/** A throw-away vitest project whose files look for strangers in their database. */
export interface StrangersProject {
  readonly folder: string
  /** Environment that its runs need. */
  readonly env: Readonly<Record<string, string>>
  /** What its tests saw so far; `clear` begins anew. */
  visits(): Visit[]
  clear(): void
  /** Lets the files go on that wait at the gate. */
  openGate(): void
  /** The journals of its runs so far, oldest first. */
  journals(): Stamped[][]
  remove(): void
}

export function writeStrangersProject(options: { files: number; workers: number; gate?: boolean }): StrangersProject {
  const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-strangers-'))
  const suite = path.join(folder, 'suites', 'standard')
  mkdirSync(suite, { recursive: true })
  linkPackages(folder, ['vitest', 'ioredis'])
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module", "private": true }\n')
  writeFileSync(path.join(folder, 'vitest.config.ts'), vitestConfig(options.workers))
  copyFileSync(path.join(import.meta.dirname, 'visit.ts'), path.join(folder, 'visit.ts'))
  for (let n = 0; n < options.files; n++) {
    const name = `guest-${String(n).padStart(3, '0')}`
    const source = `import { visit } from '../../visit.ts'\n\nvisit('${name}', '${mannerOf(n)}')\n`
    writeFileSync(path.join(suite, `${name}.test.ts`), source)
  }

  const log = path.join(folder, 'visits.ndjson')
  const gate = path.join(folder, 'gate')
  const clear = (): void => writeFileSync(log, '')
  clear()
  return {
    folder,
    env: { STRANGERS_LOG: log, ...(options.gate ? { STRANGERS_GATE: gate } : {}) },
    visits: () => readLines<Visit>(log),
    clear,
    openGate: () => writeFileSync(gate, ''),
    journals: () =>
      journalFiles(path.join(folder, 'reports'))
        .map((file) => readLines<Stamped>(file))
        .toSorted((a, b) => (a[0]?.at ?? 0) - (b[0]?.at ?? 0)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function mannerOf(n: number): Manner {
  return n % DAEMON_EVERY === 10 ? 'daemonises' : MANNERS[n % MANNERS.length]!
}

/** Makes packages of this repository importable in a folder outside of it. */
export function linkPackages(folder: string, packages: readonly string[]): void {
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true })
  for (const name of packages) {
    symlinkSync(path.join(repository, 'node_modules', name), path.join(folder, 'node_modules', name), 'dir')
  }
}

function vitestConfig(workers: number): string {
  return `import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: ['suites/**/*.test.ts'], pool: 'forks', maxWorkers: ${workers}, hookTimeout: 300_000 },
})
`
}

function journalFiles(reports: string): string[] {
  if (!existsSync(reports)) return []
  // `latest` is a link, and no directory here.
  return readdirSync(reports, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(reports, entry.name, 'journal.ndjson'))
}

/** Complete lines only: the file may be growing. */
function readLines<T>(file: string): T[] {
  if (!existsSync(file)) return []
  const text = readFileSync(file, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
