import fc from '../../support/property.ts'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { parseSentinel } from '../../../src/redis/sentinel.ts'
import { addressOf, connectionTo, parseAddress, type Address } from '../../../src/redis/address.ts'

function parsed(url: string, env: NodeJS.ProcessEnv = {}): Address {
  const result = parseAddress(url, env)
  if (!result.ok) throw new Error(result.problem)
  return result.address
}

describe('an address', () => {
  test('has the defaults of Redis', () => {
    expect(parsed('redis://')).toMatchObject({
      host: '127.0.0.1',
      port: 6379,
      tls: false,
      database: null,
      password: null,
    })
    expect(parsed('redis://cache.example')).toMatchObject({ host: 'cache.example', port: 6379 })
  })

  test('carries user, password, database and TLS', () => {
    expect(parsed('rediss://me:p%40ss%2F@cache.example:7000/12')).toMatchObject({
      tls: true,
      host: 'cache.example',
      port: 7000,
      username: 'me',
      password: 'p@ss/',
      database: 12,
    })
  })

  test('takes user and password from the environment when the URL has none', () => {
    const env = { REDIS_USERNAME: 'env-user', REDIS_PASSWORD: 'env-secret' }
    expect(parsed('redis://h', env)).toMatchObject({ username: 'env-user', password: 'env-secret' })
    expect(parsed('redis://url-user:url-secret@h', env)).toMatchObject({ username: 'url-user', password: 'url-secret' })
  })

  test('knows IPv6', () => {
    const address = parsed('redis://[::1]:6380/2')
    expect(address).toMatchObject({ host: '::1', port: 6380, label: 'redis://[::1]:6380' })
    expect(connectionTo(address, 5).url).toBe('redis://[::1]:6380/5')
  })

  test.each(['unix:///run/redis.sock', 'redis+unix:///run/redis.sock', '/run/redis.sock'])('%s is a socket', (url) => {
    const address = parsed(`${url}?db=3&password=p%40ss&family=6`)
    expect(address).toMatchObject({ socket: '/run/redis.sock', database: 3, password: 'p@ss', search: '?family=6' })
    expect(address.label).toBe('unix:///run/redis.sock')
    expect(parsed(connectionTo(address, 7).url)).toEqual({ ...address, database: 7 })
  })

  test.each([
    ['', 'is set, but empty'],
    ['  ', 'is set, but empty'],
    ['localhost', 'is not a URL'],
    ['http://:sesame@localhost:80', 'has the scheme http://'],
    ['redis+sentinel://:sesame@a:1/m', 'has the scheme redis+sentinel://'],
    ['redis://:sesame@h/first', 'not a database number'],
    ['redis://:sesame@h/-1', 'not a database number'],
    ['redis://:sesame@h:0', 'port 0'],
    ['redis://:sesame%@h', 'not percent-encoded'],
    ['redis://:sesame@h:99999', 'is not a URL'],
    ['unix://host/run/redis.sock?password=sesame', 'does not name a socket'],
    ['unix:///?password=sesame', 'does not name a socket'],
    ['/run/redis.sock?db=two&password=sesame', 'not a database number'],
  ])('%j is refused: %s', (url, problem) => {
    const result = parseAddress(url, {})
    expect(result).toMatchObject({ ok: false, problem: expect.stringContaining(problem) })
    expect(JSON.stringify(result)).not.toContain('sesame')
  })
})

test('what test code gets names the same server, user and password, whatever they are made of, and one database', () => {
  const text = fc.string({
    unit: fc.constantFrom(...Array.from('aZ0:/@?#%[]\\ +&=\u0000\u00e9\u6f22')),
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(text, text, fc.nat(1000), fc.integer({ min: 1, max: 65_535 }), (username, password, database, port) => {
      const address = { ...addressOf({ host: 'h.example', port }), username, password }
      const connection = connectionTo(address, database)
      expect(parsed(connection.url)).toMatchObject({ host: 'h.example', port, username, password, database })
      expect(address.label).toBe(`redis://h.example:${port}`)
    }),
  )
})

test('ioredis reads the URL as it was meant', () => {
  const { url } = connectionTo({ ...addressOf({ host: 'h', port: 1 }), username: null, password: 'a:b/c@d#e?f' }, 9)
  const redis = new Redis(url, { lazyConnect: true })
  expect(redis.options).toMatchObject({ host: 'h', port: 1, db: 9, password: 'a:b/c@d#e?f' })
  redis.disconnect()
})

describe('Sentinels', () => {
  test('hosts, master, database, user and password', () => {
    expect(parseSentinel('redis+sentinel://me:p%40ss@a:1,b,[::1]:3/m-1/4', {})).toEqual({
      ok: true,
      target: {
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 26_379 },
          { host: '::1', port: 3 },
        ],
        master: 'm-1',
        database: 4,
        username: 'me',
        password: 'p@ss',
        sentinelPassword: null,
        tls: false,
        label: 'redis+sentinel://a:1,b:26379,[::1]:3/m-1',
      },
    })
    expect(parseSentinel('rediss+sentinel://:sesame@a/m', {})).toMatchObject({
      ok: true,
      target: { nodes: [{ host: 'a', port: 26_379 }], tls: true, label: 'rediss+sentinel://a:26379/m' },
    })
  })

  test.each([
    'redis+sentinel://:sesame@a:1',
    'redis+sentinel://:sesame@a:1/',
    'redis+sentinel://:sesame@a:1,/m',
    'redis+sentinel://:sesame@a:1/m/first',
    'redis+sentinel://:sesame@a:1/m/1/2',
    'redis+sentinel://:sesame@a:99999/m',
    'redis+sentinel://:sesame%@a/m',
  ])('%s is refused', (url) => {
    const result = parseSentinel(url, {})
    expect(result.ok).toBe(false)
    expect(JSON.stringify(result)).not.toContain('sesame')
  })
})
