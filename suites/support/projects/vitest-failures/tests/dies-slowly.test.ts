import { test } from 'vitest'

process.on('SIGTERM', () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 400))
test('passes', () => console.log(`pid ${process.pid}`))
