export type { Ending, TestOutcome } from './core/ending.ts'
