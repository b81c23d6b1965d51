import path from 'node:path'
import { placeholdersIn } from '../core/placeholders.ts'
import { circleOf, needRedis, needsOf, REDIS, withNeeds } from '../core/services.ts'
import type { CommandService, PostgresService, ReadyCheck, ServiceLife, ServiceSettings } from '../core/services.ts'
import { splitCommand } from './command.ts'
import { isObject, objectAt, show, wrong, type Mistake } from './mistake.ts'
import { nearest } from './nearest.ts'
import { PLACEHOLDERS } from './placeholders.ts'
import type { ParsedService } from './service-schema.ts'

/** The part of a config that is about services: what goes together, and what it means. */

/** What other services and suites may ask of a service, behind its name. */
const VALUES: Readonly<Record<ServiceSettings['kind'], readonly string[]>> = {
  command: ['url', 'host', 'port'],
  postgres: ['url', 'host', 'port', 'database', 'user', 'password'],
}
/** How wide a life is. */
const WIDTH: readonly ServiceLife[] = ['file', 'shard', 'run']
const READY_LIMIT_MS = 30_000
const SETUP_LIMIT_MS = 60_000

type Given = Readonly<Record<string, unknown>>
/** All services by name, as they were given. */
type Known = ReadonlyMap<string, Given>

/** What no single value of the services can show, and what suites make of them. */
export function serviceContradictions(config: Given): Mistake[] {
  const services = objectAt(config['services'])
  const all = Object.entries(services).map(([name, value]) => ({ name, given: objectAt(value) }))
  const known = new Map(all.map(({ name, given }) => [name, given]))
  const needs = needsOf(all.map(({ name, given }) => ({ name, needs: textsOf(given['needs']) as [] })))
  return [
    ...all.flatMap(({ name, given }) => ownMistakes(name, given)),
    ...all.flatMap(({ name, given }) => [
      ...strangers(['services', name, 'needs'], given['needs'], [...known.keys(), REDIS], name),
      ...circle(name, needs),
      ...tooWide(name, given, services, needs),
      ...templates(name, given).flatMap(([place, text, isContent]) =>
        strangePlaceholders(place, text, {
          given,
          known,
          needs: withNeeds([name], needs),
          name,
          life: lifeOf(name, services, needs),
          isContent,
          redis: textsOf(given['needs']).includes(REDIS),
        }),
      ),
    ]),
    ...suiteMistakes(objectAt(config['suites']), known, needs),
  ]
}

/** The life of a service that does not say: that of what it needs. */
function lifeOf(name: string, services: Given, needs: ReadonlyMap<string, readonly string[]>): ServiceLife {
  const given = objectAt(services[name])
  if (WIDTH.includes(given['per'] as ServiceLife)) return given['per'] as ServiceLife
  if (given['kind'] === 'postgres' || needRedis([name], needs)) return 'file'
  if (circleOf(name, needs) !== null) return 'run'
  const others = withNeeds([name], needs).filter((other) => other !== name && other in services)
  return others.some((other) => lifeOf(other, services, needs) !== 'run') ? 'file' : 'run'
}

function ownMistakes(name: string, given: Given): Mistake[] {
  const place = ['services', name]
  const found: Mistake[] = []
  if (name === REDIS) {
    found.push(wrong(place, 'key', `"${REDIS}" is the tests' Redis`, 'another name', `'${REDIS}'`, null))
  }
  if (given['kind'] !== 'command') return found
  const { ready, port } = given
  const checks = isObject(ready) ? READY_KINDS.filter((kind) => ready[kind] !== undefined) : []
  if (isObject(ready) && checks.length !== 1) {
    const shown = checks.length === 0 ? 'none of them' : checks.join(' and ')
    const problem = `${place.join('.')}.ready does not say what to look at`
    found.push(wrong([...place, 'ready'], 'value', problem, `one of ${READY_KINDS.join(', ')}`, shown, null))
  }
  if (ready === undefined && port === undefined) {
    const expected = `ready: { log: 'listening' }, or a port on which it listens`
    found.push(wrong(place, 'key', 'nothing says when the service is ready', expected, 'neither', null))
  }
  const target = isObject(ready) ? ready['http'] : undefined
  if (port === undefined && (checks[0] === 'tcp' || (typeof target === 'string' && target.startsWith('/')))) {
    const hint = "add port: 'free', and use {port} in its command or environment"
    found.push(wrong([...place, 'ready'], 'value', 'this check needs a port', 'a port', 'none', hint))
  }
  return found
}

const READY_KINDS = ['http', 'tcp', 'log', 'command'] as const

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

function strangers(place: readonly string[], given: unknown, known: readonly string[], self: string | null): Mistake[] {
  return textsOf(given).flatMap((name, at) => {
    const here = [...place, at]
    if (name === self) return []
    if (!known.includes(name)) {
      const near = nearest(name, known)
      const hint = near === null ? null : `did you mean '${near}'?`
      const expected = known.length === 0 ? 'no service: the config defines none' : `one of ${known.join(', ')}`
      return [wrong(here, 'value', `there is no service "${name}"`, expected, `'${name}'`, hint)]
    }
    if (textsOf(given).indexOf(name) === at) return []
    return [wrong(here, 'value', `"${name}" is listed twice`, 'each service once', `'${name}'`, null)]
  })
}

/** A circle is told once, at the first of its services. */
function circle(name: string, needs: ReadonlyMap<string, readonly string[]>): Mistake[] {
  const way = circleOf(name, needs)
  const names = [...needs.keys()]
  if (way === null || way.some((other) => names.indexOf(other) < names.indexOf(name))) return []
  const problem = `services that need each other: ${way.join(' needs ')}`
  return [wrong(['services', name, 'needs'], 'value', problem, 'an order in which they can start', 'a circle', null)]
}

/** What lives longer than what it needs would be left with a database that is gone. */
function tooWide(
  name: string,
  given: Given,
  services: Given,
  needs: ReadonlyMap<string, readonly string[]>,
): Mistake[] {
  const { per, port } = given
  const life = lifeOf(name, services, needs)
  const found: Mistake[] = []
  if (typeof port === 'number' && life !== 'run') {
    const problem = `one port for a service that runs once for every ${life}`
    found.push(wrong(['services', name, 'port'], 'value', problem, `'free'`, show(port), 'and use {port}'))
  }
  if (circleOf(name, needs) !== null) return found
  const limits = [
    ...withNeeds([name], needs)
      .filter((need) => need !== name && need in services)
      .map((need) => [need, lifeOf(need, services, needs)] as const),
    ...(needRedis([name], needs) ? [[REDIS, 'shard'] as const] : []),
  ]
  const short = limits.find(([, limit]) => WIDTH.indexOf(limit) < WIDTH.indexOf(life))
  if (short === undefined) return found
  const allowed = WIDTH.slice(0, WIDTH.indexOf(short[1]) + 1).map((one) => `'${one}'`)
  const problem = `it needs ${short[0]}, which it has for a ${short[1]} at a time`
  return [...found, wrong(['services', name, 'per'], 'value', problem, allowed.join(' or '), show(per), null)]
}

type Template = readonly [place: readonly (string | number)[], text: string, isContent: boolean]

/** Every text of a service in which placeholders are filled in. */
function templates(name: string, given: Given): Template[] {
  if (given['kind'] !== 'command') return []
  const place = ['services', name]
  const { command, ready } = given
  const http = objectAt(ready)['http']
  const check = objectAt(ready)['command']
  const records = (key: string, isContent: boolean): Template[] =>
    Object.entries(objectAt(given[key])).flatMap(([entry, text]): Template[] =>
      typeof text === 'string' ? [[[...place, key, entry], text, isContent]] : [],
    )
  const words = (value: unknown, at: readonly string[]): Template[] =>
    typeof value === 'string'
      ? [[at, value, false]]
      : textsOf(value).map((text, index): Template => [[...at, index], text, false])
  return [
    ...words(command, [...place, 'command']),
    ...records('env', false),
    ...records('files', true),
    ...words(check, [...place, 'ready', 'command']),
    ...(typeof http === 'string' ? [[[...place, 'ready', 'http'], http, false] as const] : []),
  ]
}

interface Around {
  readonly given: Given
  readonly name: string
  readonly life: ServiceLife
  readonly known: Known
  /** All services that it needs, directly or not. */
  readonly needs: readonly string[]
  readonly redis: boolean
  readonly isContent: boolean
}

/** In the content of a file braces may mean something else: only what looks like one of ours is looked at. */
function strangePlaceholders(place: readonly (string | number)[], text: string, around: Around): Mistake[] {
  const { given, name, life, known, needs, redis, isContent } = around
  const allowed = [
    'folder',
    'run',
    ...(life === 'run' ? [] : ['shard']),
    ...(given['port'] === undefined ? [] : ['port']),
    ...Object.keys(objectAt(given['secrets'])).map((secret) => `secrets.${secret}`),
    ...(redis ? PLACEHOLDERS.filter((one) => one.startsWith('redis.')) : []),
    ...needs.filter((need) => need !== name).flatMap((need) => valuesOf(need, known)),
  ]
  const looked = placeholdersIn(text).filter((one) => !isContent || /^(services|redis|secrets)\./.test(one))
  const strange = looked.find((one) => !allowed.includes(one))
  if (strange === undefined) return []
  const hint =
    strange === 'shard'
      ? ALL_SHARDS
      : (lacksPort(strange, known) ?? nearOr(strange, allowed, missingNeed(strange, needs)))
  return [unknownPlaceholder(place, strange, `one of ${inBraces(allowed)}`, text, hint)]
}

const ALL_SHARDS = "one instance serves all shards: per: 'shard' or 'file' starts one for each"

function missingNeed(strange: string, needs: readonly string[]): string | null {
  const needed = strange.startsWith('redis.') ? REDIS : strange.startsWith('services.') ? strange.split('.')[1] : null
  return needed && !needs.includes(needed) ? `add '${needed}' to needs` : null
}

function nearOr(strange: string, allowed: readonly string[], other: string | null): string | null {
  const near = nearest(strange, allowed)
  return near === null ? other : `did you mean {${near}}?`
}

function inBraces(names: readonly string[]): string {
  return names.map((one) => `{${one}}`).join(' ')
}

/** What this service can be asked for: a program without a port has no address. */
function valuesOf(name: string, known: Known): string[] {
  const { kind, port } = known.get(name) ?? {}
  if (kind !== 'postgres' && (kind !== 'command' || port === undefined)) return []
  return VALUES[kind].map((value) => `services.${name}.${value}`)
}

/** What to do when a program is asked for its address and has none. */
function lacksPort(placeholder: string, known: Known): string | null {
  const [first, name = ''] = placeholder.split('.')
  const { kind, port } = known.get(name) ?? {}
  if (first !== 'services' || kind !== 'command' || port !== undefined) return null
  return `${name} has no port: add port: 'free' to it, and use {port} in its command or environment`
}

function unknownPlaceholder(
  place: readonly (string | number)[],
  strange: string,
  expected: string,
  text: string,
  hint: string | null,
): Mistake {
  return wrong(place, 'value', `{${strange}} is not known here`, expected, show(text), hint)
}

function suiteMistakes(suites: Given, known: Known, needs: ReadonlyMap<string, readonly string[]>): Mistake[] {
  return Object.entries(suites).flatMap(([name, value]) => {
    const suite = objectAt(value)
    const place = ['suites', name]
    const named = textsOf(suite['services'])
    const allowed = named.flatMap((service) => valuesOf(service, known))
    const found = strangers([...place, 'services'], named, [...known.keys()], null)
    if (suite['isolation'] === 'none' && needRedis(named, needs)) {
      const culprit = named.find((service) => needRedis([service], needs))
      const problem = `${culprit} needs Redis, and the suite has no database`
      found.push(wrong([...place, 'isolation'], 'value', problem, "'db' or 'server'", "'none'", null))
    }
    for (const [variable, text] of Object.entries(objectAt(suite['env']))) {
      if (typeof text !== 'string') continue
      const strange = placeholdersIn(text).find((one) => one.startsWith('services.') && !allowed.includes(one))
      if (strange === undefined) continue
      const asked = strange.split('.')[1]!
      const missing = known.has(asked) && !named.includes(asked) ? `add '${asked}' to the suite's services` : null
      const hint = lacksPort(strange, known) ?? missing ?? nearOr(strange, allowed, null)
      const expected =
        allowed.length === 0 ? 'no value of a service: the suite names none' : `one of ${inBraces(allowed)}`
      found.push(unknownPlaceholder([...place, 'env', variable], strange, expected, text, hint))
    }
    return found
  })
}

/** Fills in every default. */
export function toServices(services: Readonly<Record<string, ParsedService>>, root: string): ServiceSettings[] {
  const needs = needsOf(
    Object.entries(services).map(([name, service]) => ({
      name,
      needs: (service.kind === 'command' ? (service.needs ?? []) : []) as [],
    })),
  )
  return Object.entries(services).map(([name, service]) =>
    service.kind === 'postgres'
      ? toPostgres(name, service, root)
      : toCommand(name, service, root, lifeOf(name, services, needs)),
  )
}

function toCommand(
  name: string,
  given: Extract<ParsedService, { kind: 'command' }>,
  root: string,
  per: ServiceLife,
): CommandService {
  return {
    kind: 'command',
    name,
    command: wordsOf(given.command),
    cwd: path.resolve(root, given.cwd ?? '.'),
    env: given.env ?? {},
    files: given.files ?? {},
    secrets: given.secrets ?? {},
    needs: given.needs ?? [],
    port: given.port ?? null,
    ready: toReady(given.ready),
    per,
  }
}

function toReady(given: Extract<ParsedService, { kind: 'command' }>['ready']): ReadyCheck {
  const limitMs = given?.within ?? READY_LIMIT_MS
  if (given?.http !== undefined) return { kind: 'http', target: given.http, limitMs }
  if (given?.command !== undefined) return { kind: 'command', command: wordsOf(given.command), limitMs }
  if (given?.log === undefined) return { kind: 'tcp', limitMs }
  const { log } = given
  // A pattern with `g` would remember where it was.
  const pattern = typeof log === 'string' ? literally(log) : new RegExp(log.source, log.flags.replaceAll(/[gy]/g, ''))
  return { kind: 'log', pattern, limitMs }
}

function literally(text: string): RegExp {
  return new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
}

function toPostgres(name: string, given: Extract<ParsedService, { kind: 'postgres' }>, root: string): PostgresService {
  const { source, setup } = given
  const sql = typeof setup?.sql === 'string' ? [setup.sql] : (setup?.sql ?? [])
  return {
    kind: 'postgres',
    name,
    source: source === 'local' ? { kind: 'local' } : { kind: 'url', url: source === 'url' ? null : source },
    setup: {
      sql: sql.map((file) => path.resolve(root, file)),
      command: setup?.command === undefined ? null : wordsOf(setup.command),
      cwd: root,
      limitMs: setup?.within ?? SETUP_LIMIT_MS,
    },
    needs: [],
    per: given.per ?? 'file',
  }
}

function wordsOf(command: string | readonly string[]): readonly string[] {
  const words = typeof command === 'string' ? splitCommand(command) : command
  return typeof words === 'string' ? [words] : words
}
