/** The parts of the grammar of XML 1.0 that are one expression or one small function each. */

/** Elements of JUnit. Where one of them begins inside of a tag, the tag was cut: nobody's value looks like this. */
export const JUNIT_TAG =
  /<\/?(?:testsuites?|testcase|failure|error|skipped|propert(?:y|ies)|system-(?:out|err)|(?:flaky|rerun)(?:Failure|Error))(?=[\s/>])/

export const DECLARATION =
  /^<\?xml\s+version\s*=\s*(?:"1\.\d+"|'1\.\d+')(?:\s+encoding\s*=\s*(?:"[A-Za-z][\w.-]*"|'[A-Za-z][\w.-]*'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>$/

/** Productions 4 to 5 of the recommendation. */
const START = String.raw`:A-Z_a-z\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{2FF}\u{370}-\u{37D}\u{37F}-\u{1FFF}\u{200C}\u{200D}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}`
const NAME = new RegExp(`^[${START}][-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}${START}]*$`, 'u')

/** Names that were seen to be right: a report has few, and repeats them millions of times. */
const known = new Set<string>()
const MAX_KNOWN = 1000

export function isName(text: string): boolean {
  if (known.has(text)) return true
  const is = NAME.test(text)
  if (is && known.size < MAX_KNOWN && text.length < 100) known.add(text)
  return is
}

/** By character code: 1 for what cannot be part of a name. What is above ASCII may be; {@link NAME} has a closer look. */
export const ENDS_NAME = Uint8Array.from({ length: 128 }, (_, code) =>
  /[-:A-Z_a-z.0-9]/.test(String.fromCharCode(code)) ? 0 : 1,
)

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Replaces the five entities and numbers. Everything else stays as it is written, and `mistake` is called. */
export function resolveReferences(text: string, mistake: (message: string) => void): string {
  let resolved = ''
  let from = 0
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', from)) {
    const end = text.indexOf(';', at)
    // The longest name is quot; a number may have zeros before it.
    const name = end === -1 || end - at > 64 ? '' : text.slice(at + 1, end)
    const character = name === '' ? undefined : (ENTITIES.get(name) ?? numbered(name, mistake))
    if (character === undefined)
      mistake(
        /^[A-Za-z_][\w.-]*$/.test(name) ? `the entity &${name}; is not one of XML's own` : '"&" that begins no entity',
      )
    resolved += text.slice(from, at) + (character ?? '&')
    from = character === undefined ? at + 1 : end + 1
  }
  return resolved + text.slice(from)
}

/** `#65` or `#x41`; undefined when it is neither. */
function numbered(name: string, mistake: (message: string) => void): string | undefined {
  const [, decimal, hex] = /^#(?:(\d+)|x([\da-fA-F]+))$/.exec(name) ?? []
  if (decimal === undefined && hex === undefined) return undefined
  const code = decimal !== undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex!, 16)
  if (isCharacter(code)) return String.fromCodePoint(code)
  mistake(`&${name}; is no character of XML`)
  return '\u{fffd}'
}

function isCharacter(code: number): boolean {
  if (code < 32) return code === 9 || code === 10 || code === 13
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}

/** Skips a document type with its declarations; returns the place behind its `>`, -1 when that is not here. */
export function endOfDoctype(text: string, from: number): number {
  const outside = /"[^"]*"|'[^']*'|[["'>]/g
  const inside = /"[^"]*"|'[^']*'|<!--[^]*?-->|<\?[^]*?\?>|<!--|<\?|["'\]]/g
  let token = outside
  for (let at = from; ;) {
    token.lastIndex = at
    const found = token.exec(text)?.[0]
    // Something that has begun and does not end here.
    if (found === undefined || found === '"' || found === "'" || found === '<!--' || found === '<?') return -1
    at = token.lastIndex
    if (found === '>') return at
    if (found === '[') token = inside
    else if (found === ']') token = outside
  }
}
