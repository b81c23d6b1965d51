import * as v from 'valibot'
import type { Duration } from './define.ts'
import { LONGEST_MS, MAX_COUNT, MAX_DATABASE, MAX_RETRIES, MAX_SHARDS } from './limits.ts'
import { placeholdersIn } from '../core/placeholders.ts'
import { PLACEHOLDERS } from './placeholders.ts'
import {
  choice,
  didYouMean,
  duration,
  durationForm,
  durationHint,
  integer,
  leaf,
  RESERVED_KEYS,
  toMs,
} from './leaves.ts'
import { nearest } from './nearest.ts'
import { anyText, service, serviceName } from './service-schema.ts'
import { parseSource, SOURCE_FORMS, WORDS } from './source.ts'

/**
 * The schema of a config. It checks values; names that it does not know are found by `strayKeys` in check.ts, because
 * valibot's strict objects stop at the first one.
 *
 * The message of every issue is what was expected, and after a line break, where there is one, a hint.
 */

function name(what: string) {
  return leaf<string>(
    `a name for the ${what}: letters, digits and - _ . /, starting with a letter or digit`,
    (input) => typeof input === 'string' && /^[A-Za-z0-9][\w./-]*$/.test(input) && !RESERVED_KEYS.has(input),
  )
}

export const ENGINES = ['vitest', 'command'] as const

const glob = leaf<string>(
  'a glob inside the project, relative to the folder of the config file, with forward slashes',
  (input) => typeof input === 'string' && globOffence(input) === null,
  (input) => (typeof input === 'string' ? globOffence(input) : null),
)

/** Why a glob cannot be one of this project's; null when it can. */
function globOffence(text: string): string | null {
  if (text.trim() === '') return 'it is empty'
  if (text.startsWith('!')) return `files to leave out go into exclude: '${text.slice(1)}'`
  if (/^[/\\]|^[A-Za-z]:/.test(text)) return 'write it relative to the folder of the config file'
  if (text.split(/[/\\{},()|]/).includes('..')) return 'it leads out of the project: files outside of it cannot be run'
  if (/\\[^\\*?[\]{}()!+@|]/.test(text)) return `write it with forward slashes: '${text.replaceAll('\\', '/')}'`
  return null
}

function globs() {
  return v.pipe(
    leaf<string | readonly string[]>(
      'a glob or a list of globs',
      (input) => typeof input === 'string' || Array.isArray(input),
    ),
    v.transform((input) => (typeof input === 'string' ? [input] : [...input])),
    v.array(glob),
  )
}

const someGlobs = v.pipe(globs(), v.nonEmpty('at least one glob\nthe list is empty: no file would belong to the suite'))

/** Variables that the run sets itself. */
const OWN_VARIABLE =
  /^(TIERSHARD_.*|REDIS_(URL|HOST|PORT|DB|USERNAME|PASSWORD|KEY_PREFIX|SOCKET|SENTINELS|SENTINEL_MASTER|TLS_(CA|CERT|KEY|SERVERNAME)))$/

const variable = leaf<string>(
  'the name of an environment variable: letters, digits and _, not one that the run sets itself',
  (input) => typeof input === 'string' && /^[A-Za-z_]\w*$/.test(input) && !OWN_VARIABLE.test(input),
  (input) =>
    typeof input === 'string' && OWN_VARIABLE.test(input)
      ? `${input} is set by the run: every shard has its own value`
      : null,
)

const template = leaf<string>(
  `a text, in which these are filled in: ${PLACEHOLDERS.map((placeholder) => `{${placeholder}}`).join(' ')}`,
  (input) => typeof input === 'string' && !input.includes('\0') && strangePlaceholder(input) === null,
  (input) => {
    if (typeof input === 'number' || typeof input === 'boolean') return `write it as a text: '${input}'`
    if (typeof input !== 'string') return null
    if (input.includes('\0')) return 'no environment variable holds a NUL character'
    const strange = strangePlaceholder(input)
    const near = strange === null ? null : nearest(strange, PLACEHOLDERS)
    return near === null ? null : `did you mean {${near}}?`
  },
)

function strangePlaceholder(text: string): string | null {
  // Those of services depend on the suite: see services.ts.
  const isStrange = (one: string): boolean => !PLACEHOLDERS.includes(one) && !one.startsWith('services.')
  return placeholdersIn(text).find(isStrange) ?? null
}

/** A part of something else: `'25%'`. */
export function toShare(input: unknown): number | null {
  const match = typeof input === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(input) : null
  return match ? Number(match[1]) / 100 : null
}

const timeOrShare = leaf<Duration>(
  `${durationForm}, up to 24h, or a share of the deadline such as '25%', up to 100%`,
  (input) => {
    const share = toShare(input)
    if (share !== null) return share <= 1
    const value = toMs(input)
    return value !== null && value >= 0 && value <= LONGEST_MS
  },
  durationHint,
)

const tier = v.object(
  {
    deadline: v.optional(duration(1)),
    testTimeout: v.optional(duration(1)),
    fileTimeout: v.optional(duration(1)),
    shards: v.optional(integer(1, MAX_SHARDS)),
    retries: v.optional(integer(0, MAX_RETRIES)),
    retryLimit: v.optional(timeOrShare),
    flaky: v.optional(choice(['fail', 'report'])),
    failFast: v.optional(integer(0, MAX_COUNT)),
    slow: v.optional(duration(1)),
    leaks: v.optional(choice(['report', 'fail'])),
  },
  'an object with the options of a tier',
)

/** Which placeholders belong into which command, contradictions.ts says. */
const command = leaf<string | readonly string[]>('a command line, or a list of a program and its arguments', (input) =>
  Array.isArray(input)
    ? input.length > 0 && input[0] !== '' && input.every((word) => typeof word === 'string' && !word.includes('\0'))
    : typeof input === 'string' && input.trim() !== '' && !input.includes('\0'),
)

const suite = v.object(
  {
    tier: leaf<string>('the name of a tier', (input) => typeof input === 'string' && input !== ''),
    files: v.optional(someGlobs),
    exclude: v.optional(globs()),
    engine: v.optional(choice(ENGINES)),
    run: v.optional(command),
    discover: v.optional(command),
    isolation: v.optional(choice(['db', 'server', 'none'])),
    port: v.optional(choice(['free', 'standard'])),
    env: v.optional(v.record(variable, template, 'an object of environment variables')),
    services: v.optional(v.array(anyText, 'a list of services')),
    retries: v.optional(integer(0, MAX_RETRIES)),
  },
  'an object with the options of a suite',
)

const file = leaf<string>('the path of a file', (input) => typeof input === 'string' && input.trim() !== '')

const tls = v.object(
  {
    ca: v.optional(file),
    cert: v.optional(file),
    key: v.optional(file),
    servername: v.optional(
      leaf<string>('a host name', (input) => typeof input === 'string' && /^[\w*-]+(\.[\w-]+)*$/.test(input)),
    ),
  },
  'an object with the options of TLS',
)

/** A name of an object in a cluster (RFC 1123). */
const objectName = leaf<string>(
  'a name in a cluster: small letters, digits, - and .',
  (input) => typeof input === 'string' && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(input),
)

const kubernetes = v.object(
  {
    context: v.optional(leaf<string>('the name of a context', (input) => typeof input === 'string' && input !== '')),
    namespace: v.optional(objectName),
    service: v.optional(objectName),
    statefulset: v.optional(objectName),
    selector: v.optional(
      leaf<string>(
        "labels, such as 'app=redis,tier=cache'",
        (input) => typeof input === 'string' && /^[\w./-]+=[\w.-]+(,[\w./-]+=[\w.-]+)*$/.test(input),
      ),
    ),
    port: v.optional(integer(1, 65_535)),
    route: v.optional(objectName),
    wait: v.optional(duration(0)),
  },
  'an object with the options of kubernetes',
)

const redis = v.object(
  {
    source: v.optional(
      leaf<string>(
        SOURCE_FORMS,
        (input) => typeof input === 'string' && parseSource(input, 'config') !== null,
        (input) => didYouMean(input, WORDS),
      ),
    ),
    control: v.optional(integer(0, MAX_DATABASE)),
    databases: v.optional(
      v.pipe(
        v.array(integer(0, MAX_DATABASE), 'a list of database numbers'),
        v.nonEmpty('at least one database\nleave the option out to use all but the control database'),
      ),
    ),
    wait: v.optional(duration(0)),
    acl: v.optional(choice(['auto', 'off'])),
    patience: v.optional(duration(0)),
    tls: v.optional(tls),
    kubernetes: v.optional(kubernetes),
  },
  'an object with the options of redis',
)

const someText = (what: string) =>
  leaf<string>(what, (input) => typeof input === 'string' && input.trim() !== '' && input.length <= 1000)

const day = leaf<string>(
  "a day such as '2026-12-31', the last one on which the failure is excused",
  (input) => typeof input === 'string' && isDay(input),
  (input) => (input instanceof Date ? "write it as a text: '2026-12-31'" : null),
)

function isDay(text: string): boolean {
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : null
  // 2026-02-30 would become a day in March.
  return date !== null && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

const quarantine = v.object(
  {
    file: v.optional(glob),
    test: v.optional(someText('the full name of a test, or of a group of tests')),
    until: day,
    reason: someText('a text that says why'),
  },
  'an object with file or test, until and reason',
)

const folder = leaf<string>('the path of a folder', (input) => typeof input === 'string' && input.trim() !== '')

export const configSchema = v.object(
  {
    tiers: v.optional(v.record(name('tier'), tier, 'an object of tiers')),
    suites: v.optional(v.record(name('suite'), suite, 'an object of suites')),
    redis: v.optional(redis),
    services: v.optional(v.record(serviceName, service, 'an object of services')),
    quarantine: v.optional(v.array(quarantine, 'a list of known failures')),
    reports: v.optional(folder),
    vitest: v.optional(v.object({ config: v.optional(file) }, 'an object with the options of vitest')),
  },
  'a config object',
)

/**
 * A config that passed: every duration in ms, every list a list. What goes in is `UserConfig`; a test of the checker holds
 * the two together.
 */
export type ParsedConfig = v.InferOutput<typeof configSchema>
