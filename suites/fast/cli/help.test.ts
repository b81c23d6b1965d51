import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { manualAskedFor, manualPage } from '../../../src/cli/help.ts'
import { tiershard as root } from '../../../src/cli/manuals.ts'
import { createProgram, tiershard } from '../../../src/cli/program.ts'
import { MAX_RETRIES, MAX_SHARDS, MAX_SLICES } from '../../../src/config/limits.ts'
import { SOURCE_FORMS } from '../../../src/config/source.ts'
import { fakeIo } from '../../support/cli/io.ts'

const program = createProgram(fakeIo([]).io, () => {})
const docs = readFileSync(path.resolve(import.meta.dirname, '../../../docs/command-line.md'), 'utf8')

/** Every command with the words that call it. */
function commands(command: Command, words: readonly string[]): [words: string, command: Command][] {
  const children = command.commands.flatMap((child) => commands(child, [...words, child.name()]))
  return [[words.join(' '), command], ...children]
}
const all = commands(program, ['tiershard'])

async function pageOf(words: string): Promise<string> {
  const { io, stdout } = fakeIo([...words.split(' ').slice(1), '--help'])
  expect(await tiershard(io)).toBe(0)
  return stdout()
}

/** The long options that a page describes: lines that begin with one. */
function listed(page: string): string[] {
  return [...page.matchAll(/^ {4}(?:-\w, )?(--[a-z-]+)/gm)].map((match) => match[1]!).toSorted()
}

test('the commands are those of this release', () => {
  expect(all.map(([words]) => words)).toEqual([
    'tiershard',
    'tiershard init',
    'tiershard run',
    'tiershard plan',
    'tiershard report',
    'tiershard slow',
    'tiershard history',
    'tiershard history merge',
    'tiershard merge',
    'tiershard doctor',
    'tiershard redis',
    'tiershard redis status',
    'tiershard redis adopt',
    'tiershard redis release',
  ])
})

describe.for(all)('%s', ([words, command]) => {
  const accepted = ['--help', ...command.options.map((option) => option.long!)].toSorted()

  test('its page lists every option that it accepts, and no other', async () => {
    expect(listed(await pageOf(words))).toEqual(accepted)
  })

  test('its page has the parts of a manual page', async () => {
    const page = await pageOf(words)
    for (const part of ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'EXIT STATUS'])
      expect(page).toMatch(new RegExp(`^${part}$`, 'm'))
    expect(page).toContain(`    ${words} - `)
    for (const child of command.commands) expect(page).toContain(`\n    ${child.name()}\n        `)
  })

  test('its page is the same whether the parser is asked or not', async () => {
    const argv = words.split(' ').slice(1)
    const manual = manualAskedFor([...argv, '--help'], root)!
    expect(manualPage(manual, manual === root, 80)).toBe(await pageOf(words))
    expect(manualAskedFor([...argv, '-h'], root)).toBe(manual)
    expect(manualAskedFor(['help', ...argv], root)).toBe(manual)
  })

  test('no line is wider than the terminal, but for examples', async () => {
    const page = (await pageOf(words)).split('EXAMPLES')[0]!
    for (const line of page.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('docs/command-line.md names every option of it', () => {
    const section = docs.split(/^## /m).find((text) => text.startsWith(`\`${words}\`\n`)) ?? ''
    const described = [...section.matchAll(/^\| `(?:-\w, )?(--[a-z-]+)/gm)].map((match) => match[1]!)
    expect(described.toSorted()).toEqual(accepted)
  })
})

test.for([
  'run --nope',
  'rnu',
  'run --shards',
  'run --shards 0',
  'run --shards 65',
  'run --slice 0/3',
  'run --slice 4/3',
  'run --slice 1/0',
  'run --slice x',
  'run --slice 1/3x',
  'run --slice 1/1001',
  'plan --slice 3',
  'run --retries -1',
  'run --deadline 5',
  'run --deadline 25h',
  'run --redis http://x',
  'run --tier a,,b',
  'redis adopt',
  'redis adopt x',
  'redis release',
  'plan --retries 1',
  'plan --redis auto',
  'slow --top 0',
  'history merge',
  'slow a b',
  'merge',
  'merge a.xml --split-size 9KB',
  'merge a.xml --split-size 30MiB',
  'report --output',
  'report --tier fast',
  'run --resume',
])('`tiershard %s` is a wrong command line: exit 2, one message, no stack', async (line) => {
  const { io, stdout, stderr } = fakeIo(line.split(' '))
  expect(await tiershard(io)).toBe(2)
  expect(stdout()).toBe('')
  expect(stderr()).toMatch(/^error: .+\n(\(Did you mean .+\?\)\n)?`tiershard.* --help` describes the command line\.\n$/)
})

test('the limits in the texts are those of the parser', () => {
  const texts = root.commands!.flatMap(({ options = [] }) => options.map(({ text }) => text)).join('\n')
  expect(texts).toContain(`at once, 1 to ${MAX_SHARDS}.`)
  expect(texts).toContain(`N from 1 to ${MAX_SLICES}`)
  expect(texts).toContain(`flushed database, 0 to ${MAX_RETRIES}.`)
  expect(texts).toContain(SOURCE_FORMS)
})

test.for([['run'], ['run', '--help', 'x'], ['rnu', '--help'], ['run', '--tier', 'a', '--help'], []])(
  'a command line that asks for more than a page is left to the parser: %o',
  (argv) => {
    expect(manualAskedFor(argv, root)).toBeNull()
  },
)

test('near names are suggested', async () => {
  for (const [line, near] of [
    ['rnu', 'run'],
    ['run --shrads 2', '--shards'],
    ['redis sttus', 'status'],
  ] as const) {
    const { io, stderr } = fakeIo(line.split(' '))
    await tiershard(io)
    expect(stderr()).toContain(`(Did you mean ${near}?)`)
  }
})

test('a password on a wrong command line is not repeated', async () => {
  const { io, stderr } = fakeIo(['run', '--redis', 'redis://user:hunter2@host/x'])
  expect(await tiershard(io)).toBe(2)
  expect(stderr()).toContain('redis://')
  expect(stderr()).not.toContain('hunter2')
})

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../../package.json'), 'utf8')) as {
    version: string
  }
  const { io, stdout } = fakeIo(['--version'])
  expect(await tiershard(io)).toBe(0)
  expect(stdout()).toBe(`${version}\n`)
})

test('without a command: the page, on stderr, and exit 2', async () => {
  const { io, stdout, stderr } = fakeIo([])
  expect(await tiershard(io)).toBe(2)
  expect(stdout()).toBe('')
  expect(stderr()).toContain('SYNOPSIS')
})
