import { CAUSE_CODES, type Ending } from '../core/ending.ts'
import type { Event, Stamped } from '../core/events.ts'

/**
 * What a line of a journal must hold so that it can be folded and rendered: a damaged line can still be JSON. Only
 * what a reader would stumble over is checked; what a newer version added passes.
 */
type Check = (value: unknown) => boolean

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => typeof value === 'number'
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string)
const fields =
  (shape: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(shape).every(([name, check]) => check((value as Record<string, unknown>)[name]))

const frame = fields({ method: text, file: text, line: number, column: number })
const error = fields({
  name: text,
  message: text,
  stack: orNull(text),
  diff: orNull(text),
  frames: list(frame),
  suite: optional(text),
})
const cause = fields({ code: oneOf(...CAUSE_CODES), message: text, remedy: text })
const attempt = { tier: text, file: text, attempt: number }
const collected = { name: text, line: orNull(number) }
const level = oneOf('info', 'warning')
const stream = oneOf('stdout', 'stderr')

const ENDINGS: Record<Ending['kind'], Check> = {
  passed: fields({}),
  failed: fields({}),
  'timed-out': fields({ limit: oneOf('file', 'tier'), limitMs: number }),
  crashed: fields({ exitCode: orNull(number), signal: orNull(text) }),
  infrastructure: fields({ cause }),
  'lease-lost': fields({ message: text }),
  cancelled: fields({ by: oneOf('signal', 'fail-fast', 'run-ended') }),
  'not-run': fields({ why: oneOf('tier-deadline', 'signal', 'fail-fast', 'infrastructure', 'lost') }),
  'no-tests': fields({}),
}
const ending: Check = (value) => {
  const kind = (value as { kind?: unknown } | null)?.kind
  return typeof kind === 'string' && Object.hasOwn(ENDINGS, kind) && ENDINGS[kind as Ending['kind']](value)
}

const settings = fields({
  name: text,
  deadlineMs: number,
  fileTimeoutMs: number,
  testTimeoutMs: number,
  shards: number,
  slowMs: number,
})
const leftovers = fields({
  keys: number,
  detail: optional(
    fields({
      sampled: number,
      withoutTtl: number,
      bytes: number,
      groups: list(fields({ prefix: text, type: text, keys: number, withoutTtl: number, bytes: number })),
      clients: orNull(list(text)),
    }),
  ),
})
const plannedFile = fields({ id: text, path: text, project: text, suite: text, expectedMs: orNull(number) })
const suite = fields({ name: text, tier: text })
const enforcement = fields({ by: oneOf('acl', 'convention', 'server'), reason: text })
const server = fields({
  source: text,
  reason: text,
  address: text,
  product: text,
  version: text,
  databases: number,
  enforcement: (value) => value === undefined || enforcement(value),
})

/** A new event breaks the build here, and gets its check. */
const EVENTS: Record<Event['type'], Check> = {
  'run-started': fields({
    version: number,
    run: text,
    engine: text,
    platform: text,
    cpus: number,
    command: list(text),
    selection: optional(fields({ filters: list(text) })),
    continues: optional(text),
    slice: optional(fields({ index: number, of: number, files: number, plan: text, history: text })),
    process: optional(fields({ host: text, pid: number })),
  }),
  'tier-planned': fields({
    tier: text,
    settings,
    suites: list(suite),
    files: list(plannedFile),
    forecast: fields({ unknown: number, makespanMs: orNull(number), floorMs: orNull(number) }),
  }),
  'server-ready': fields({ server }),
  'service-ready': fields({ service: text, part: text, per: text, what: text, where: orNull(text), readyMs: number }),
  'lease-waiting': fields({}),
  'lease-granted': fields({}),
  'lease-lost': fields({}),
  'lease-released': fields({}),
  'tier-started': fields({ tier: text, shards: number }),
  'file-started': fields({ ...attempt, shard: number, database: orNull(number) }),
  'file-collected': fields({ ...attempt, tests: list(fields(collected)) }),
  'test-ended': fields({
    ...attempt,
    test: fields({
      ...collected,
      outcome: oneOf('passed', 'failed', 'timed-out', 'skipped'),
      durationMs: number,
      retries: number,
      errors: list(error),
      note: orNull(text),
    }),
  }),
  'file-output': fields({ ...attempt, stream, text }),
  'file-ended': fields({ ...attempt, ending, durationMs: number, running: list(text), errors: list(error) }),
  'file-cleaned': fields({ ...attempt, leftovers }),
  'file-leaked': fields({ ...attempt, processes: list(fields({ pid: number, command: text })) }),
  'server-sampled': fields({
    role: orNull(text),
    usedBytes: orNull(number),
    maxBytes: orNull(number),
    clients: orNull(number),
    writeMs: number,
    commands: optional(number),
  }),
  'dispatch-paused': fields({ cause, limitMs: number }),
  'dispatch-resumed': fields({ cause, pausedMs: number }),
  'tier-ended': fields({ tier: text, end: oneOf('completed', 'deadline', 'cancelled', 'infrastructure') }),
  notice: fields({ level, code: text, message: text }),
  infrastructure: fields({ cause }),
  'stray-error': fields({ tier: text, error }),
  interrupted: fields({ signal: oneOf('SIGINT', 'SIGTERM', 'SIGHUP') }),
  'run-ended': fields({ exitCode: number }),
}

export type JournalLine =
  | { readonly kind: 'event'; readonly event: Stamped }
  /** Torn, overwritten, or never a line of a journal. */
  | { readonly kind: 'damaged' }
  /** A whole event of a type that only a newer tiershard knows. */
  | { readonly kind: 'unknown'; readonly type: string }

/** What a line of a journal is. */
export function parseLine(line: string): JournalLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return { kind: 'damaged' }
  }
  const { type, at } = (typeof value === 'object' && value !== null ? value : {}) as { type?: unknown; at?: unknown }
  if (typeof type !== 'string' || typeof at !== 'number') return { kind: 'damaged' }
  if (!Object.hasOwn(EVENTS, type)) return { kind: 'unknown', type }
  return EVENTS[type as Event['type']](value) ? { kind: 'event', event: value as Stamped } : { kind: 'damaged' }
}
