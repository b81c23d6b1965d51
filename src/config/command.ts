/** Splits a command as a shell would, without being one; a string is what cannot be had without a shell. */
export function splitCommand(text: string): string[] | string {
  const words: string[] = []
  let word: string | null = null
  const pattern = /'([^']*)'|"([^"]*)"|(\s+)|([|&;<>()$`\\*?~#!"'])|([^\s'"|&;<>()$`\\*?~#!]+)/g
  for (const [, single, double, space, special, plain] of text.matchAll(pattern)) {
    if (special !== undefined) return special
    if (space !== undefined) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + (single ?? double ?? plain ?? '')
  }
  return word === null ? words : [...words, word]
}
