/** Most shards of a tier: each has a database and a process of its own. */
export const MAX_SHARDS = 64
/** Most slices of a plan: CI systems start at most 256 jobs of one matrix. */
export const MAX_SLICES = 1000
/** Most retries of a file. */
export const MAX_RETRIES = 10
/** Most repetitions of a file, and the largest limit of failures. */
export const MAX_COUNT = 100_000
/** Longest duration that is taken, ms: one day. Timers of Node overflow at 24.8 days. */
export const LONGEST_MS = 24 * 60 * 60 * 1000
/** Highest number of a database: no server has more, and it keeps a typing error from becoming a long search. */
export const MAX_DATABASE = 16_383
