import { SaxesParser } from 'saxes'
import { XmlReader } from '../../../src/reports/merge/xml.ts'

/** What a reader saw: `<name a="v">`, texts joined, `</>`; and whether it found anything wrong. */
export interface Seen {
  readonly events: readonly string[]
  readonly damage: readonly string[]
}

/** As our reader sees a text that comes in pieces of the given length. */
export function seenByUs(text: string, piece: number): Seen {
  const damage: string[] = []
  const log = createLog()
  const reader = new XmlReader({
    endsBefore: () => 0,
    open: (name, { names, values }) =>
      log.open(
        name,
        names.map((key, at): [string, string] => [key, values[at]!]),
      ),
    text: log.text,
    close: log.close,
    damage: (message) => damage.push(message),
  })
  for (let at = 0; at < text.length; at += piece) reader.write(text.slice(at, at + piece))
  reader.end()
  return { events: log.end(), damage }
}

/** As saxes sees it, strictly. */
export function seenBySaxes(text: string): Seen {
  const damage: string[] = []
  const log = createLog()
  const parser = new SaxesParser({ xmlns: false })
  parser.on('error', (error) => damage.push(error.message))
  parser.on('opentag', ({ name, attributes }) => log.open(name, Object.entries(attributes)))
  parser.on('text', log.text)
  parser.on('cdata', log.text)
  parser.on('closetag', log.close)
  parser.write(text)
  parser.close()
  return { events: log.end(), damage }
}

function createLog() {
  const events: string[] = []
  let pending = ''
  let depth = 0
  const settle = (): void => {
    if (pending !== '') events.push(pending)
    pending = ''
  }
  return {
    open(name: string, attributes: readonly (readonly [string, string])[]): void {
      settle()
      depth++
      events.push(`<${name}${attributes.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join('')}>`)
    },
    text: (text: string): void => {
      // White space around the root is text to saxes.
      if (depth > 0) pending += text
    },
    close: (): void => {
      settle()
      depth--
      events.push('</>')
    },
    end: (): readonly string[] => events,
  }
}
