import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../config/duration.ts'
import { LONGEST_MS, MAX_COUNT, MAX_DATABASE, MAX_RETRIES, MAX_SHARDS, MAX_SLICES } from '../config/limits.ts'
import { maskSecrets, parseSource, SOURCE_FORMS } from '../config/source.ts'
import { EXIT } from '../core/verdict.ts'
import { HELP, HELP_COMMAND, manualPage, VERSION, type Manual } from './help.ts'
import type { Io } from './io.ts'
import { tiershard as root } from './manuals.ts'
import { version } from './version.ts'

/** Runs one command line and returns its exit code. Mistakes in it are reported on stderr with exit code 2. */
export async function tiershard(io: Io): Promise<number> {
  let exitCode: number = EXIT.passed
  const program = createProgram(io, (code) => (exitCode = code))
  try {
    await program.parseAsync(io.argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // commander ends with 0 after a help or a version that was asked for; everything else is a wrong command line.
    return error.exitCode === 0 ? EXIT.passed : EXIT.usage
  }
}

/** The parser of every command in the manual. `done` is called with the exit code of the command that ran. */
export function createProgram(io: Io, done: (exitCode: number) => void): Command {
  return toCommand(root, io, done).version(version(), VERSION.flags, VERSION.text).helpCommand(HELP_COMMAND.flags)
}

function toCommand(manual: Manual, io: Io, done: (exitCode: number) => void): Command {
  const command = new Command(manual.name.split(' ').at(-1))
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError(`\`${manual.name} --help\` describes the command line.`)
    .helpOption(HELP.flags, HELP.text)
    .helpCommand(false)
    .configureHelp({ formatHelp: () => manualPage(manual, manual === root, io.stdout.columns ?? 80) })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(maskSecrets(text)),
    })
  for (const { flags } of manual.arguments ?? []) {
    const argument = new Argument(flags)
    const parse = PARSERS[flags]
    command.addArgument(parse ? argument.argParser(parse) : argument)
  }
  for (const { flags, text } of manual.options ?? []) {
    const option = new Option(flags, text)
    const parse = PARSERS[option.long!]
    command.addOption(parse ? option.argParser(parse) : option)
  }
  for (const child of manual.commands ?? []) command.addCommand(toCommand(child, io, done))
  const act = ACTIONS[manual.name]
  if (act) command.action(async () => done(await act(command.processedArgs, command.opts(), io)))
  return command
}

type Action = (args: readonly unknown[], options: object, io: Io) => Promise<number>

/** What each command does; its code is loaded when it is called. */
const ACTIONS: Readonly<Record<string, Action>> = {
  'tiershard run': async ([files], options, io) =>
    (await import('./run.ts')).runCommand(files as string[], options, io),
  'tiershard plan': async ([files], options, io) =>
    (await import('./plan.ts')).planCommand(files as string[], options, io),
  'tiershard init': async (_, options, io) => (await import('./init.ts')).initCommand(options, io),
  'tiershard slow': async ([run], options, io) =>
    (await import('./slow.ts')).slowCommand((run as string | undefined) ?? null, options, io),
  'tiershard merge': async ([inputs], options, io) =>
    (await import('./merge.ts')).mergeCommand(inputs as string[], options, io),
  'tiershard report': async ([runs], options, io) =>
    (await import('./report.ts')).reportCommand(runs as string[], options, io),
  'tiershard doctor': async (_, options, io) => (await import('./doctor.ts')).doctorCommand(options, io),
  'tiershard history merge': async ([files], options, io) =>
    (await import('./history.ts')).historyMerge(files as string[], options, io),
  'tiershard redis status': async (_, options, io) => (await import('./redis.ts')).redisStatus(options, io),
  'tiershard redis adopt': async ([database], options, io) =>
    (await import('./redis.ts')).redisAdopt(database as number, options, io),
  'tiershard redis release': async ([lease], options, io) =>
    (await import('./redis.ts')).redisRelease(lease as string, options, io),
}

type Parser = (value: string, before: unknown) => unknown

/** What turns the words of a command line into values, by option or argument. */
const PARSERS: Readonly<Record<string, Parser>> = {
  '--slice': (value) => {
    const [, index, of] = (/^(\d+)\/(\d+)$/.exec(value) ?? []).map(Number)
    if (index !== undefined && of !== undefined && index >= 1 && index <= of && of <= MAX_SLICES) return { index, of }
    throw new InvalidArgumentError(
      `It is i/n, such as 2/4: the i-th of n slices, i from 1 to n, n from 1 to ${MAX_SLICES}.`,
    )
  },
  '--shards': wholeNumber(1, MAX_SHARDS),
  '--retries': wholeNumber(0, MAX_RETRIES),
  '--fail-fast': wholeNumber(1, MAX_COUNT, 'Before FILES, write --fail-fast=1.'),
  '--repeat': wholeNumber(1, MAX_COUNT),
  '--top': wholeNumber(1, 10_000),
  '<N>': wholeNumber(0, MAX_DATABASE),
  '--deadline': (value) => {
    const ms = parseDuration(value)
    if (ms !== null && ms > 0 && ms <= LONGEST_MS) return ms
    throw new InvalidArgumentError('It is a duration such as 90s, 15m or 1h, up to 24h.')
  },
  '--split-size': (value) => {
    const bytes = parseSize(value)
    if (bytes !== null && bytes >= LEAST_SPLIT) return bytes
    throw new InvalidArgumentError('It is a size such as 30MB or 500KB, 10KB or more.')
  },
  '--redis': (value) => {
    const source = parseSource(value, '--redis')
    if (source !== null) return source
    throw new InvalidArgumentError(`It is ${SOURCE_FORMS}.`)
  },
  '--isolation': (value) => {
    if (value === 'db' || value === 'server') return value
    throw new InvalidArgumentError("It is 'db' or 'server'.")
  },
  '--tier': (value, before) => {
    const names = value.split(',').map((name) => name.trim())
    if (names.includes('')) throw new InvalidArgumentError('It is the names of tiers, separated by commas.')
    return [...new Set([...((before as string[] | undefined) ?? []), ...names])]
  },
}

/** The smallest file that a merge is split into, bytes: smaller ones hold less than their own tags. */
const LEAST_SPLIT = 10_000

/** `30MB`, `500KB`, `1.5GB` or bytes; in powers of 1000, the smaller reading of what the limits of consumers mean. */
function parseSize(text: string): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?(B|KB|MB|GB)?$/i.exec(text.trim()) ?? []
  if (number === undefined) return null
  return Math.floor(Number(number) * 1000 ** ['B', 'KB', 'MB', 'GB'].indexOf((unit ?? 'B').toUpperCase()))
}

function wholeNumber(least: number, most: number, advice = ''): Parser {
  return (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError([`It is a whole number from ${least} to ${most}.`, advice].join(' ').trimEnd())
  }
}
