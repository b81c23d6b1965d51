import { test } from 'vitest'
import { nothing } from './there-is-no-such-file'

test('uses nothing', () => nothing())
