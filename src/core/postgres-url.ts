/** URLs of Postgres, as people write them. */

export interface PostgresUrl {
  /** With user and password before the host, each of them escaped in the same way. */
  readonly url: string
  /** The password, and every form in which it was written; empty when there is none. */
  readonly secrets: readonly string[]
}

/**
 * Reads a URL of Postgres; null when it is none, when it names no host, or when a % in it begins no escape, since clients
 * do not agree on what that means. Clients know user, password and host as parameters as well, which win.
 */
export function readPostgresUrl(text: string): PostgresUrl | null {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return null
  const url = new URL(text)
  const { searchParams: parameters } = url
  const [user, password, host, database] = [url.username, url.password, url.hostname, url.pathname].map(decoded)
  if (user == null || password == null || host == null || database == null) return null
  if (host === '' && !parameters.get('host')) return null
  const secrets = [parameters.get('password') ?? '', password, url.password, ...written(text)]
  // A URL without a host has no place for them but the parameters.
  if (host !== '') {
    url.username = encodeURIComponent(parameters.get('user') || user)
    url.password = encodeURIComponent(parameters.get('password') || password)
    for (const name of ['user', 'password']) if (parameters.has(name)) parameters.delete(name)
    // The parameters are written anew then, with a + for a space, which not every client reads.
    if (!text.includes(url.search)) url.search = url.search.replaceAll('+', '%20')
  }
  return { url: url.href, secrets: [...new Set(secrets.filter((one) => one !== ''))] }
}

/** The password as it stands in a URL. */
function written(text: string): string[] {
  const [authority = ''] = text.slice(text.indexOf('//') + 2).split(/[/?#]/, 1)
  const user = authority.slice(0, Math.max(authority.lastIndexOf('@'), 0))
  const parameters = [...text.matchAll(/[?&]password=([^&#]*)/g)].map((match) => match[1]!)
  return [user.includes(':') ? user.slice(user.indexOf(':') + 1) : '', ...parameters]
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
