/**
 * Whole numbers as text that needs no separator: digits to base 32, the last one from an alphabet of its own. 5 is "F",
 * 1234 is "16S". All characters stand in JSON as they are.
 */
const DIGITS = '0123456789abcdefghijklmnopqrstuv'
const LAST_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ_-+*=~'
const BASE = 32

/** By character code: the value of a digit; of a last digit 32 more; -1 for any other character. */
const VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < BASE; value++) {
  VALUES[DIGITS.charCodeAt(value)] = value
  VALUES[LAST_DIGITS.charCodeAt(value)] = BASE + value
}

/** @param value whole, 0 or more */
export function packNumber(value: number): string {
  let text = LAST_DIGITS.charAt(value % BASE)
  for (let rest = Math.floor(value / BASE); rest > 0; rest = Math.floor(rest / BASE)) {
    text = DIGITS.charAt(rest % BASE) + text
  }
  return text
}

/** Where the number that begins at a place ends: the place after its last digit; -1: no number begins there. */
export function endOfNumber(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const value = VALUES[text.charCodeAt(at)] ?? -1
    if (value === -1) return -1
    if (value >= BASE) return at + 1
  }
  return -1
}

/** The number between two places, as {@link endOfNumber} found them. */
export function readNumber(text: string, from: number, to: number): number {
  let number = 0
  for (let at = from; at < to; at++) number = number * BASE + (VALUES[text.charCodeAt(at)]! % BASE)
  return number
}
