import { isUtf8 } from 'node:buffer'

/** Bytes to look at before the encoding is decided. */
const HEAD = 1024

/** Characters that XML 1.0 cannot hold, but for lone surrogates, which decoding does not leave. */
// oxlint-disable-next-line no-control-regex
const NOT_XML = /[\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{fffe}\u{ffff}]/u
const EVERY_NOT_XML = new RegExp(NOT_XML, 'gu')

/** Turns the bytes of a file, in pieces of any size, into text that an `XmlReader` takes. Nothing is ever refused. */
export class XmlDecoder {
  /** Characters that XML cannot hold; U+FFFD stands in their place. */
  replaced = 0
  private readonly damage: (message: string) => void
  private head: Buffer | null = Buffer.alloc(0)
  private decode: (bytes: Buffer, last: boolean) => string = () => ''
  private pendingReturn = false
  private readonly said = new Set<string>()

  /** @param damage what the bytes show to be wrong, each thing once */
  constructor(damage: (message: string) => void) {
    this.damage = (message) => {
      if (this.said.has(message)) return
      this.said.add(message)
      damage(message)
    }
  }

  /** The bytes may be overwritten afterwards. */
  write(bytes: Buffer): string {
    if (this.head === null) return this.clean(this.decode(bytes, false), false)
    this.head = Buffer.concat([this.head, bytes])
    return this.head.length < HEAD ? '' : this.begin(false)
  }

  end(): string {
    return this.head === null ? this.clean(this.decode(Buffer.alloc(0), true), true) : this.begin(true)
  }

  private begin(last: boolean): string {
    const head = this.head!
    this.head = null
    const { encoding, skip } = encodingOf(head)
    this.decode = encoding === 'utf-8' ? utf8Decoder(this.damage) : this.otherDecoder(encoding)
    return this.clean(this.decode(head.subarray(skip), last), last)
  }

  private otherDecoder(encoding: string): (bytes: Buffer, last: boolean) => string {
    let decoder: InstanceType<typeof TextDecoder>
    try {
      decoder = new TextDecoder(encoding, { ignoreBOM: true })
    } catch {
      this.damage(`the encoding ${JSON.stringify(encoding)} is not known; read as UTF-8`)
      return utf8Decoder(this.damage)
    }
    return (bytes, last) => {
      // In one piece, Node 22 reads windows-1252 as Latin-1 (nodejs/node#56542); as a stream it does not.
      const text = decoder.decode(bytes, { stream: true }) + (last ? decoder.decode() : '')
      if (text.includes('\u{fffd}')) this.damage(`bytes that are not ${encoding}`)
      return text
    }
  }

  /** Line ends as XML reads them, and U+FFFD for what XML cannot hold. */
  private clean(decoded: string, last: boolean): string {
    let text = this.pendingReturn ? `\r${decoded}` : decoded
    this.pendingReturn = !last && text.endsWith('\r')
    if (this.pendingReturn) text = text.slice(0, -1)
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n')
    if (!NOT_XML.test(text)) return text
    // Blocks of zeros are what a crashed machine leaves of a file; other control characters are what tests print.
    if (text.includes('\0')) this.damage('bytes that are zero')
    return text.replace(EVERY_NOT_XML, () => {
      this.replaced++
      return '\u{fffd}'
    })
  }
}

function utf8Decoder(damage: (message: string) => void): (bytes: Buffer, last: boolean) => string {
  let rest = Buffer.alloc(0)
  return (bytes, last) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const whole = last ? all : all.subarray(0, all.length - halfCharacter(all))
    rest = Buffer.from(all.subarray(whole.length))
    if (!isUtf8(whole)) damage('bytes that are not UTF-8')
    return whole.toString('utf8')
  }
}

/** How many bytes at the end are the beginning of a character. */
function halfCharacter(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0
  }
  return 0
}

/** By byte order mark, then by the first bytes, then by the declaration; else UTF-8. `skip`: bytes of the mark. */
function encodingOf(head: Buffer): { readonly encoding: string; readonly skip: number } {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { encoding: 'utf-8', skip: 3 }
  if (head[0] === 0xff && head[1] === 0xfe) return { encoding: 'utf-16le', skip: 2 }
  if (head[0] === 0xfe && head[1] === 0xff) return { encoding: 'utf-16be', skip: 2 }
  if (head[0] === 0x3c && head[1] === 0) return { encoding: 'utf-16le', skip: 0 }
  if (head[0] === 0 && head[1] === 0x3c) return { encoding: 'utf-16be', skip: 0 }
  const declared = /^<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)["']/.exec(head.toString('latin1'))?.[1]
  // A declaration that can be read byte by byte is not UTF-16, whatever it says; several tools write that.
  const encoding = (declared ?? 'utf-8').toLowerCase()
  return { encoding: /^(?:utf-?8|utf-?16(?:le|be)?|ucs-2)$/.test(encoding) ? 'utf-8' : encoding, skip: 0 }
}
