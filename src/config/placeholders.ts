/** What an environment value of a suite may name in braces; the run fills them in. */
export const PLACEHOLDERS: readonly string[] = [
  'redis.url',
  'redis.host',
  'redis.port',
  'redis.db',
  'redis.username',
  'redis.password',
  'redis.prefix',
  'redis.socket',
  'redis.sentinels',
  'redis.sentinel.master',
  'redis.tls.ca',
  'redis.tls.cert',
  'redis.tls.key',
  'redis.tls.servername',
  'shard',
  'tier',
  'run',
]

/** The names in braces of a text. Braces around anything but a plain name, as in JSON, are left alone. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(/\{([A-Za-z][\w.-]*)\}/g)].map((match) => match[1]!)
}
