import { test } from 'vitest'

test('says what it is', ({ task }) => {
  const worker = (globalThis as { __vitest_worker__?: { ctx: { pool: string } } }).__vitest_worker__
  console.log(`pid ${process.pid} pool ${worker?.ctx.pool} timeout ${task.timeout}`)
})
