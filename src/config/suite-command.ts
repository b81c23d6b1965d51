import { COMMAND_PLACEHOLDERS, isPlaceholder, wordAround, wordsInBraces } from '../core/command.ts'
import { show, wrong, type Mistake } from './mistake.ts'
import { nearest } from './nearest.ts'

const EXAMPLE = "run: 'pytest {file} --junitxml={junit}'"
const FILLED_IN = COMMAND_PLACEHOLDERS.map((word) => `{${word}}`).join(', ')

/** What may stand beside {testName} in its word. */
const PLAIN = /^[\w=:,./@%+-]*$/

type Suite = Readonly<Record<string, unknown>>

/** Where the files of a suite come from and what runs them: what is missing, what does not go together. */
export function suiteCommandMistakes(name: string, suite: Suite): Mistake[] {
  const place = ['suites', name]
  return suite['engine'] === 'command' ? commandSuite(place, suite) : vitestSuite(place, suite)
}

function vitestSuite(place: readonly string[], suite: Suite): Mistake[] {
  const isVitest = suite['engine'] === undefined || suite['engine'] === 'vitest'
  const strange = (['run', 'discover'] as const).flatMap((key) => {
    if (suite[key] === undefined || !isVitest) return []
    const problem = `${key} in a suite that vitest runs`
    const hint = "set engine: 'command' for a suite of another runner"
    return [wrong([...place, key], 'key', problem, `no ${key}`, show(suite[key]), hint)]
  })
  return suite['files'] === undefined ? [missing(place, 'files', null), ...strange] : strange
}

function commandSuite(place: readonly string[], suite: Suite): Mistake[] {
  const { run, discover, files, exclude } = suite
  const found: Mistake[] = []
  if (run === undefined) found.push(missing(place, 'run', EXAMPLE))
  else found.push(...runMistakes([...place, 'run'], run, discover === undefined))
  if (discover === undefined) {
    const hint = "say which files there are: files: 'tests/**/test_*.py', or a command that prints them: discover"
    return files === undefined ? [...found, missing(place, 'files', hint)] : found
  }
  for (const [key, value] of Object.entries({ files, exclude })) {
    if (value === undefined) continue
    const problem = `${key} beside discover: the command alone says what there is`
    found.push(wrong([...place, key], 'key', problem, 'one of the two', show(value), `leave ${key} or discover out`))
  }
  for (const { word } of textsOf(discover).flatMap(({ text }) => wordsInBraces(text))) {
    if (!isPlaceholder(word)) continue
    const problem = `{${word}} in discover: nothing is filled in there`
    found.push(wrong([...place, 'discover'], 'value', problem, 'a command without it', show(discover), null))
  }
  return found
}

function missing(place: readonly string[], key: string, hint: string | null): Mistake {
  const problem = `${[...place, key].join('.')} is missing`
  return wrong(place, 'key', problem, `an object with "${key}"`, 'nothing', hint)
}

function runMistakes(place: readonly string[], run: unknown, needsFile: boolean): Mistake[] {
  const texts = textsOf(run)
  if (texts.length === 0) return []
  const words = texts.flatMap(({ text, isLine }) =>
    wordsInBraces(text).map(({ word, at }) => {
      const around = word === 'testName' && isLine ? wordAround(text, at).replaceAll('{testName}', '') : ''
      return { word, isQuoted: isLine && isQuoted(text, at), isOdd: !PLAIN.test(around) }
    }),
  )
  const mistake = (problem: string, expected: string, hint: string): Mistake =>
    wrong(place, 'value', problem, expected, show(run), hint)
  const found = words.flatMap(({ word, isQuoted: quoted, isOdd }) => {
    if (isPlaceholder(word)) {
      if (!quoted && isOdd) {
        const hint = 'without --test-name the whole word is left out: write an option as one, --grep={testName}'
        return [mistake('{testName} is in a word with more than plain text', 'a plain word', hint)]
      }
      if (!quoted) return []
      const hint = 'leave the quotes out: what is filled in is quoted already'
      return [mistake(`{${word}} stands in quotes`, `{${word}} without quotes around it`, hint)]
    }
    // What is quoted may be a program in another language.
    return quoted ? [] : [mistake(`{${word}} is nothing that is filled in`, `only ${FILLED_IN}`, advice(word))]
  })
  const named = new Set(words.map(({ word }) => word))
  if (!named.has('junit')) {
    const problem = 'the command does not say where its report goes'
    found.push(mistake(problem, 'the path {junit} in it', `as in ${EXAMPLE}`))
  }
  if (needsFile && !named.has('file')) {
    const problem = 'the command does not say which file it runs'
    found.push(mistake(problem, '{file} in it: it is run for each file by itself', `as in ${EXAMPLE}`))
  }
  return found
}

function advice(word: string): string {
  if (word.startsWith('redis.')) return 'the command finds its Redis in the environment: REDIS_URL'
  const near = nearest(word, COMMAND_PLACEHOLDERS)
  return near === null
    ? `put it in quotes if the braces are meant for the command: '{${word}}'`
    : `did you mean {${near}}?`
}

/** The texts of a command; of what is none, nothing. */
function textsOf(command: unknown): { readonly text: string; readonly isLine: boolean }[] {
  if (typeof command === 'string') return [{ text: command, isLine: true }]
  if (!Array.isArray(command)) return []
  return command.flatMap((text: unknown) => (typeof text === 'string' ? [{ text, isLine: false }] : []))
}

/** Whether a place of a bash line is inside of quotes, as far as quotes are not nested by $( ). */
function isQuoted(line: string, place: number): boolean {
  let quote = ''
  for (let at = 0; at < place; at++) {
    const character = line[at]!
    if (character === '\\' && quote !== "'") at++
    else if (quote === '' && (character === "'" || character === '"')) quote = character
    else if (character === quote) quote = ''
  }
  return quote !== ''
}
