import type { CommandLine } from './settings.ts'

/** What is filled into the command of a suite, each as one word of it. */
export const COMMAND_PLACEHOLDERS = [
  /** The file, as its suite's globs or `discover` gave it. */
  'file',
  /** Absolute path of the JUnit report that the command has to write. */
  'junit',
  /** The regular expression of `--test-name`; without it, the word that holds this is left out. */
  'testName',
  /** 0-based number of the shard. */
  'shard',
] as const

export type CommandPlaceholder = (typeof COMMAND_PLACEHOLDERS)[number]

const KNOWN: ReadonlySet<string> = new Set(COMMAND_PLACEHOLDERS)
/** A word in braces. `${NAME}` belongs to the shell. */
const BRACES = /(?<!\$)\{([A-Za-z][\w.-]*)\}/g

/** A text cut at its placeholders: there is one name less than there are pieces. */
export interface CutText {
  readonly pieces: readonly string[]
  readonly names: readonly CommandPlaceholder[]
}

export function cutAtPlaceholders(text: string): CutText {
  const pieces: string[] = []
  const names: CommandPlaceholder[] = []
  let at = 0
  for (const match of text.matchAll(BRACES)) {
    const name = match[1]!
    if (!isPlaceholder(name)) continue
    pieces.push(text.slice(at, match.index))
    names.push(name)
    at = match.index + match[0].length
  }
  return { pieces: [...pieces, text.slice(at)], names }
}

/** Every word in braces of a text, and where it stands. */
export function wordsInBraces(text: string): { readonly word: string; readonly at: number }[] {
  return [...text.matchAll(BRACES)].map((match) => ({ word: match[1]!, at: match.index }))
}

/** The placeholders of a command. */
export function placeholdersOf(command: CommandLine): ReadonlySet<CommandPlaceholder> {
  const texts = typeof command === 'string' ? [command] : command
  return new Set(texts.flatMap((text) => cutAtPlaceholders(text).names))
}

/** The plain word around a place in a line, up to white space. */
export function wordAround(line: string, place: number): string {
  return /\S*$/.exec(line.slice(0, place))![0] + /^\S*/.exec(line.slice(place))![0]
}

/** A command for all tests of a file: without the words that would select some. */
export function withoutTestName(command: CommandLine): CommandLine {
  if (typeof command !== 'string') return command.filter((word) => !cutAtPlaceholders(word).names.includes('testName'))
  return command.replaceAll(/\S*(?<!\$)\{testName\}\S*/g, '')
}

export function isPlaceholder(word: string): word is CommandPlaceholder {
  return KNOWN.has(word)
}
