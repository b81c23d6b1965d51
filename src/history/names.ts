import { endOfNumber, packNumber, readNumber } from './numbers.ts'

/**
 * Names that follow each other begin alike: of each, how much it shares with the one before, and the rest.
 *
 * @param before the name before; '' before the first
 */
export function packName(name: string, before: string): string {
  const most = Math.min(name.length, before.length)
  let shared = 0
  while (shared < most && name.charCodeAt(shared) === before.charCodeAt(shared)) shared++
  return packNumber(shared) + name.slice(shared)
}

/** The name; what does not begin with a number is taken as it is. */
export function unpackName(packed: string, before: string): string {
  const from = endOfNumber(packed, 0)
  return from === -1 ? packed : before.slice(0, readNumber(packed, 0, from)) + packed.slice(from)
}

/** So that a name can stand between bars. */
export function escape(name: string): string {
  return /[%|]/.test(name) ? name.replaceAll('%', '%25').replaceAll('|', '%7C') : name
}

export function unescape(text: string): string {
  return text.includes('%') ? text.replaceAll('%7C', '|').replaceAll('%25', '%') : text
}
