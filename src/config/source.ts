import type { SourceRequest } from '../core/settings.ts'

type UrlOrigin = Extract<SourceRequest, { kind: 'url' }>['from']

/** What a source may be, for messages. */
export const SOURCE_FORMS =
  "'auto', 'route', 'loadbalancer', 'nodeport', 'port-forward', 'local', 'embedded' or a URL: redis://host:6379, rediss://host:6379, unix:///path/of/socket or redis+sentinel://host:26379,host2:26379/master-name (rediss+sentinel:// with TLS)"

export const WORDS = ['auto', 'route', 'loadbalancer', 'nodeport', 'port-forward', 'local', 'embedded'] as const

/** Reads a source as config and command line write it; null when it is none. `from` is kept for the run's report. */
export function parseSource(text: string, from: UrlOrigin): SourceRequest | null {
  const word = WORDS.find((it) => it === text)
  if (word) return { kind: word }
  return isRedisUrl(text) ? { kind: 'url', url: text, from } : null
}

function isRedisUrl(text: string): boolean {
  if (/^rediss?\+sentinel:\/\/(.*@)?[^/@]+\/[\w.-]+(\/\d*)?$/.test(text)) return true
  if (!URL.canParse(text)) return false
  const { protocol, hostname, pathname } = new URL(text)
  if (protocol === 'unix:' || protocol === 'redis+unix:') return pathname.length > 1
  return (protocol === 'redis:' || protocol === 'rediss:') && hostname !== '' && /^\/?\d*$/.test(pathname)
}

/**
 * What stands before the host in URLs. A Redis URL up to its last @, since people forget to encode passwords; of other
 * URLs only what cannot be a path, so that file:///node_modules/@scope/ stays readable.
 */
const USER_INFO = /(?<=\brediss?(?:\+[a-z]+)?:\/\/)[^\s'"`]+(?=@)|(?<=\b[a-z][a-z+.-]*:\/\/)[^\s'"`/@]+(?=@)/gi

/** The text without the user and password of any URL in it, of the same length so that columns stay right. */
export function maskSecrets(text: string): string {
  return text.replaceAll(USER_INFO, (secret) => '*'.repeat(secret.length))
}
