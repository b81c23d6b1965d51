/** A short password is only hidden where it is recognisable as one: hiding every "test" would hide everything. */
const HIDDEN_EVERYWHERE = 8

/** The forms in which a secret may appear in a text. */
export function secretForms(secret: string): string[] {
  const forms = [...new Set([secret, encodeURIComponent(secret)])]
  return forms.flatMap((form) => (form.length >= HIDDEN_EVERYWHERE ? [form] : [`:${form}@`]))
}

/** The text with every form of a secret starred out. */
export function hideSecrets(text: string, forms: Iterable<string>): string {
  let left = text
  for (const form of forms) left = left.replaceAll(form, form.startsWith(':') ? ':***@' : '***')
  return left
}
