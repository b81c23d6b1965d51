import { styleText } from 'node:util'

/** What the console writes to: process.stdout, a file, a pipe. */
export type ConsoleStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  getColorDepth?(env?: object): number
}

type Style = Extract<Parameters<typeof styleText>[0], string>

/** Colours a text, or leaves it alone where colours are off. Texts must be printable and cut before they are painted. */
export type Paint = (style: Style | readonly Style[], text: string) => string

export const plainPaint: Paint = (_, text) => text
const colourPaint: Paint = (style, text) => styleText(style as Style | Style[], text, { validateStream: false })

/** The paint for a stream. */
export function createPaint(stream: ConsoleStream, env: NodeJS.ProcessEnv): Paint {
  return hasColours(stream, env) ? colourPaint : plainPaint
}

/**
 * Whether to colour: FORCE_COLOR decides when it is set (`0` and `false` mean no), as in Node; else a terminal that
 * can, unless NO_COLOR (https://no-color.org) is set or TERM is `dumb`.
 */
export function hasColours(stream: ConsoleStream, env: NodeJS.ProcessEnv): boolean {
  const force = env['FORCE_COLOR']
  if (force !== undefined) return force !== '0' && force !== 'false'
  if (env['NO_COLOR'] || env['NODE_DISABLE_COLORS'] || env['TERM'] === 'dumb' || stream.isTTY !== true) return false
  return stream.getColorDepth === undefined || stream.getColorDepth(env) > 2
}

/** A piece of a line: its text, and how it is painted. */
export interface Piece {
  readonly text: string
  readonly style?: Style | readonly Style[]
}

/** The colour of an ending: green for good, red for bad, yellow for what the tests are not to blame for, gray for nothing. */
export function symbolStyle(symbol: '✓' | '✗' | '!' | '-'): Style {
  return symbol === '✓' ? 'green' : symbol === '✗' ? 'red' : symbol === '!' ? 'yellow' : 'gray'
}
