/** Output of one attempt that is passed on, UTF-16 units; a test in an endless loop of logging must not fill the disk. */
const LIMIT = 1024 * 1024
const NOTE = '\n[tiershard: the file wrote more than 1 MB; the rest was left out]\n'

export type Output = (stream: 'stdout' | 'stderr', text: string) => void

/** Passes output on until it is too much. */
export function limitedOutput(tell: Output): Output {
  let told = 0
  return (stream, text) => {
    if (told >= LIMIT || text === '') return
    const room = LIMIT - told
    told += text.length
    tell(stream, text.length < room ? text : text.slice(0, room) + NOTE)
  }
}
