import { beforeEach } from 'vitest'

const order: string[] = ((globalThis as { order?: string[] }).order = ['setup'])
beforeEach(() => void order.push('beforeEach of setup'))
