/** The parts of the grammar of XML 1.0 that are one expression or one small function each. */

/** Elements of JUnit. Where one of them begins inside of a tag, the tag was cut: nobody's value looks like this. */
export const JUNIT_TAG =
  /<\/?(?:testsuites?|testcase|failure|error|skipped|propert(?:y|ies)|system-(?:out|err)|(?:flaky|rerun)(?:Failure|Error))(?=[\s/>])/

export const DECLARATION =
  /^<\?xml\s+version\s*=\s*(?:"1\.\d+"|'1\.\d+')(?:\s+encoding\s*=\s*(?:"[A-Za-z][\w.-]*"|'[A-Za-z][\w.-]*'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>$/

/** Productions 4 to 5 of the recommendation. */
const START = String.raw`:A-Z_a-z\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{2FF}\u{370}-\u{37D}\u{37F}-\u{1FFF}\u{200C}\u{200D}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}`
export const NAME = new RegExp(`^[${START}][-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}${START}]*$`, 'u')

/** By character code: 1 for what cannot be part of a name. What is above ASCII may be; {@link NAME} has a closer look. */
export const ENDS_NAME = Uint8Array.from({ length: 128 }, (_, code) =>
  /[-:A-Z_a-z.0-9]/.test(String.fromCharCode(code)) ? 0 : 1,
)

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Replaces the five entities and numbers. Everything else stays as it is written, and `mistake` is called. */
export function resolveReferences(text: string, mistake: (message: string) => void): string {
  return text.replace(/&(?:#(\d+);|#x([\da-fA-F]+);|([A-Za-z_][\w.-]*);)?/g, (whole, decimal, hex, name) => {
    if (name !== undefined) {
      const known = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined
      if (known === undefined) mistake(`the entity ${whole} is not one of XML's own`)
      return known ?? whole
    }
    if (whole === '&') {
      mistake('"&" that begins no entity')
      return whole
    }
    const code = decimal !== undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16)
    if (isCharacter(code)) return String.fromCodePoint(code)
    mistake(`${whole} is no character of XML`)
    return '\u{fffd}'
  })
}

function isCharacter(code: number): boolean {
  if (code < 32) return code === 9 || code === 10 || code === 13
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}

/** Skips a document type with its declarations; returns the place behind its `>`, -1 when that is not here. */
export function endOfDoctype(text: string, from: number): number {
  const token = /"[^"]*"|'[^']*'|<!--[^]*?-->|<\?[^]*?\?>|[[\]>"'<]/g
  token.lastIndex = from
  let depth = 0
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match
    if (found === '"' || found === "'") return -1
    if (found === '[' || found === '<') depth++
    else if (found === ']') depth--
    else if (found === '>' && depth-- === 0) return token.lastIndex
  }
  return -1
}
