import { describe, test, vi } from 'vitest'

// Neither mocks nor fake timers may blind the trace.
vi.mock('node:fs', () => ({ default: {}, writeSync: () => { throw new Error('mocked') } }))
const real = setTimeout
const wait = (ms: number) => new Promise((resolve) => real(resolve, ms))

describe.concurrent('at once', () => {
  test('ends', () => wait(10))
  test('fails', async () => {
    await wait(20)
    throw new Error('an early failure')
  })
  test('kills the process', async () => {
    await wait(40)
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => {})
  })
  test('goes on', async () => {
    vi.useFakeTimers()
    await new Promise(() => {})
  })
})
