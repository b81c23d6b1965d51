/** A short password is only hidden where it is recognisable as one: hiding every "test" would hide everything. */
const HIDDEN_EVERYWHERE = 8

/** The forms in which a secret may appear in a text: as it is, in URLs with more or fewer escapes, and in JSON. */
export function secretForms(secret: string): string[] {
  const escaped = encodeURIComponent(secret)
  const strict = escaped.replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  const small = [escaped, strict].map((form) => form.replaceAll(/%../g, (escape) => escape.toLowerCase()))
  const forms = [...new Set([secret, escaped, strict, ...small, JSON.stringify(secret).slice(1, -1)])]
  return forms.flatMap((form) => (form.length >= HIDDEN_EVERYWHERE ? [form] : [`:${form}@`]))
}

/** The text with every form of a secret starred out. */
export function hideSecrets(text: string, forms: Iterable<string>): string {
  let left = text
  for (const form of forms) left = left.replaceAll(form, form.startsWith(':') ? ':***@' : '***')
  return left
}
