// @vitest-environment there-is-none
import { test } from 'vitest'

test('has nowhere to run', () => {})
