import { expect, test } from 'vitest'
import { denialWords, recordedDenials } from '../../../src/redis/denials.ts'

/** An entry of ACL LOG as servers send it: a flat list of names and values. */
function entry(fields: Readonly<Record<string, string | number>>): unknown[] {
  const whole = { count: 1, reason: 'command', context: 'toplevel', username: 'me', 'age-seconds': '0.5', ...fields }
  return Object.entries(whole).flat()
}

const words = (...entries: unknown[]): string[] => recordedDenials(entries, 'me').map(denialWords)

test('commands, subcommands, scripts and transactions', () => {
  expect(
    words(
      entry({ object: 'flushall' }),
      entry({ object: 'config|set', count: 3 }),
      entry({ object: 'select', context: 'lua' }),
      entry({ object: 'select', context: 'multi' }),
    ),
  ).toEqual(['FLUSHALL', 'CONFIG SET (3 times)', 'SELECT in a script', 'SELECT in a transaction'])
})

test('Valkey tells the database; the command is in what it says of the client', () => {
  const client = 'id=4 addr=127.0.0.1:1 db=3 cmd=move user=me'
  expect(
    words(
      entry({ reason: 'database', object: '5', 'client-info': client }),
      entry({ reason: 'database', object: '6', context: 'lua', 'client-info': 'id=4 cmd=eval' }),
      entry({ reason: 'database', object: 'FLUSHALL', context: 'lua', 'client-info': 'id=4 cmd=eval' }),
    ),
  ).toEqual(['MOVE of database 5', 'database 6 in a script', 'FLUSHALL in a script'])
})

test('other users and wrong passwords are nobody’s departure', () => {
  expect(words(entry({ object: 'flushall', username: 'you' }), entry({ object: 'AUTH', reason: 'auth' }))).toEqual([])
})

test('entries of the same kind add up, and the newest one counts', () => {
  const found = recordedDenials(
    [entry({ object: 'flushall', 'age-seconds': '1' }), entry({ object: 'flushall', count: 2, 'age-seconds': '90' })],
    'me',
  )
  expect(found).toMatchObject([{ what: 'FLUSHALL', count: 3, ageMs: 1_000 }])
})

test.for([null, 'OK', [null], [[]], [['count']], new Map()])('%j is no log, and does no harm', (reply) => {
  expect(recordedDenials(reply, 'me')).toEqual([])
})
