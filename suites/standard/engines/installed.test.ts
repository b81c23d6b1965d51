import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { start } from '../../support/isolation/commands.ts'
import { makeProject, VERSIONS } from '../../support/engines/rig.ts'

const checkout = path.resolve(import.meta.dirname, '../../..')

/** tiershard as npm installs it, beside a vitest that the project below does not use. */
function install(root: string, vitest: string): string {
  const modules = path.join(root, 'node_modules')
  mkdirSync(path.join(modules, 'tiershard'), { recursive: true })
  for (const part of ['dist', 'src', 'package.json']) {
    cpSync(path.join(checkout, part), path.join(modules, 'tiershard', part), { recursive: true })
  }
  const packages = readdirSync(path.join(checkout, 'node_modules'))
  for (const name of packages.filter((name) => !['.bin', 'vitest', 'tiershard'].includes(name))) {
    symlinkSync(path.join(checkout, 'node_modules', name), path.join(modules, name))
  }
  symlinkSync(vitest, path.join(modules, 'vitest'))
  return path.join(modules, 'tiershard/dist/cli/main.js')
}

test.each([
  { own: VERSIONS[0], other: VERSIONS[1] },
  { own: VERSIONS[1], other: VERSIONS[0] },
])(
  'installed beside vitest $other.vitest, it runs the tests of a package with vitest $own.vitest',
  async (versions) => {
    using project = makeProject(null, {
      'package.json': '{ "type": "module" }',
      'package/package.json': '{ "type": "module" }',
      'package/tiershard.config.js': `export default { suites: { all: { tier: 'fast', files: '**/*.test.ts', isolation: 'none' } } }`,
      'package/vitest.config.js': `export default { test: { projects: [
      { test: { name: 'forks' } }, { test: { name: 'vm', pool: 'vmForks' } },
      { test: { name: 'page', environment: './page.js' } },
    ] } }`,
      // As jsdom's: vite serves such files, and only from folders that it may serve.
      'package/page.js': `export default { name: 'page', viteEnvironment: 'client', setup: () => ({ teardown() {} }) }`,
      'package/a.test.ts': `import { expect, test } from 'vitest'\ntest('passes', () => expect(1).toBe(1))\n`,
    })
    const main = install(project.root, versions.other.folder)
    mkdirSync(path.join(project.root, 'package/node_modules'))
    symlinkSync(versions.own.folder, path.join(project.root, 'package/node_modules/vitest'))
    await using run = start(main, ['run', '--json'], { cwd: path.join(project.root, 'package'), env: {} })
    const { code, stdout, stderr } = await run.finished
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      run: { engine: expect.stringContaining(`vitest ${versions.own.vitest}`) },
      counts: { passed: 3, failed: 0 },
    })
  },
)
