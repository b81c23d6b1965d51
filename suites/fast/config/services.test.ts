import { expect, test } from 'vitest'
import { splitCommand } from '../../../src/config/command.ts'
import { defineConfig, type UserConfig } from '../../../src/config/define.ts'
import { loadSettings } from '../../../src/config/load.ts'
import type { CommandService, PostgresService } from '../../../src/core/services.ts'
import { IMPORT_DEFINE_CONFIG, tempProject } from '../../support/config/project.ts'
import { mistakesOf } from '../../support/config/source.ts'

const API = { kind: 'command', command: 'node api.js', port: 'free' } as const
const DB = { kind: 'postgres', source: 'local' } as const

/** The places of the mistakes, and what is said of each. */
function told(services: Record<string, unknown>, suite: Record<string, unknown> = {}): Record<string, string> {
  const suites = { main: { tier: 'fast', files: 'a/*.test.ts', ...suite } }
  return Object.fromEntries(
    mistakesOf({ suites, services }).map(({ path, problem, hint }) => [
      path.join('.'),
      `${problem}${hint ? ` (${hint})` : ''}`,
    ]),
  )
}

test('a config without mistakes', () => {
  const config: UserConfig = defineConfig({
    suites: {
      main: {
        tier: 'fast',
        files: 'a/*.test.ts',
        services: ['api', 'db'],
        env: { API: '{services.api.url}', DB: '{services.db.database}' },
      },
    },
    services: {
      db: { ...DB, setup: { command: ['npx', 'migrate'], within: '2m' } },
      api: {
        ...API,
        env: { DB: '{services.db.url}', CACHE: '{redis.url}', WHERE: '{folder}/{shard}' },
        files: { 'etc/app.json': '{ "port": {port}, "token": "{secrets.token}", "anything": "{else}" }' },
        secrets: { token: 'TOKEN' },
        needs: ['db', 'redis'],
        ready: { log: /listening/, within: '5s' },
      },
      mail: { kind: 'command', command: ['mailhog'], port: 8025 },
    },
  })
  expect(mistakesOf(config)).toEqual([])
})

test('names that are not there, and circles', () => {
  expect(
    told({ api: { ...API, needs: ['dbb', 'api2', 'redis', 'redis'] }, db: DB }, { services: ['apy', 'api'] }),
  ).toEqual({
    'services.api.needs.0': `there is no service "dbb" (did you mean 'db'?)`,
    'services.api.needs.1': `there is no service "api2" (did you mean 'api'?)`,
    'services.api.needs.3': '"redis" is listed twice',
    'suites.main.services.0': `there is no service "apy" (did you mean 'api'?)`,
  })
  expect(
    told({
      a: { ...API, needs: ['b'] },
      b: { ...API, needs: ['c'] },
      c: { ...API, needs: ['b'] },
      d: { ...API, needs: ['d'] },
    }),
  ).toEqual({
    'services.b.needs': 'services that need each other: b needs c needs b',
    'services.d.needs': 'services that need each other: d needs d',
  })
  expect(told({ redis: DB })).toEqual({ 'services.redis': `"redis" is the tests' Redis` })
})

test('what is of the wrong kind', () => {
  const wrong = told({
    a: { kind: 'docker', command: 'x' },
    b: { ...API, source: 'local', ready: { http: 'health' } },
    c: { ...DB, source: 'locale', command: 'x' },
    d: { ...API, command: 'node api.js | tee log' },
    l: { ...DB, source: 'postgres://u:100%@h/shop' },
    e: { ...API, files: { '../etc/passwd': '' } },
    'f.g': API,
    i: { ...API, ready: { http: 'http://127.0.0.1:{port}/health?x={run}' } },
    j: { ...API, ready: { http: 'http://host:99999/' } },
    k: { ...API, ready: { http: 'http://' } },
    h: { ...API, port: 0, secrets: { token: 'NOT A NAME' } },
  })
  expect(Object.keys(wrong).toSorted()).toEqual(
    [
      'services.a.kind',
      'services.b.source',
      'services.b.ready.http',
      'services.c.source',
      'services.l.source',
      'services.c.command',
      'services.d.command',
      'services.e.files.../etc/passwd',
      'services.f.g',
      'services.h.port',
      'services.j.ready.http',
      'services.k.ready.http',
      'services.h.secrets.token',
    ].toSorted(),
  )
  expect(wrong['services.c.source']).toContain("did you mean 'local'?")
  expect(wrong['services.l.source']).toContain('is written %25')
  expect(wrong['services.d.command']).toContain("| needs a shell: ['sh', '-c', '...']")
})

test('how it is known that a service is ready', () => {
  const kind = { kind: 'command', command: 'x' } as const
  expect(
    told({
      a: kind,
      b: { ...kind, ready: { tcp: true } },
      c: { ...kind, ready: { http: '/x' } },
      d: { ...API, ready: {} },
      e: { ...API, ready: { tcp: true, log: 'x' } },
    }),
  ).toEqual({
    'services.a': 'nothing says when the service is ready',
    'services.b.ready': "this check needs a port (add port: 'free', and use {port} in its command or environment)",
    'services.c.ready': "this check needs a port (add port: 'free', and use {port} in its command or environment)",
    'services.d.ready': 'services.d.ready does not say what to look at',
    'services.e.ready': 'services.e.ready does not say what to look at',
  })
})

test('nothing lives longer than what it needs, and a fixed port is for one', () => {
  expect(
    told({
      db: DB,
      kept: { ...DB, per: 'shard' },
      a: { ...API, per: 'run', needs: ['redis'] },
      b: { ...API, per: 'shard', needs: ['db'] },
      c: { ...API, per: 'shard', needs: ['kept', 'redis'] },
      d: { ...API, port: 80, needs: ['redis'] },
      e: { ...API, per: 'run', needs: ['d'] },
    }),
  ).toEqual({
    'services.a.per': 'it needs redis, which it has for a shard at a time',
    'services.b.per': 'it needs db, which it has for a file at a time',
    'services.d.port': 'one port for a service that runs once for every file (and use {port})',
    'services.e.per': 'it needs d, which it has for a file at a time',
  })
})

test('placeholders are known where their values are', () => {
  expect(
    told(
      {
        db: DB,
        api: {
          kind: 'command',
          command: 'node {porrt}',
          port: 'free',
          env: { DB: '{services.db.url}', CACHE: '{redis.url}', ODD: '{services.db.urll}', TOKEN: '{secrets.tokn}' },
          files: { a: '{ "x": {anything}, "y": "{secrets.other}" }' },
          secrets: { token: 'TOKEN' },
          needs: ['db'],
          ready: { log: 'x' },
        },
        mail: { kind: 'command', command: 'mail {port}', ready: { log: 'x' } },
      },
      { services: ['api'], env: { DB: '{services.db.url}', API: '{services.api.urll}', PLAIN: '{redis.url}' } },
    ),
  ).toEqual({
    'services.api.command': '{porrt} is not known here (did you mean {port}?)',
    'services.mail.command': '{port} is not known here',
    'services.api.env.CACHE': "{redis.url} is not known here (add 'redis' to needs)",
    'services.api.env.ODD': '{services.db.urll} is not known here (did you mean {services.db.url}?)',
    'services.api.env.TOKEN': '{secrets.tokn} is not known here (did you mean {secrets.token}?)',
    'services.api.files.a': '{secrets.other} is not known here (did you mean {secrets.token}?)',
    'suites.main.env.DB': "{services.db.url} is not known here (add 'db' to the suite's services)",
    'suites.main.env.API': '{services.api.urll} is not known here (did you mean {services.api.url}?)',
  })
})

test('{shard} is for what a shard has for itself, also where the life is not written down', () => {
  const env = { SHARD: '{shard}' }
  const hint = "one instance serves all shards: per: 'shard' or 'file' starts one for each"
  expect(
    told({
      db: DB,
      a: { ...API, env },
      b: { ...API, env, per: 'run' },
      c: { ...API, env, needs: ['a'] },
      d: { ...API, env, per: 'shard' },
      e: { ...API, env, needs: ['db'] },
      f: { ...API, env, needs: ['redis'] },
      g: { ...API, env, needs: ['d'] },
    }),
  ).toEqual(
    Object.fromEntries(
      ['a', 'b', 'c'].map((name) => [`services.${name}.env.SHARD`, `{shard} is not known here (${hint})`]),
    ),
  )
})

test('a program without a port has no address', () => {
  const hint = "mail has no port: add port: 'free' to it, and use {port} in its command or environment"
  const asks = { MAIL: '{services.mail.url}', HOST: '{services.mail.host}', ODD: '{services.mail.name}' }
  expect(
    told(
      {
        mail: { kind: 'command', command: 'mail', ready: { log: 'x' } },
        api: { ...API, needs: ['mail'], env: asks, ready: { command: ['check', '{services.mail.port}'] } },
      },
      { services: ['api', 'mail'], env: { MAIL: '{services.mail.url}', API: '{services.api.url}' } },
    ),
  ).toEqual({
    'services.api.env.MAIL': `{services.mail.url} is not known here (${hint})`,
    'services.api.env.HOST': `{services.mail.host} is not known here (${hint})`,
    'services.api.env.ODD': `{services.mail.name} is not known here (${hint})`,
    'services.api.ready.command.1': `{services.mail.port} is not known here (${hint})`,
    'suites.main.env.MAIL': `{services.mail.url} is not known here (${hint})`,
  })
})

test('a suite without a database has no service that needs one', () => {
  const services = { api: { ...API, needs: ['redis'] }, web: { ...API, needs: ['api'] } }
  expect(told(services, { services: ['web'], isolation: 'none' })).toEqual({
    'suites.main.isolation': 'web needs Redis, and the suite has no database',
  })
})

test('mistakes are reported with their place in the file', async () => {
  const cwd = tempProject({
    'tiershard.config.ts': `${IMPORT_DEFINE_CONFIG}
export default defineConfig({
  services: {
    db: { kind: 'postgres', source: 'local', setup: { sql: 'nowhere.sql' } },
    api: { kind: 'command', command: 'node api.js', port: 'free', needs: ['dp'] },
    mail: { kind: 'command', command: ['mail', '{shard}'], ready: { log: 'x' } },
    web: { kind: 'command', command: 'web {services.mail.url}', needs: ['mail'], ready: { log: 'x' } },
  },
})
`,
  })
  const loaded = await loadSettings({ cwd, configPath: null })
  const report = loaded.ok ? '' : loaded.report
  expect(report).toContain('tiershard.config.ts:4:')
  expect(report).toContain('there is no such file')
  expect(report).toMatch(/tiershard\.config\.ts:5:75[^]*there is no service "dp"[^]*did you mean 'db'/)
  expect(report).toMatch(/tiershard\.config\.ts:6:48[^]*\{shard\} is not known here[^]*one instance serves all shards/)
  expect(report).toMatch(/tiershard\.config\.ts:7:38[^]*\{services\.mail\.url\} is not known[^]*mail has no port/)
})

test('defaults', async () => {
  const cwd = tempProject({
    'a.sql': '',
    'tiershard.config.ts': `${IMPORT_DEFINE_CONFIG}
export default defineConfig({
  services: {
    db: { kind: 'postgres', source: 'url', setup: { sql: 'a.sql' } },
    api: { kind: 'command', command: "node 'my api.js' --x=\\"1 2\\"", cwd: 'api', port: 'free', needs: ['db'] },
    mail: { kind: 'command', command: ['mail'], ready: { log: 'up (1)' } },
    web: { kind: 'command', command: ['web'], port: 'free', needs: ['mail'] },
  },
})
`,
  })
  const loaded = await loadSettings({ cwd, configPath: null })
  if (!loaded.ok) throw new Error(loaded.report)
  const [db, api, mail, web] = loaded.settings.services as [
    PostgresService,
    CommandService,
    CommandService,
    CommandService,
  ]
  expect(db).toMatchObject({
    per: 'file',
    source: { kind: 'url', url: null },
    setup: { sql: [`${cwd}/a.sql`], limitMs: 60_000 },
  })
  expect(api).toMatchObject({ per: 'file', cwd: `${cwd}/api`, ready: { kind: 'tcp', limitMs: 30_000 } })
  expect(api.command).toEqual(['node', 'my api.js', '--x=1 2'])
  expect(mail).toMatchObject({ per: 'run', ready: { kind: 'log', pattern: /up \(1\)/ } })
  expect(web.per).toBe('run')
})

test('a command is split as a shell would', () => {
  expect(splitCommand(`node  server.js --port {port} 'a b'c ""`)).toEqual([
    'node',
    'server.js',
    '--port',
    '{port}',
    'a bc',
    '',
  ])
  expect(['a | b', 'a > b', 'a && b', 'a $HOME', 'a *', `a 'b`].map((text) => splitCommand(text))).toEqual([
    '|',
    '>',
    '&',
    '$',
    '*',
    "'",
  ])
})
