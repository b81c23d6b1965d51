import { existsSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { namesIn } from '../core/files.ts'
import type { Settings } from '../core/settings.ts'
import { checkConfig } from './check.ts'
import { suitesFromFolders } from './folders.ts'
import { toSettings } from './settings.ts'

export type Loaded =
  | { readonly ok: true; readonly settings: Settings; readonly notes: readonly string[] }
  /** The config is wrong; the report is for people, complete, and ends without a line break. */
  | { readonly ok: false; readonly report: string }

/** The config files that are looked for, in this order. */
export const CONFIG_NAMES = ['ts', 'mts', 'js', 'mjs'].map((ending) => `tiershard.config.${ending}`)

/** Longest time that a config may take to load (it is code, and may wait for something), ms. */
const LOAD_LIMIT_MS = 30_000

/**
 * Reads the config of a project and fills in the defaults. Without `configPath` the config is looked for in `cwd` only,
 * never in a folder above it; without any, the defaults hold and the suites are those in `suites/<tier>/`.
 */
export async function loadSettings(options: {
  readonly cwd: string
  readonly configPath: string | null
}): Promise<Loaded> {
  const { cwd, configPath } = options
  const { file, notes } = find(cwd, configPath)
  if (file === null) {
    const place = { root: cwd, configFile: null }
    return { ok: true, settings: toSettings({}, place, (tiers) => suitesFromFolders(cwd, tiers)), notes }
  }
  const stats = statSync(file, { throwIfNoEntry: false })
  if (!stats?.isFile()) {
    const what = stats ? `${file} is not a file, and no config.` : `There is no config file ${file}.`
    return { ok: false, report: `${what}${configPath === null ? '' : ' Check the path given to --config.'}` }
  }
  const loading = await load(file)
  if (!loading.ok) {
    const { reportLoadFailure } = await import('./failure.ts')
    return { ok: false, report: reportLoadFailure(file, loading.error, cwd) }
  }
  // As vitest and Node name it: the files of a folder that was reached by a link have other paths.
  const root = realpathSync(path.dirname(file))
  const checked = checkConfig(loading.value, root)
  if (!checked.ok) {
    const { reportMistakes } = await import('./report.ts')
    return { ok: false, report: reportMistakes(file, checked.mistakes, cwd) }
  }
  const place = { root, configFile: file }
  return { ok: true, settings: toSettings(checked.config, place, (tiers) => suitesFromFolders(root, tiers)), notes }
}

function find(cwd: string, configPath: string | null): { file: string | null; notes: string[] } {
  if (configPath !== null) return { file: path.resolve(cwd, configPath), notes: [] }
  const [used, ...others] = CONFIG_NAMES.filter((name) => existsSync(path.join(cwd, name)))
  if (used) {
    const notes = others.map((name) => `${used} is used; ${name} beside it is ignored`)
    return { file: path.join(cwd, used), notes }
  }
  return { file: null, notes: misplaced(cwd) }
}

/** A config that nobody reads is a surprise: one with another ending, or one in a folder above. */
function misplaced(cwd: string): string[] {
  const odd = namesIn(cwd).find((name) => name.startsWith('tiershard.config.'))
  if (odd) return [`${odd} is not read: a config is ${CONFIG_NAMES.join(', ')}`]
  for (let folder = path.dirname(cwd), last = cwd; folder !== last; last = folder, folder = path.dirname(folder)) {
    const name = CONFIG_NAMES.find((candidate) => existsSync(path.join(folder, candidate)))
    if (name) return [`no config here; there is one in ${folder}: run tiershard there, or give --config`]
  }
  return []
}

type Loading = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

async function load(file: string): Promise<Loading> {
  const { promise: limit, resolve } = Promise.withResolvers<Loading>()
  const message = `still loading after ${LOAD_LIMIT_MS / 1000} s: does it wait for something at the top level?`
  const timer = setTimeout(() => resolve({ ok: false, error: new Error(message) }), LOAD_LIMIT_MS)
  const restore = withoutTypeWarnings()
  try {
    const url = pathToFileURL(file).href
    const load = (import(url) as Promise<{ default?: unknown }>).then((module): Loading => {
      if ('default' in module) return { ok: true, value: module.default }
      return { ok: false, error: new Error('it has no default export: export default defineConfig({ ... })') }
    })
    return await Promise.race([load, limit])
  } catch (error) {
    return { ok: false, error }
  } finally {
    clearTimeout(timer)
    restore()
  }
}

/** Node's remarks on type stripping and on a package without "type" are not for the user of a config: keeps them out. */
function withoutTypeWarnings(): () => void {
  const original = process.emitWarning.bind(process)
  const quiet = (warning: string | Error, ...rest: unknown[]): void => {
    const text = String(warning)
    if (text.includes('Type Stripping') || text.includes('Module type of ')) return
    Reflect.apply(original, process, [warning, ...rest])
  }
  process.emitWarning = quiet
  return () => {
    process.emitWarning = original
  }
}
