/** Names in braces. Braces around anything but a plain name, as in JSON, are left alone. */
const PLACEHOLDER = /\{([A-Za-z][\w.-]*)\}/g

/** The names in braces of a text. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map((match) => match[1]!)
}

/** The text with names in braces filled in; those without a value stay. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(PLACEHOLDER, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole))
}
