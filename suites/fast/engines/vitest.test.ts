import { totalmem } from 'node:os'
import fc from '../../support/property.ts'
import { describe, expect, test } from 'vitest'
import { uniqueNames } from '../../../src/engines/names.ts'
import { cap, parseFrames, toErrorRecord } from '../../../src/engines/errors.ts'
import { isSupported } from '../../../src/engines/vitest/install.ts'
import { memoryLimit } from '../../../src/engines/vitest/pool.ts'
import { readTrace, type TraceLine } from '../../../src/engines/vitest/trace.ts'

describe('the versions of vitest', () => {
  test.each(['4.1.0', '4.1.12', '4.9.3', '5.0.0', '5.1.0', '5.0.0-beta.3'])('%s is supported', (version) => {
    expect(isSupported(version)).toBe(true)
  })
  test.each(['3.2.4', '4.0.18', '6.0.0', '', 'next'])('%s is not', (version) => {
    expect(isSupported(version)).toBe(false)
  })
})

describe('names', () => {
  test('are unique, keep their order, and stay as they are where they can', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'a #2', 'a #3', 'b', '')), (names) => {
        const unique = uniqueNames()
        const given = names.map((name) => unique(name))
        expect(new Set(given).size).toBe(names.length)
        for (const [index, name] of names.entries()) {
          expect(given[index]!.startsWith(name)).toBe(true)
          if (!given.slice(0, index).includes(name)) expect(given[index]).toBe(name)
        }
      }),
    )
  })

  test('ten thousand equal ones cost no more than others', () => {
    const unique = uniqueNames()
    const given = Array.from({ length: 10_000 }, () => unique('same'))
    expect(given.slice(0, 3)).toEqual(['same', 'same #2', 'same #3'])
    expect(given.at(-1)).toBe('same #10000')
  })
})

describe('errors', () => {
  test('of any kind are told, and never throw', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }), (thrown) => {
        const record = toErrorRecord(thrown)
        expect(typeof record.message).toBe('string')
        expect(record.name).not.toBe('')
      }),
    )
  })

  test('keep the frames that vitest has mapped, and print them', () => {
    const stacks = [{ method: 'adds', file: '/project/a.test.ts', line: 3, column: 7 }]
    const record = toErrorRecord({
      name: 'AssertionError',
      message: 'no',
      stack: 'raw',
      stacks,
      diff: '\u001b[31m- a\u001b[39m',
    })
    expect(record).toEqual({
      name: 'AssertionError',
      message: 'no',
      stack: 'AssertionError: no\n    at adds (/project/a.test.ts:3:7)',
      diff: '- a',
      frames: stacks,
    })
  })

  test('without mapped frames are read from the stack, without those of vitest', () => {
    const stack = [
      'Error: no\nat all',
      '    at /project/a.test.ts:2:40',
      '    at async Server.close (file:///project/server.ts:10:5)',
      '    at runTest (file:///project/node_modules/vitest/dist/chunks/run.js:1:1)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:103:5)',
    ].join('\n')
    expect(parseFrames(stack)).toEqual([
      { method: '', file: '/project/a.test.ts', line: 2, column: 40 },
      { method: 'async Server.close', file: '/project/server.ts', line: 10, column: 5 },
    ])
  })

  test('that are too long are cut, and say so', () => {
    expect(cap('short')).toBe('short')
    expect(cap('abcdef', 4)).toBe('abcd\n[tiershard: 2 more characters were left out]')
  })
})

describe('a trace', () => {
  const written = (lines: readonly TraceLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

  test('tells what ended and what was running', () => {
    const tests = readTrace(
      written([
        ['s', 'one'],
        ['e', 'one', 'pass', 5, 0, false],
        ['s', 'two'],
        ['e', 'two', 'fail', 1, 0, true, [{ message: 'first try' }]],
        ['s', 'two'],
        ['s', 'three'],
        ['e', 'three', 'fail', 2, 0, false, [{ message: 'no' }]],
      ]),
    )
    expect([...tests].map(([id, { state }]) => [id, state])).toEqual([
      ['one', 'pass'],
      ['two', 'running'],
      ['three', 'fail'],
    ])
    expect(tests.get('three')!.errors).toEqual([{ message: 'no' }])
  })

  test('that is torn anywhere says nothing wrong', () => {
    const start = written([['s', 'one']])
    const whole = start + written([['e', 'one', 'pass', 5, 0, false]])
    fc.assert(
      fc.property(fc.nat(whole.length), (length) => {
        const state = readTrace(whole.slice(0, length)).get('one')?.state
        // The last newline may be missing: the line is whole without it.
        expect(state).toBe(length < start.length - 1 ? undefined : length < whole.length - 1 ? 'running' : 'pass')
      }),
    )
  })
})

describe('the memory limit of a VM worker', () => {
  test.each([
    [{ vmMemoryLimit: 0.5 }, totalmem() / 2],
    [{ vmMemoryLimit: '25%' }, totalmem() / 4],
    [{ vmMemoryLimit: 123_456 }, 123_456],
    [{ vmMemoryLimit: '300MB' }, 300_000_000],
    [{ vmMemoryLimit: '2GiB' }, 2 * 1024 ** 3],
    [{ maxWorkers: 4 }, totalmem() / 4],
    [{ vmMemoryLimit: 'much', maxWorkers: 2 }, totalmem() / 2],
  ])('%o', (config, bytes) => expect(memoryLimit(config)).toBe(bytes))
})
