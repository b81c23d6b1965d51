import { test } from 'vitest'

test('first', () => {})
test('loops', () => {
  const nothing = new Int32Array(new SharedArrayBuffer(4))
  // As blocked as an empty loop, and leaves the processor to others.
  for (;;) Atomics.wait(nothing, 0, 0, 100)
})
test('third', () => {})
