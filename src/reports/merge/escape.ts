/** Writing XML. What comes in holds no character that XML cannot hold: `XmlDecoder` and `resolveReferences` see to that. */

/** A text node of more than 10,000,000 bytes makes libxml2 refuse the report; a character takes four at most. */
export const MAX_TEXT = 2_000_000

const FORMS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

export function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (character) => FORMS[character]!) : text
}

export function escapeValue(text: string): string {
  return /[&<>"\t\n\r]/.test(text) ? text.replace(/[&<>"\t\n\r]/g, (character) => FORMS[character]!) : text
}

/** A name of an element or attribute that every reader takes, without a prefix that nobody declares here. */
export function plainName(name: string): string {
  if (/^[A-Za-z_][\w.-]*$/.test(name)) return name
  const plain = name.replace(/[^\w.-]/g, '_')
  return /^[A-Za-z_]/.test(plain) ? plain : `_${plain}`
}
