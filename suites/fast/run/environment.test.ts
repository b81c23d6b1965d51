import { expect, test } from 'vitest'
import { seatEnvironment } from '../../../src/run/environment.ts'
import { suite } from '../../support/run/fakes.ts'

const facts = { run: 'r1', tier: 'standard', shard: 2, shards: 4 }
const connection = { url: 'redis://u:p@127.0.0.1:6380/5', host: '127.0.0.1', port: 6380, username: 'u', password: 'p' }

test('a shard with a database gets everything a client could ask for', () => {
  expect(seatEnvironment({ ...facts, suite: suite(), redis: { connection, database: 5 } })).toEqual({
    REDIS_URL: 'redis://u:p@127.0.0.1:6380/5',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: '6380',
    REDIS_DB: '5',
    REDIS_USERNAME: 'u',
    REDIS_PASSWORD: 'p',
    REDIS_KEY_PREFIX: 's2:',
    REDIS_SOCKET: null,
    REDIS_SENTINELS: null,
    REDIS_SENTINEL_MASTER: null,
    REDIS_TLS_CA: null,
    REDIS_TLS_CERT: null,
    REDIS_TLS_KEY: null,
    REDIS_TLS_SERVERNAME: null,
    TIERSHARD_RUN: 'r1',
    TIERSHARD_TIER: 'standard',
    TIERSHARD_SHARD: '2',
    TIERSHARD_SHARDS: '4',
  })
})

test('a server without a password removes an inherited one', () => {
  const open = { ...connection, username: null, password: null }
  const env = seatEnvironment({ ...facts, suite: suite(), redis: { connection: open, database: 5 } })
  expect(env).toMatchObject({ REDIS_USERNAME: null, REDIS_PASSWORD: null })
})

test('a suite without Redis must not find anybody’s Redis', () => {
  const env = seatEnvironment({ ...facts, suite: suite({ isolation: 'none' }), redis: null })
  expect(env).toMatchObject({ REDIS_URL: null, REDIS_HOST: null, REDIS_PORT: null, REDIS_DB: null })
})

test('a suite maps the values to the names its code expects, and may override ours', () => {
  const env = { CACHE: '{redis.url}?shard={shard}', REDIS_KEY_PREFIX: '', JSON: '{"a": {tier}}' }
  expect(seatEnvironment({ ...facts, suite: suite({ env }), redis: { connection, database: 5 } })).toMatchObject({
    CACHE: 'redis://u:p@127.0.0.1:6380/5?shard=2',
    REDIS_KEY_PREFIX: '',
    JSON: '{"a": standard}',
  })
})
