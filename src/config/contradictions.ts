import { existsSync } from 'node:fs'
import path from 'node:path'
import { placeholdersIn } from '../core/placeholders.ts'
import { isObject, objectAt, show, wrong, type Mistake } from './mistake.ts'
import { nearest } from './nearest.ts'
import { serviceContradictions } from './services.ts'
import { toMs } from './leaves.ts'
import { suiteCommandMistakes } from './suite-command.ts'
import { TARGETS } from './settings.ts'
import { BUILT_IN_TIERS, tierDefaults } from './tiers.ts'

/** What no single value can show: options that do not go together. Looks at whatever part of the config is sound. */
export function contradictions(input: unknown, root: string | null): Mistake[] {
  const config = objectAt(input)
  const tiers = objectAt(config['tiers'])
  return [
    ...Object.entries(tiers).flatMap(([name, tier]) => impatientTier(name, objectAt(tier))),
    ...suiteContradictions(config, [...new Set([...BUILT_IN_TIERS, ...Object.keys(tiers)])]),
    ...redisContradictions(objectAt(config['redis'])),
    ...serviceContradictions(config),
    ...missingSetup(objectAt(config['services']), root),
    ...emptyQuarantine(config['quarantine']),
    ...tlsContradictions(objectAt(objectAt(config['redis'])['tls']), root),
    ...clusterContradictions(objectAt(config['redis'])),
    ...missingVitestConfig(objectAt(config['vitest'])['config'], root),
  ]
}

/** The limits of a tier contain each other: a test within its file, a file within the tier. */
function impatientTier(name: string, tier: Readonly<Record<string, unknown>>): Mistake[] {
  const defaults = tierDefaults(name)
  const given = { file: toMs(tier['fileTimeout']), test: toMs(tier['testTimeout']), deadline: toMs(tier['deadline']) }
  const deadline = given.deadline ?? defaults.deadlineMs
  const file = Math.min(given.file ?? defaults.fileTimeoutMs, deadline)
  const found: Mistake[] = []
  if (given.file !== null && given.file > deadline) {
    const limit = given.deadline === null ? `the default deadline, ${deadline / 60_000}m` : 'the deadline'
    found.push(
      wrong(
        ['tiers', name, 'fileTimeout'],
        'value',
        `tiers.${name}.fileTimeout is longer than the tier's deadline`,
        `at most ${limit}${given.deadline === null ? '' : ` (${show(tier['deadline'])})`}`,
        show(tier['fileTimeout']),
        'raise the deadline, or leave fileTimeout out',
      ),
    )
  }
  if (given.test !== null && given.test > file) {
    found.push(
      wrong(
        ['tiers', name, 'testTimeout'],
        'value',
        `tiers.${name}.testTimeout is longer than the timeout of a file`,
        `at most the file's timeout (${file / 1000}s)`,
        show(tier['testTimeout']),
        'raise fileTimeout',
      ),
    )
  }
  return found
}

function suiteContradictions(config: Readonly<Record<string, unknown>>, tiers: readonly string[]): Mistake[] {
  const given = config['suites']
  if (isObject(given) && !Array.isArray(given) && Object.keys(given).length === 0) {
    const hint = 'leave the option out to have the suites found in suites/<tier>/'
    return [wrong(['suites'], 'value', 'suites is empty', 'at least one suite', 'an empty object', hint)]
  }
  return Object.entries(objectAt(given)).flatMap(([name, value]) => {
    const suite = objectAt(value)
    const found: Mistake[] = isObject(value) && !Array.isArray(value) ? suiteCommandMistakes(name, suite) : []
    const tier = suite['tier']
    if (typeof tier === 'string' && tier !== '' && !tiers.includes(tier)) {
      const near = nearest(tier, tiers)
      const hint = near === null ? `define it: tiers: { '${tier}': { deadline: '15m' } }` : `did you mean '${near}'?`
      const place = ['suites', name, 'tier']
      found.push(wrong(place, 'value', 'there is no such tier', `one of ${tiers.join(', ')}`, show(tier), hint))
    }
    const isolation = suite['isolation'] ?? 'db'
    if (suite['port'] !== undefined && (isolation === 'db' || isolation === 'none')) {
      const problem = 'a port for servers that the suite does not have'
      const expected = `no port, since isolation is ${show(isolation)}`
      const hint = "set isolation: 'server', or leave port out"
      found.push(wrong(['suites', name, 'port'], 'value', problem, expected, show(suite['port']), hint))
    }
    if (suite['isolation'] === 'none') {
      for (const [variable, text] of Object.entries(objectAt(suite['env']))) {
        const redis = typeof text === 'string' ? placeholdersIn(text).find((it) => it.startsWith('redis.')) : undefined
        if (redis === undefined) continue
        const problem = `{${redis}} in a suite without a database`
        const hint = `set isolation: 'db', or leave ${variable} out`
        const expected = `no placeholder of redis, since isolation is 'none'`
        found.push(wrong(['suites', name, 'env', variable], 'value', problem, expected, show(text), hint))
      }
    }
    return found
  })
}

function redisContradictions(redis: Readonly<Record<string, unknown>>): Mistake[] {
  const { control, databases } = redis
  if (!Array.isArray(databases)) return []
  return databases.flatMap((database: unknown, at) => {
    const place = ['redis', 'databases', at]
    if (typeof database !== 'number') return []
    if (database === control) {
      const expected = 'databases other than the control database'
      return [wrong(place, 'value', `database ${database} is the control database`, expected, show(database), null)]
    }
    if (databases.indexOf(database) < at) {
      return [wrong(place, 'value', `database ${database} is listed twice`, 'each database once', show(database), null)]
    }
    return []
  })
}

function missingSetup(services: Readonly<Record<string, unknown>>, root: string | null): Mistake[] {
  return Object.entries(services).flatMap(([name, value]) => {
    const { sql } = objectAt(objectAt(value)['setup'])
    const place = ['services', name, 'setup', 'sql']
    return Array.isArray(sql)
      ? sql.flatMap((file: unknown, at) => missingFile([...place, at], file, root))
      : missingFile(place, sql, root)
  })
}

/** An entry that names nothing would excuse everything. */
function emptyQuarantine(given: unknown): Mistake[] {
  if (!Array.isArray(given)) return []
  return given.flatMap((value: unknown, at) => {
    const entry = objectAt(value)
    if (!isObject(value) || 'file' in entry || 'test' in entry) return []
    const expected = 'a file, a test, or both'
    return [wrong(['quarantine', at], 'value', `quarantine[${at}] names nothing`, expected, 'neither', null)]
  })
}

function tlsContradictions(tls: Readonly<Record<string, unknown>>, root: string | null): Mistake[] {
  const missing = ['ca', 'cert', 'key'].flatMap((name) => missingFile(['redis', 'tls', name], tls[name], root))
  const [given, lacking] = tls['cert'] === undefined ? ['key', 'cert'] : ['cert', 'key']
  if (tls[given] === undefined || tls[lacking] !== undefined) return missing
  const problem = `redis.tls.${given} without redis.tls.${lacking}`
  const expected = 'a certificate and its key, or none of the two'
  return [...missing, wrong(['redis', 'tls', given], 'value', problem, expected, show(tls[given]), null)]
}

function clusterContradictions(redis: Readonly<Record<string, unknown>>): Mistake[] {
  const { source, kubernetes } = redis
  const given = objectAt(kubernetes)
  const named = TARGETS.filter((target) => given[target] !== undefined)
  const place = ['redis', 'kubernetes']
  const one = 'one of service, statefulset and selector'
  if (isObject(kubernetes) && named.length !== 1) {
    const found = named.length === 0 ? 'none of them' : named.join(' and ')
    return [wrong(place, 'value', 'redis.kubernetes does not say which pods', one, found, null)]
  }
  if (kubernetes !== undefined || typeof source !== 'string' || !NEEDS_CLUSTER.has(source)) return []
  const hint = "add redis.kubernetes: { namespace: 'cache', service: 'redis' }"
  return [wrong(['redis', 'source'], 'value', 'this source needs redis.kubernetes', one, 'nothing', hint)]
}

/** A Route can be named by REDIS_ROUTE_HOST alone. */
const NEEDS_CLUSTER: ReadonlySet<string> = new Set(['loadbalancer', 'nodeport', 'port-forward'])

function missingVitestConfig(file: unknown, root: string | null): Mistake[] {
  return missingFile(['vitest', 'config'], file, root)
}

function missingFile(place: readonly (string | number)[], file: unknown, root: string | null): Mistake[] {
  if (typeof file !== 'string' || file.trim() === '' || root === null || existsSync(path.resolve(root, file))) return []
  return [wrong(place, 'value', 'there is no such file', `a file in ${root}`, show(file), null)]
}
