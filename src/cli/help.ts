/**
 * Manual pages: one tree of texts from which both the help and the parser are made, so that they cannot differ. This file
 * imports nothing, and the texts import only each other: `tiershard --help` costs little more than Node itself.
 */

export interface OptionText {
  /** As commander reads it: `--shards <N>`, `--changed [REF]`. */
  readonly flags: string
  readonly text: string
  /** The heading under which it stands. */
  readonly group: string
}

export interface ArgumentText {
  /** As commander reads it: `<N>` is needed, `[RUN]` is not, `[FILES...]` are many. */
  readonly flags: string
  readonly text: string
}

/** A command. Paragraphs are wrapped; the lines of a synopsis and of examples are not. */
export interface Manual {
  /** As one types it, from the first word. */
  readonly name: string
  /** What it does, in a few words, in small letters. */
  readonly summary: string
  readonly synopsis: readonly string[]
  readonly description: readonly string[]
  readonly arguments?: readonly ArgumentText[]
  /** Without --help and --version, which need no saying. */
  readonly options?: readonly OptionText[]
  readonly commands?: readonly Manual[]
  readonly exitCodes: readonly { readonly code: string; readonly text: string }[]
  readonly environment?: readonly { readonly name: string; readonly text: string }[]
  readonly examples?: readonly { readonly line: string; readonly text: string }[]
}

export const HELP: OptionText = { flags: '-h, --help', text: 'Print this page.', group: 'Other options' }
export const VERSION: OptionText = { flags: '-V, --version', text: 'Print the version.', group: 'Other options' }
export const HELP_COMMAND = { flags: 'help [COMMAND]', text: 'print a manual page' }

/** The manual that a command line asks for and nothing else (`run --help`, `help run`); null when it asks for more. */
export function manualAskedFor(argv: readonly string[], root: Manual): Manual | null {
  const last = argv.at(-1)
  const isOption = last === '--help' || last === '-h'
  const words = isOption ? argv.slice(0, -1) : argv[0] === 'help' ? argv.slice(1) : null
  return words && words.reduce<Manual | null>((manual, word) => childOf(manual, word), root)
}

function childOf(manual: Manual | null, word: string): Manual | null {
  return manual?.commands?.find((child) => child.name === `${manual.name} ${word}`) ?? null
}

const INDENT = 4
const MAX_WIDTH = 100

/** The page of a command. `columns` is the width of the terminal. */
export function manualPage(manual: Manual, isRoot: boolean, columns: number): string {
  const width = Math.max(40, Math.min(columns, MAX_WIDTH))
  const paragraph = (text: string, by = INDENT): string => wrap(text, width, by)
  const entry = (term: string, text: string): string => `${' '.repeat(INDENT)}${term}\n${paragraph(text, 2 * INDENT)}`
  const commands = [
    ...(manual.commands ?? []).map(({ name, summary }) => entry(name.split(' ').at(-1)!, summary)),
    ...(isRoot ? [entry(HELP_COMMAND.flags, HELP_COMMAND.text)] : []),
  ]
  return [
    section('NAME', [paragraph(`${manual.name} - ${manual.summary}`)]),
    section(
      'SYNOPSIS',
      manual.synopsis.map((line) => ' '.repeat(INDENT) + line),
    ),
    section(
      'DESCRIPTION',
      manual.description.map((text) => paragraph(text)),
      '\n\n',
    ),
    section('COMMANDS', commands),
    section(
      'ARGUMENTS',
      (manual.arguments ?? []).map(({ flags, text }) => entry(flags.replace(/[[\]<>]/g, ''), text)),
    ),
    ...groups([...(manual.options ?? []), ...(isRoot ? [VERSION] : []), HELP]).map(([title, options]) =>
      section(
        title.toUpperCase(),
        options.map(({ flags, text }) => entry(shownFlags(flags), text)),
      ),
    ),
    section(
      'EXIT STATUS',
      manual.exitCodes.map(({ code, text }) => hanging(code, text, width)),
    ),
    section(
      'ENVIRONMENT',
      (manual.environment ?? []).map(({ name, text }) => entry(name, text)),
    ),
    section(
      'EXAMPLES',
      (manual.examples ?? []).map(({ line, text }) => `${paragraph(text)}\n${' '.repeat(2 * INDENT)}${line}`),
      '\n\n',
    ),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function section(title: string, parts: readonly string[], between = '\n'): string {
  return parts.length === 0 ? '' : `${title}\n${parts.join(between)}\n`
}

/** Options under their headings, in the order in which the headings first appear. */
function groups(options: readonly OptionText[]): [string, OptionText[]][] {
  const found = new Map<string, OptionText[]>()
  for (const option of options) found.set(option.group, [...(found.get(option.group) ?? []), option])
  return [...found]
}

/** `--changed [REF]` as a manual writes it: `--changed[=REF]`; `--shards <N>`: `--shards N`. */
function shownFlags(flags: string): string {
  return flags.replace(/ \[(.+)\]$/, '[=$1]').replace(/<(.+)>$/, '$1')
}

/** A code, and its text in a column of its own. */
function hanging(code: string, text: string, width: number): string {
  const column = 2 * INDENT + 2
  return `${' '.repeat(INDENT)}${code.padEnd(column - INDENT)}${wrap(text, width, column).trimStart()}`
}

/** A paragraph in lines of at most `width` columns, each indented by `by`. */
function wrap(text: string, width: number, by: number): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line === '') lines[lines.length - 1] = word
    else if (by + line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines.map((line) => ' '.repeat(by) + line).join('\n')
}
