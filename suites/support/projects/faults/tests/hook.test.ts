import { afterAll, test } from 'vitest'

afterAll(() => new Promise(() => {}))
test('first', () => {})
