import { describe, expect, test } from 'vitest'
import type { CauseCode } from '../../../src/core/ending.ts'
import { connectCause, replyCause } from '../../../src/redis/causes.ts'
import { throughRouter } from '../../../src/redis/cluster.ts'

const label = 'redis://cache.example:6379'

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' })
}

describe('an error reply', () => {
  test.each<[string, CauseCode]>([
    ["READONLY You can't write against a read only replica. script: 5f0e, on @user_script:16.", 'redis-read-only'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'redis-out-of-memory'],
    ['MISCONF Redis is configured to save RDB snapshots, but it is unable to persist on disk.', 'redis-read-only'],
    ['NOREPLICAS Not enough good replicas to write.', 'redis-read-only'],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'redis-read-only'],
    ['LOADING Redis is loading the dataset in memory', 'redis-loading'],
    ['CLUSTERDOWN Hash slot not served', 'redis-cluster'],
    ['MOVED 3999 127.0.0.1:6381', 'redis-cluster'],
    ['NOPERM this user has no permissions to run the "select" command', 'redis-denied'],
    ['DENIED Redis is running in protected mode', 'redis-denied'],
    ['NOAUTH Authentication required.', 'redis-auth'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'redis-auth'],
    ['ERR invalid password', 'redis-auth'],
    ['ERR max number of clients reached', 'redis-too-many-clients'],
    ['BUSY Redis is busy running a script.', 'redis-error'],
    ['ERR unknown command', 'redis-error'],
    // Redis 6 and older put their own words around the error of a command in a script.
    [
      "ERR Error running script (call to f_1): @user_script:16: -READONLY You can't write against a read only replica.",
      'redis-read-only',
    ],
    [
      'ERR Error running script (call to f_1): @user_script:3: @user_script: 3: -OOM command not allowed',
      'redis-out-of-memory',
    ],
  ])('%s', (message, code) => {
    const cause = replyCause(reply(message), label)
    expect(cause.code).toBe(code)
    expect(cause.message).toContain(label)
    expect(cause.remedy).not.toBe('')
  })
})

test('the arguments of a command that the server does not know are not repeated', () => {
  const words = "ERR unknown command 'AUTH', with args beginning with: 's3cret' 'OOM \n s3cret' "
  expect(replyCause(reply(words), label)).toMatchObject({
    code: 'redis-error',
    message: `The Redis at ${label} answered with an error: ERR unknown command 'AUTH'`,
  })
})

test('behind a router, a certificate stays what is wrong', () => {
  const cause = connectCause({
    label,
    tls: true,
    password: false,
    error: Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' }),
    connected: true,
    limitMs: null,
  })
  expect(throughRouter(cause)).toMatchObject({
    code: 'redis-certificate',
    message: cause.message,
    remedy: expect.stringContaining('termination: passthrough'),
  })
  expect(throughRouter({ ...cause, code: 'redis-timeout' })).toMatchObject({ code: 'route-without-tls' })
})

describe('a connection that failed', () => {
  const base = { label, tls: false, password: false, error: null, connected: false, limitMs: null }
  const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code })

  test.each<[string, Parameters<typeof connectCause>[0], CauseCode, RegExp]>([
    [
      'refused',
      { ...base, error: coded('ECONNREFUSED', 'connect ECONNREFUSED 1.2.3.4:1') },
      'redis-unreachable',
      /ECONNREFUSED/,
    ],
    [
      'unknown host',
      { ...base, error: coded('ENOTFOUND', 'getaddrinfo ENOTFOUND x') },
      'redis-unreachable',
      /not known/,
    ],
    ['silent', { ...base, connected: true, limitMs: 5000 }, 'redis-timeout', /did not answer within 5 s/],
    ['dropped packets', { ...base, error: coded('ETIMEDOUT', 'connect ETIMEDOUT') }, 'redis-timeout', /did not accept/],
    [
      'HTTP',
      { ...base, connected: true, error: new Error('Unknown RESP type 72 "H"') },
      'redis-not-redis',
      /speaks HTTP/,
    ],
    [
      'a TLS alert',
      { ...base, connected: true, error: new Error('Unknown RESP type 21 "\\x15"') },
      'redis-not-redis',
      /speaks TLS/,
    ],
    [
      'closed at once',
      { ...base, connected: true, error: coded('EPIPE', 'write EPIPE') },
      'redis-not-redis',
      /closed it/,
    ],
    [
      'no TLS',
      { ...base, tls: true, error: coded('EPROTO', 'wrong version number') },
      'redis-not-redis',
      /TLS handshake/,
    ],
    [
      'a certificate for another name',
      { ...base, tls: true, error: coded('ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname does not match') },
      'redis-certificate',
      /certificate/,
    ],
    [
      'no password',
      { ...base, connected: true, error: reply('NOAUTH HELLO must be called...') },
      'redis-auth',
      /wants a password/,
    ],
  ])('%s', (_, failure, code, message) => {
    const cause = connectCause(failure)
    expect(cause).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(cause.message).toContain(label)
  })
})
