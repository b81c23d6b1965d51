import { distance } from 'fastest-levenshtein'

/** The candidate that was probably meant: at most a third of its letters differ (two at least); null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null
  let least = Infinity
  for (const candidate of candidates) {
    const letters = distance(word.toLowerCase(), candidate.toLowerCase())
    if (letters < least && letters <= Math.max(2, Math.floor(candidate.length / 3)) && letters < candidate.length) {
      best = candidate
      least = letters
    }
  }
  return best
}
