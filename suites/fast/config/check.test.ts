import fc from '../../support/property.ts'
import type { InferInput } from 'valibot'
import { describe, expect, test } from 'vitest'
import { checkConfig } from '../../../src/config/check.ts'
import type { UserConfig } from '../../../src/config/define.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { mistakesOf } from '../../support/config/source.ts'

/** The compiler holds the schema and the type of `defineConfig` together: each takes what the other takes. */
type Writable<T> = T extends string | number ? T : T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T
type Taken = Writable<InferInput<typeof configSchema>>
const held: readonly [(user: Writable<UserConfig>) => Taken, (taken: Taken) => Writable<UserConfig>] = [
  (user) => user,
  (taken) => taken,
]

const suite = { tier: 'fast', files: 'suites/fast/**/*.test.ts' }

/** The mistakes in short: path, found, hint. */
function short(config: unknown): string[] {
  return mistakesOf(config).map(({ path, found, hint }) => [path.join('.'), found, ...(hint ? [hint] : [])].join(' | '))
}

test('an empty config and a full one are right', () => {
  for (const same of held) expect(checkConfig(same({}), null)).toMatchObject({ ok: true })
  const full = {
    tiers: {
      fast: {
        deadline: '90s',
        testTimeout: 5000,
        fileTimeout: '1m',
        shards: 64,
        retries: 0,
        retryLimit: '25%',
        flaky: 'fail',
        failFast: 3,
        slow: '500ms',
      },
    },
    suites: {
      main: {
        ...suite,
        exclude: ['**/x.test.ts'],
        engine: 'vitest',
        isolation: 'db',
        retries: 2,
        env: { CACHE: '{redis.url}?{shard}' },
      },
    },
    redis: { source: 'rediss://user:pw@host:6380/3', control: 0, databases: [1, 2], wait: 0 },
    quarantine: [{ file: 'suites/fast/*.ts', test: 'a > b', until: '2028-02-29', reason: 'ticket 1' }],
    reports: 'out',
    vitest: {},
  }
  const checked = checkConfig(full, null)
  expect(checked).toMatchObject({
    ok: true,
    config: { tiers: { fast: { deadline: 90_000, slow: 500 } }, suites: { main: { files: [suite.files] } } },
  })
})

test('a quarantine names something, until a day that there is, with a reason', () => {
  const entry = { file: 'a/**', until: '2026-12-31', reason: 'ticket 1' }
  expect(short({ quarantine: [entry] })).toEqual([])
  expect(
    short({
      quarantine: [
        { ...entry, until: '2026-02-30' },
        { ...entry, until: '31.12.2026', reason: ' ' },
        { until: '2026-12-31', reason: 'everything' },
        { test: 'x', reason: 'for ever' },
        { ...entry, file: '/etc/x', resaon: 'y' },
      ],
    }),
  ).toEqual([
    "quarantine.0.until | '2026-02-30'",
    "quarantine.1.until | '31.12.2026'",
    "quarantine.1.reason | ' '",
    'quarantine.3 | nothing',
    "quarantine.4.file | '/etc/x' | write it relative to the folder of the config file",
    'quarantine.4.resaon | "resaon" | did you mean "reason"?',
    'quarantine.2 | neither',
  ])
})

test('the limit of retries is a time or a share', () => {
  expect(short({ tiers: { fast: { retryLimit: '101%' } } })).toEqual(["tiers.fast.retryLimit | '101%'"])
  expect(short({ tiers: { fast: { retryLimit: '2m' } } })).toEqual([])
})

test('options that are undefined count as left out', () => {
  expect(checkConfig({ tiers: { fast: { shards: undefined } }, redis: undefined }, null)).toMatchObject({ ok: true })
})

test('several unknown options of one object are all reported, each with the near name', () => {
  expect(short({ tiers: { fast: { deadlin: 1, shard: 2, qqq: 3 } }, redsi: {} })).toEqual([
    'tiers.fast.deadlin | "deadlin" | did you mean "deadline"?',
    'tiers.fast.shard | "shard" | did you mean "shards"?',
    'tiers.fast.qqq | "qqq"',
    'redsi | "redsi" | did you mean "redis"?',
  ])
})

test('names that every object inherits are unknown options too', () => {
  const config = JSON.parse('{ "toString": 1, "__proto__": 2, "constructor": 3 }') as unknown
  expect(mistakesOf(config).map(({ path }) => path[0])).toEqual(['toString', '__proto__', 'constructor'])
  expect(short(JSON.parse('{ "tiers": { "__proto__": {} } }'))).toEqual(['tiers.__proto__ | "__proto__"'])
})

test.for([
  ['90', "write the unit: '90s' for seconds, '90m' for minutes"],
  ['5min', "the units are ms, s, m and h: '5m'"],
  ['2 seconds', "the units are ms, s, m and h: '2s'"],
  [-1, null],
  [0, null],
  ['25h', null],
  [Number.NaN, null],
] as const)('the duration %o is a mistake', ([deadline, hint]) => {
  const [mistake, ...others] = mistakesOf({ tiers: { fast: { deadline } } })
  expect(others).toEqual([])
  expect(mistake).toMatchObject({ path: ['tiers', 'fast', 'deadline'], at: 'value', hint })
  expect(mistake!.expected).toContain("'90s'")
})

test.for([0, 65, 1.5, '4', null])('shards: %o is a mistake', (shards) => {
  expect(mistakesOf({ tiers: { fast: { shards } } })).toMatchObject([
    { path: ['tiers', 'fast', 'shards'], expected: 'a whole number from 1 to 64' },
  ])
})

test('a tier that no one knows, with the near one', () => {
  expect(short({ suites: { a: { ...suite, tier: 'standart' } } })).toEqual([
    "suites.a.tier | 'standart' | did you mean 'standard'?",
  ])
  expect(short({ tiers: { smoke: {} }, suites: { a: { ...suite, tier: 'smok' } } })).toEqual([
    "suites.a.tier | 'smok' | did you mean 'smoke'?",
  ])
  expect(short({ tiers: { smoke: {} }, suites: { a: { ...suite, tier: 'smoke' } } })).toEqual([])
})

test('what a suite needs and does not have', () => {
  expect(mistakesOf({ suites: { a: {} } }).map(({ problem }) => problem)).toEqual([
    'suites.a.tier is missing',
    'suites.a.files is missing',
  ])
})

test.for([
  ['../other/**', 'it leads out of the project: files outside of it cannot be run'],
  ['a/{b,../../c}/**', 'it leads out of the project: files outside of it cannot be run'],
  ['/tmp/**', 'write it relative to the folder of the config file'],
  ['!a/**', "files to leave out go into exclude: 'a/**'"],
  [String.raw`suites\fast\x.ts`, "write it with forward slashes: 'suites/fast/x.ts'"],
  ['', 'it is empty'],
] as const)('the glob %o is a mistake', ([glob, hint]) => {
  expect(mistakesOf({ suites: { a: { tier: 'fast', files: ['ok/**', glob] } } })).toMatchObject([
    { path: ['suites', 'a', 'files', 1], hint },
  ])
})

test('a suite without globs, a config without suites', () => {
  expect(short({ suites: { a: { tier: 'fast', files: [] } } })[0]).toContain('suites.a.files | an empty list')
  expect(short({ suites: {} })[0]).toContain('suites | an empty object')
})

test('a port is for servers of the suite alone', () => {
  const withPort = (port: unknown, isolation?: string): string[] => {
    const chosen = isolation === undefined ? {} : { isolation }
    return short({ suites: { a: { ...suite, ...chosen, port } } })
  }
  const hint = "set isolation: 'server', or leave port out"
  expect(withPort('standard', 'server')).toEqual([])
  expect(withPort('free', 'server')).toEqual([])
  expect(withPort('standard')).toEqual([`suites.a.port | 'standard' | ${hint}`])
  expect(withPort('free', 'none')).toEqual([`suites.a.port | 'free' | ${hint}`])
  expect(withPort(6379, 'server')).toEqual(['suites.a.port | 6379'])
})

describe('env', () => {
  const withEnv = (env: unknown, isolation = 'db'): string[] => short({ suites: { a: { ...suite, isolation, env } } })

  test('placeholders that do not exist, with the near one', () => {
    expect(withEnv({ A: '{redis.ulr}' })).toEqual(["suites.a.env.A | '{redis.ulr}' | did you mean {redis.url}?"])
    expect(withEnv({ A: '{nothing.like.it}' })).toEqual(["suites.a.env.A | '{nothing.like.it}'"])
  })

  test('braces that are no placeholder are left alone', () => {
    expect(withEnv({ A: '{"a": {}}', B: '{}', C: '{ redis }' })).toEqual([])
  })

  test('variables of the run itself', () => {
    expect(withEnv({ REDIS_URL: 'redis://prod', TIERSHARD_SHARD: '1', REDIS_CACHE: 'fine' })).toEqual([
      "suites.a.env.REDIS_URL | 'REDIS_URL' | REDIS_URL is set by the run: every shard has its own value",
      "suites.a.env.TIERSHARD_SHARD | 'TIERSHARD_SHARD' | TIERSHARD_SHARD is set by the run: every shard has its own value",
    ])
  })

  test('a placeholder of redis in a suite without a database', () => {
    expect(withEnv({ A: 'x{redis.url}' }, 'none')).toEqual([
      "suites.a.env.A | 'x{redis.url}' | set isolation: 'db', or leave A out",
    ])
  })

  test('a value that is no text', () => {
    expect(withEnv({ A: 'a\0b' })[0]).toContain('no environment variable holds a NUL character')
    expect(withEnv({ PORT: 80 })).toEqual(["suites.a.env.PORT | 80 | write it as a text: '80'"])
  })
})

describe('limits of a tier contain each other', () => {
  const tier = (options: object, name = 'fast'): string[] =>
    mistakesOf({ tiers: { [name]: options } }).map((it) => it.problem)

  test('a file timeout over the deadline', () => {
    expect(tier({ deadline: '30s', fileTimeout: '1m' })).toEqual([
      "tiers.fast.fileTimeout is longer than the tier's deadline",
    ])
    expect(tier({ fileTimeout: '6m' })).toHaveLength(1)
    expect(tier({ fileTimeout: '6m' }, 'extended')).toEqual([])
  })

  test('a test timeout over the file timeout', () => {
    expect(tier({ testTimeout: '2m' })).toEqual(['tiers.fast.testTimeout is longer than the timeout of a file'])
    expect(tier({ testTimeout: '2m', fileTimeout: '3m' })).toEqual([])
  })

  test('a short deadline alone is fine: the defaults shrink with it', () => {
    expect(tier({ deadline: '5s' })).toEqual([])
  })
})

test('redis.tls: a certificate and its key belong together, and the files are there', () => {
  expect(short({ redis: { tls: { cert: 'a.pem' } } })[0]).toContain('redis.tls.cert')
  expect(short({ redis: { tls: { key: 'a.pem' } } })[0]).toContain('redis.tls.key')
  expect(short({ redis: { tls: { ca: '' } } })[0]).toContain('redis.tls.ca')
  expect(short({ redis: { tls: { servername: 'https://host' } } })[0]).toContain('redis.tls.servername')
  expect(checkConfig({ redis: { tls: { ca: 'no-such.pem' } } }, import.meta.dirname)).toMatchObject({
    ok: false,
    mistakes: [{ path: ['redis', 'tls', 'ca'], problem: 'there is no such file' }],
  })
  const tls = { ca: 'check.test.ts', servername: 'cache.example' }
  expect(checkConfig({ redis: { tls } }, import.meta.dirname)).toMatchObject({ ok: true })
})

test('redis.kubernetes: one way to find the pods, and a source that needs it', () => {
  expect(short({ redis: { kubernetes: {} } })[0]).toContain('redis.kubernetes')
  expect(short({ redis: { kubernetes: { service: 'a', selector: 'app=a' } } })[0]).toContain('redis.kubernetes')
  expect(short({ redis: { source: 'port-forward' } })[0]).toContain('redis.source')
  expect(short({ redis: { source: 'nodeports' } })[0]).toContain("did you mean 'nodeport'?")
  const strange = { service: 'My Redis', selector: 'app', port: 0, context: '' }
  for (const [name, value] of Object.entries(strange)) {
    expect(mistakesOf({ redis: { kubernetes: { [name]: value } } }).map(({ path }) => path.join('.'))).toContain(
      `redis.kubernetes.${name}`,
    )
  }
  const kubernetes = { namespace: 'cache', selector: 'app.kubernetes.io/name=redis,tier=cache', wait: '10s' }
  expect(checkConfig({ redis: { source: 'port-forward', kubernetes } }, null)).toMatchObject({ ok: true })
  expect(checkConfig({ redis: { source: 'route' } }, null)).toMatchObject({ ok: true })
})

test('redis: sources and databases', () => {
  expect(short({ redis: { source: 'embeded' } })).toEqual(["redis.source | 'embeded' | did you mean 'embedded'?"])
  expect(short({ redis: { source: 'http://host' } })).toEqual(["redis.source | 'http://host'"])
  expect(short({ redis: { databases: [] } })[0]).toContain('redis.databases | an empty list')
  expect(mistakesOf({ redis: { control: 1, databases: [1, 2, 2, -1] } }).map(({ path }) => path.join('.'))).toEqual([
    'redis.databases.3',
    'redis.databases.0',
    'redis.databases.2',
  ])
})

test('no password appears in what was found', () => {
  const [mistake] = mistakesOf({ redis: { source: 'redis://user:hunter2@host/not-a-number' } })
  expect(mistake!.found).toBe("'redis://************@host/not-a-number'")
})

test('a vitest config that is not there', () => {
  const checked = checkConfig({ vitest: { config: 'nowhere.config.ts' } }, import.meta.dirname)
  expect(checked).toMatchObject({ ok: false, mistakes: [{ problem: 'there is no such file' }] })
})

test.for([
  ['null', null],
  ['a number', 3],
  ['a text', 'text'],
  ['a list', []],
  ['a promise', Promise.resolve({})],
  ['a function', () => ({})],
  ['a map', new Map()],
] as const)('a config that is %s', ([, config]) => {
  expect(mistakesOf(config)).toHaveLength(1)
})

describe('properties', () => {
  const known = Object.keys(configSchema.entries)

  test('whatever a config holds, the checker says something about it and every unknown option is named', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (config) => {
        const places = mistakesOf(config).map(({ path }) => path[0])
        if (typeof config !== 'object' || config === null || Array.isArray(config)) {
          expect(places.length).toBeGreaterThan(0)
          return
        }
        for (const key of Object.keys(config)) if (!known.includes(key)) expect(places).toContain(key)
      }),
    )
  })

  test('the same one level down, beside options that are right', () => {
    const key = fc
      .string({ minLength: 1 })
      .filter(
        (it) =>
          ![
            'deadline',
            'testTimeout',
            'fileTimeout',
            'shards',
            'retries',
            'retryLimit',
            'flaky',
            'failFast',
            'slow',
            'leaks',
          ].includes(it),
      )
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }), (strays) => {
        const tier = { ...strays, deadline: '1m', shards: 2 }
        const places = mistakesOf({ tiers: { fast: tier } }).map(({ path }) => path.at(2))
        expect(new Set(places)).toEqual(new Set(Object.keys(strays)))
        expect(places).toHaveLength(Object.keys(strays).length)
      }),
    )
  })

  test('odd values in every place of a suite', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(undefined, () => 1, Symbol('x'), 1n, new Date()),
    )
    const shape = {
      tier: odd,
      files: odd,
      exclude: odd,
      engine: odd,
      isolation: odd,
      port: odd,
      env: odd,
      retries: odd,
    }
    fc.assert(
      fc.property(fc.record(shape, { requiredKeys: [] }), odd, odd, fc.array(odd), (odds, tiers, redis, quarantine) => {
        expect(() => checkConfig({ suites: { a: odds }, tiers, redis, quarantine }, null)).not.toThrow()
      }),
    )
  })
})
