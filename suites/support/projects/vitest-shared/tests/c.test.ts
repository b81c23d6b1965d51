import { test } from 'vitest'

test('says where it runs', () => console.log(`pid ${process.pid} seat ${process.env.SEAT}`))
