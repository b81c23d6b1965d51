import { expect, test } from 'vitest'
import { symptomOf } from '../../../src/core/symptoms.ts'

test.for([
  ['ReplyError', "READONLY You can't write against a read only replica.", 'redis-read-only'],
  ['Error', 'ERR Error running script: @user_script:1: -READONLY You cannot write', 'redis-read-only'],
  ['ReplyError', 'MISCONF Redis is configured to save RDB snapshots', 'redis-read-only'],
  ['ReplyError', "OOM command not allowed when used memory > 'maxmemory'.", 'redis-out-of-memory'],
  ['ReplyError', 'LOADING Redis is loading the dataset in memory', 'redis-loading'],
  ['ReplyError', 'CLUSTERDOWN Hash slot not served', 'redis-cluster'],
  ['ReplyError', 'MOVED 3999 127.0.0.1:6381', 'redis-cluster'],
  ['ReplyError', 'NOPERM this user has no permissions to run the "config" command', 'redis-denied'],
  ['ReplyError', 'NOAUTH Authentication required.', 'redis-auth'],
  ['MaxRetriesPerRequestError', 'Reached the max retries per request limit (which is 3).', 'redis-unreachable'],
  ['Error', 'connect ECONNREFUSED 127.0.0.1:6379', 'redis-unreachable'],
  ['Error', 'read ECONNRESET', 'redis-went-away'],
  ['Error', 'Connection is closed.', 'redis-went-away'],
  ['Error', 'Command timed out', 'redis-timeout'],
  ['AssertionError', 'expected 503 to be 200', null],
  ['AssertionError', "expected 'READONLY' to be 'readwrite'", null],
  ['Error', 'MOVED to another house', null],
  // Another server than the tests' Redis.
  ['Error', 'connect ECONNREFUSED 127.0.0.1:5432', null],
] as const)('%s: %s: %s', ([name, message, cause]) => {
  expect(symptomOf({ name, message }, 6379)).toBe(cause)
})
