import { randomUUID } from 'node:crypto'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import type { Pulse } from '../core/ports.ts'
import { infoFindings, number } from './checks.ts'
import type { AdminConnection, Answer } from './connection.ts'
import type { Outsiders } from './outsiders.ts'
import { roleInInfo } from './role.ts'

/** A script of a test may keep a server busy for a while; a server that is silent for longer is not fit. */
const ANSWER_LIMIT_MS = 4_000
/** A connection that breaks is up again sooner than this, unless the server is away. */
const RECONNECT_MS = 500

/**
 * See `RedisServer.pulse`. Costs one script and one INFO.
 *
 * @param outsiders null: others may use the server as they like
 */
export async function pulse(connection: AdminConnection, control: number, outsiders: Outsiders | null): Promise<Pulse> {
  const sentAt = performance.now()
  const answer = await inTime(connection, written(connection, control))
  if (!answer.ok) return answer
  const writeMs = performance.now() - sentAt
  // A server that hung between the two is found by the next pulse.
  const info = await Promise.race([connection.info(), sleep(ANSWER_LIMIT_MS, null, { ref: false })])
  const past = info === null ? [] : ((await outsiders?.look()) ?? [])
  const { label } = connection.address
  const role = roleInInfo(info)?.kind ?? null
  const commands = number(info, 'total_commands_processed')
  return {
    ok: true,
    sample: {
      role: role === 'sentinel' ? null : role,
      usedBytes: number(info, 'used_memory'),
      maxBytes: number(info, 'maxmemory'),
      clients: number(info, 'connected_clients'),
      writeMs: Math.round(writeMs * 100) / 100,
      ...(commands === null ? {} : { commands }),
    },
    incarnation: info?.get('run_id') ?? null,
    warnings: info === null ? [] : [...infoFindings(info, label), ...past].filter(({ severity }) => severity !== 'ok'),
  }
}

function written(connection: AdminConnection, control: number): Promise<Answer> {
  return connection.run({
    script: 'pulse',
    keys: [`tiershard:probe:${randomUUID()}`],
    args: [control],
    patienceMs: RECONNECT_MS,
    repeatable: true,
  })
}

async function inTime(connection: AdminConnection, answer: Promise<Answer>): Promise<Answer> {
  const late = new AbortController()
  const limit = sleep(ANSWER_LIMIT_MS, null, { signal: late.signal })
    // Timers come before what has arrived: after a stall of our own, the answer may be there already.
    .then(() => immediate(null))
    .then(() => immediate(null))
    .catch(() => null)
  try {
    return (await Promise.race([answer, limit])) ?? { ok: false, cause: silent(connection) }
  } finally {
    late.abort()
  }
}

function silent(connection: AdminConnection): Extract<Answer, { ok: false }>['cause'] {
  return {
    code: 'redis-timeout',
    message: `The Redis at ${connection.address.label} did not answer within ${ANSWER_LIMIT_MS / 1000} s.`,
    remedy:
      'Check that it is not stuck or stopped (SLOWLOG GET, or a script that does not end), and that the network is up.',
  }
}
