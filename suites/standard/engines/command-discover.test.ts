import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Discovery } from '../../../src/core/ports.ts'
import type { CommandSuite } from '../../../src/core/settings.ts'
import { commandSuite, makeCommandEngine } from '../../support/engines/command-rig.ts'
import { makeProject, type Project } from '../../support/engines/rig.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'

const RUN = 'cat {file} > {junit}'

async function discover(
  project: Project,
  suites: readonly CommandSuite[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly changed?: string | true } = {},
): Promise<Discovery> {
  const engine = makeCommandEngine(project, suites, options.env)
  try {
    return await engine.discover({ changed: options.changed ?? null })
  } finally {
    await engine.close()
  }
}

async function found(project: Project, suite: Partial<CommandSuite>): Promise<string[]> {
  const outcome = await discover(project, [commandSuite({ run: RUN, ...suite })])
  if (!outcome.ok) throw new Error(JSON.stringify(outcome))
  return outcome.files.map(({ path: file }) => file)
}

const message = (outcome: Discovery): string => (outcome.ok || outcome.kind !== 'usage' ? '' : outcome.message)

describe('files by globs', () => {
  const FILES = [
    't/b.py',
    't/a.py',
    't/deep/c.py',
    't/node_modules/n.py',
    't/.venv/v.py',
    't/x y$.py',
    'other.py',
    '-i.py',
  ]
  const project = (): Project => makeProject(null, Object.fromEntries(FILES.map((file) => [file, ''])))

  test('are those that match, in order, outside of node_modules and hidden folders', async () => {
    using at = project()
    expect(await found(at, { files: ['t/**/*.py'] })).toEqual(['t/a.py', 't/b.py', 't/deep/c.py', 't/x y$.py'])
    expect(await found(at, { files: ['t/**/*.py'], exclude: ['**/deep/**', 't/x*'] })).toEqual(['t/a.py', 't/b.py'])
    expect(await found(at, { files: ['t/*.py', 't/deep/*', 'other.py'] })).toHaveLength(5)
    expect(await found(at, { files: ['t/.venv/*.py', 't/node_modules/*.py'] })).toHaveLength(2)
  })

  test('a file that a command would take for an option is named by its folder', async () => {
    using at = project()
    expect(await found(at, { files: ['*.py'] })).toEqual(['./-i.py', 'other.py'])
  })

  test('a suite without files is named', async () => {
    using at = project()
    const outcome = await discover(at, [commandSuite({ run: RUN, files: ['nowhere/*.py'] })])
    expect(outcome).toMatchObject({
      ok: true,
      files: [],
      warnings: ['suite all is empty: no file matches nowhere/*.py'],
    })
  })

  test('belong to the suite that found them', async () => {
    using at = project()
    const suites = [
      commandSuite({ run: RUN, files: ['t/a.py'] }),
      commandSuite({ run: RUN, name: 'two', files: ['t/b.py'] }),
    ]
    expect(await discover(at, suites)).toMatchObject({
      engine: 'command',
      files: [
        { id: 't/a.py', project: '', suite: 'all' },
        { id: 't/b.py', project: '', suite: 'two' },
      ],
    })
  })
})

describe('files by a command', () => {
  test('are its lines; those that come again are said', async () => {
    using at = makeProject(null, { 'list.txt': 'one\r\n\n  two words \none\n./three' })
    const outcome = await discover(at, [commandSuite({ run: RUN, files: [], discover: 'cat list.txt | cat' })])
    expect(outcome).toMatchObject({
      ok: true,
      files: [{ id: 'one' }, { id: 'two words' }, { id: './three' }],
      warnings: ['suite all: its discover command named 1 of its files more than once'],
    })
    expect(await found(at, { files: [], discover: ['cat', 'list.txt'] })).toHaveLength(3)
  })

  test.each([
    ['echo broken >&2; exit 3', 'ended with exit code 3: echo broken >&2; exit 3\nIts output:\nbroken'],
    ['no-such-program-here', 'ended with exit code 127'],
    ['kill -KILL $$', 'was ended by SIGKILL'],
    ['false | echo one', 'ended with exit code 1'],
    [String.raw`printf 'a\tb\n'`, String.raw`printed a name with control characters, "a\tb"`],
  ])('that fails is a mistake of the config: %s', async (command, problem) => {
    using at = makeProject(null, {})
    const outcome = await discover(at, [commandSuite({ run: RUN, files: [], discover: command })])
    expect(message(outcome)).toContain(`The discover command of suite all ${problem}`)
  })
})

describe('what cannot run', () => {
  test('a program that is not there is named before anything runs', async () => {
    using at = makeProject(null, { 'tests/a.py': '' })
    const program = 'no-such-program-here'
    for (const run of [`${program} {file} {junit}`, [program, '{file}', '{junit}']]) {
      const outcome = await discover(at, [commandSuite({ run })])
      expect(message(outcome)).toContain(`The suite all cannot run: there is no program "${program}" on PATH.`)
      expect(message(outcome)).toContain(`mend suites.all.run in the config: ${program} {file} {junit}`)
    }
    const outcome = await discover(at, [commandSuite({ run: ['bin/none', '{junit}'] })])
    expect(message(outcome)).toContain('there is no program bin/none in ')
  })

  test('a line may begin with anything that bash knows', async () => {
    using at = makeProject(null, { 'tests/a.py': '' })
    for (const run of ['cd tests && cat {file} > {junit}', 'A=1 cat {file} > {junit}', '(cat {file}) > {junit}']) {
      expect(await discover(at, [commandSuite({ run })])).toMatchObject({ ok: true })
    }
  })

  test('without bash on PATH nothing runs, and that is said', async () => {
    using at = makeProject(null, { 'tests/a.py': '' })
    const outcome = await discover(at, [commandSuite({ run: RUN })], { env: { PATH: at.root } })
    expect(message(outcome)).toContain('need bash, and there is none on PATH')
  })
})

describe('--changed', () => {
  function repository(): Project {
    const project = makeProject(null, { 'tests/a.py': '', 'src/a.py': '' })
    const git = (...args: string[]): void => {
      const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'init.defaultBranch=main']
      execFileSync('git', [...identity, ...args], { cwd: project.root, stdio: 'ignore', env: outsideEnvironment() })
    }
    git('init')
    git('add', '.')
    git('commit', '-m', 'one', '--no-gpg-sign')
    return project
  }

  test('leaves nothing out when anything has changed, and says why', async () => {
    using at = repository()
    mkdirSync(path.join(at.root, 'new'))
    writeFileSync(path.join(at.root, 'new/file.py'), '')
    expect(await discover(at, [commandSuite({ run: RUN })], { changed: true })).toMatchObject({
      files: [{ id: 'tests/a.py' }],
      warnings: ['suite all: what its files import is not known, so --changed leaves none of them out'],
    })
  })

  test('runs nothing when nothing has changed', async () => {
    using at = repository()
    for (const changed of [true, 'HEAD'] as const) {
      expect(await discover(at, [commandSuite({ run: RUN })], { changed })).toMatchObject({ ok: true, files: [] })
    }
  })

  test('takes an answer of any length, and names what git says when it cannot answer', async () => {
    using at = repository()
    const base = { run: RUN }
    const bin = path.join(at.root, 'bin')
    mkdirSync(bin)
    writeFileSync(path.join(bin, 'git'), '#!/bin/sh\n[ "$1" != status ] || head -c 2000000 /dev/zero\n', {
      mode: 0o755,
    })
    const env = outsideEnvironment()
    const long = await discover(at, [commandSuite(base)], {
      changed: true,
      env: { ...env, PATH: `${bin}:${env['PATH']}` },
    })
    expect(long).toMatchObject({ ok: true, files: [{ id: 'tests/a.py' }] })
    writeFileSync(path.join(at.root, '.git/index'), 'damaged')
    expect(message(await discover(at, [commandSuite(base)], { changed: true }))).toMatch(
      /^--changed cannot be answered: git refuses to look into .*:\n.*index/,
    )
  })

  test('refuses a reference that is none', async () => {
    using at = repository()
    expect(message(await discover(at, [commandSuite({ run: RUN })], { changed: 'nowhere' }))).toContain(
      'no such commit',
    )
  })
})
