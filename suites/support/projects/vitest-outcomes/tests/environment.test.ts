import { expect, inject, test } from 'vitest'

test('prints its environment', () => {
  console.log(`env ${JSON.stringify(process.env)}`)
  console.log(`config ${JSON.stringify(inject('seenByConfig' as never))}`)
  console.log(`order ${JSON.stringify((globalThis as { order?: string[] }).order)}`)
})
test('has the default timeout of the tier', ({ task }) => console.log(`timeout ${task.timeout}`))
