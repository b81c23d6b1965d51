import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Discovery } from '../../../src/core/ports.ts'
import { makeEngine, makeProject, until, VERSIONS, type Project } from '../../support/engines/rig.ts'
import { isAlive } from '../../support/processes/alive.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'

const PASSES = `import { test } from 'vitest'\ntest('passes', () => {})\n`

async function discover(
  project: Project,
  changed: string | true | null = null,
  configFile?: string,
): Promise<Discovery> {
  const engine = makeEngine(project, configFile === undefined ? {} : { configFile })
  try {
    return await engine.discover({ changed })
  } finally {
    await engine.close()
  }
}

function ids(found: Discovery): string[] {
  if (!found.ok) throw new Error(JSON.stringify(found))
  return found.files.map((file) => file.id).toSorted()
}

function refusal(found: Discovery): string {
  if (found.ok || found.kind !== 'usage') throw new Error(`not a usage failure: ${JSON.stringify(found)}`)
  // The user made a mistake; nobody needs the stack of vitest's insides.
  expect(found.message).not.toMatch(/^\s+at /m)
  return found.message
}

describe('a project without a vitest that fits', () => {
  test('is told to install one', async () => {
    using project = makeProject(null, { 'a.test.ts': PASSES })
    expect(refusal(await discover(project))).toMatch(/vitest is not installed in .*npm install --save-dev vitest/)
  })

  test('is told that its version is too old', async () => {
    using project = makeProject(null, {
      'node_modules/vitest/package.json': '{ "name": "vitest", "version": "3.2.4" }',
    })
    expect(refusal(await discover(project))).toMatch(/vitest 3\.2\.4 is installed .* needs vitest 4\.1 or newer, or 5/)
  })
})

describe.each(VERSIONS)('discovery under vitest $vitest', (version) => {
  test('finds the files of every project and executes none', async () => {
    const leavesMark = `import { writeFileSync } from 'node:fs'\nwriteFileSync('executed', '')\n`
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'one/a.test.ts': leavesMark + PASSES,
      'two/a.test.ts': leavesMark + PASSES,
      'vitest.config.ts': `export default { test: { projects: [
          { test: { name: 'one', include: ['one/**/*.test.ts'] } },
          { test: { name: 'two', include: ['*/a.test.ts'] } },
        ] } }`,
    })
    const found = await discover(project)
    expect(ids(found)).toEqual(['[one] one/a.test.ts', '[two] one/a.test.ts', '[two] two/a.test.ts'])
    expect(found).toMatchObject({ ok: true, engine: expect.stringMatching(/^vitest [45]\.1\.\d+$/), warnings: [] })
    expect(found.ok && found.files[0]).toMatchObject({ path: expect.stringMatching(/a\.test\.ts$/), project: 'one' })
    expect(existsSync(path.join(project.root, 'executed'))).toBe(false)
  })

  test('leaves out what only vitest itself can run, and says so', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'a.test.ts': PASSES,
      'a.test-d.ts': PASSES,
      'vitest.config.ts': `export default { test: { projects: [
          { test: { name: 'types', include: ['a.test.ts'], fileParallelism: false, typecheck: { enabled: true } } },
          { test: { name: 'own', include: ['a.test.ts'], pool: { name: 'mine', createPoolWorker() { throw new Error('mine') } } } },
        ] } }`,
    })
    const found = await discover(project)
    expect(ids(found)).toEqual(['[types] a.test.ts'])
    expect(found.ok && found.warnings).toEqual([
      '1 file of project "own" (a pool of its own, "mine") cannot run under tiershard and will be left out.',
      '1 file of project "types" (a type check) cannot run under tiershard and will be left out.',
      expect.stringContaining('fileParallelism: false'),
    ])
  })

  test('says that coverage thresholds fail no run', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'a.test.ts': PASSES,
      'vitest.config.ts': `export default { test: { coverage: { enabled: true, provider: 'istanbul', thresholds: { lines: 80 } } } }`,
    })
    const found = await discover(project)
    expect(found.ok && found.warnings).toEqual([expect.stringContaining('coverage.thresholds')])
  })

  // The newer vitest asks the provider for a whole server, which a fake cannot give.
  test.runIf(version.vitest === '4.1')('leaves out browser projects', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'a.test.ts': PASSES,
      'vitest.config.ts': `
          const refuse = () => { throw new Error('no browser here') }
          const provider = { name: 'fake', options: {}, providerFactory: refuse, serverFactory: refuse }
          export default { test: { projects: [
            { test: { name: 'node' } },
            { test: { name: 'web', browser: { enabled: true, headless: true, provider, instances: [{ browser: 'chromium' }] } } },
          ] } }`,
    })
    const found = await discover(project)
    expect(ids(found)).toEqual(['[node] a.test.ts'])
    expect(found.ok && found.warnings).toEqual([
      '1 file of project "web (chromium)" (a browser project) cannot run under tiershard and will be left out.',
    ])
  })

  test('takes the config that it is given, and opens no port whatever it says', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'a.spec.ts': PASSES,
      'a.test.ts': PASSES,
      'config/vitest.unit.ts': `export default { test: { include: ['*.spec.ts'], api: { port: 1, strictPort: true }, watch: true } }`,
    })
    expect(ids(await discover(project, null, path.join(project.root, 'config/vitest.unit.ts')))).toEqual(['a.spec.ts'])
  })

  test.each([
    ['a syntax error', 'export default { test: {', /vitest\.config\.ts/],
    ['an exception', `throw new Error('no licence for this')`, /vitest\.config\.ts[^]*no licence for this/],
    ['an import of nothing', `import './there-is-none.ts'\nexport default {}`, /vitest\.config\.ts[^]*there-is-none/],
    [
      'a bad project',
      `export default { test: { projects: [{ test: { name: 'one' } }, { test: { name: 'one' } }] } }`,
      /vitest\.config\.ts[^]*"one"/,
    ],
    ['an exit', 'process.exit(3)', /did not get as far as its first file: .*exit code 3/],
  ])('a vitest config with %s is the user’s mistake', async (_, config, message) => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'vitest.config.ts': config,
      'a.test.ts': PASSES,
    })
    expect(refusal(await discover(project))).toMatch(message)
  })

  test('a config that never ends does not outlive the engine', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      'vitest.config.ts': `import { writeFileSync } from 'node:fs'
          writeFileSync('pid', String(process.pid))
          await new Promise(() => setInterval(() => {}, 1000))
          export default {}`,
    })
    const engine = makeEngine(project)
    const found = engine.discover({ changed: null })
    const pidFile = path.join(project.root, 'pid')
    await until('the config runs', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '')
    await engine.close()
    expect(isAlive(Number(readFileSync(pidFile, 'utf8')))).toBe(false)
    expect(refusal(await found)).toContain('SIGKILL')
  })

  test('--changed follows imports; what git does not know is a mistake', async () => {
    using project = makeProject(version, {
      'package.json': '{ "type": "module" }',
      '.gitignore': 'node_modules\n',
      'lib/used.ts': 'export const used = 1\n',
      'a.test.ts': `import './lib/used.ts'\n${PASSES}`,
      'b.test.ts': PASSES,
    })
    expect(refusal(await discover(project, true))).toContain('is not inside a git repository')
    const git = (...args: string[]): unknown =>
      execFileSync(
        'git',
        ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false', ...args],
        {
          cwd: project.root,
          env: outsideEnvironment(),
          stdio: 'ignore',
        },
      )
    git('init')
    git('add', '.')
    git('commit', '-m', 'first')
    expect(ids(await discover(project, true))).toEqual([])
    project.write('lib/used.ts', 'export const used = 2\n')
    expect(ids(await discover(project, true))).toEqual(['a.test.ts'])
    git('commit', '-a', '-m', 'second')
    expect(ids(await discover(project, 'HEAD~1'))).toEqual(['a.test.ts'])
    expect(refusal(await discover(project, 'no-such-branch'))).toContain(
      '--changed=no-such-branch: git knows no such commit',
    )
    expect(refusal(await discover(project, '--output=x'))).toContain('git knows no such commit')
  })
})
