import type { Cause } from '../core/ending.ts'
import type { Address } from './address.ts'
import { connectCause, isExplained } from './causes.ts'
import { wrongScheme } from './diagnose.ts'
import type { Said, SentinelTarget } from './sentinel.ts'

/** A connection that failed in a way that may be due to TLS. */
export interface Doubt {
  readonly of: 'sentinel' | 'server'
  readonly at: Address
  readonly error: Error
}

/** Whether a certificate, or TLS itself, is what kept a Sentinel or a server from answering; null: it is not. */
export async function resolveDoubt({ of, at, error }: Doubt): Promise<Cause | null> {
  const password = at.password !== null
  const cause = connectCause({ label: at.label, tls: at.tls, password, error, connected: true, limitMs: null })
  if (cause.code === 'redis-certificate') return cause
  const wrong = isExplained(error) ? null : await wrongScheme(at)
  return wrong?.code === 'redis-tls' ? { ...wrong, remedy: REMEDY[of][at.tls ? 'plain' : 'tls'] } : wrong
}

/** By what it is, and what it speaks. */
const REMEDY = {
  sentinel: {
    plain: 'Use redis+sentinel://, which speaks plain to the Sentinels; redis.tls is then for the servers.',
    tls: 'Use rediss+sentinel://; redis.tls of the config names the authority and certificates.',
  },
  server: {
    plain: 'Use redis+sentinel://, and leave redis.tls out of the config, or let the Sentinels name the TLS ports.',
    tls: 'Add redis.tls to the config ({} if Node trusts the authority).',
  },
} as const

export function nobodyKnows(target: SentinelTarget, said: readonly Said[]): Cause {
  const unknown = said.filter((it) => it.kind === 'unknown')
  if (unknown.length > 0) {
    const names = [...new Set(unknown.flatMap((it) => it.names))]
    return {
      code: 'sentinel-unknown-master',
      message: `The Sentinels of ${target.label} watch no master "${target.master}"; they watch ${names.join(', ') || 'none'}.`,
      remedy: 'Correct the name after the hosts: it is the one of `sentinel monitor` in the config of the Sentinels.',
    }
  }
  const strangers = said.some((it) => it.kind === 'stranger')
  const why = said.find((it) => it.kind === 'silent')?.error.message ?? ''
  return {
    code: 'sentinel-unreachable',
    message: strangers
      ? `A Redis server answers at ${target.label}, not a Sentinel.`
      : `No Sentinel of ${target.label} answers: ${why}.`,
    remedy: strangers
      ? 'Use the port of the Sentinels (usually 26379), or redis:// for the server itself.'
      : 'Start the Sentinels, or correct the addresses. A password of the Sentinels goes into REDIS_SENTINEL_PASSWORD.',
  }
}

export function noQuorumCause(target: SentinelTarget, why: string): Cause {
  return {
    code: 'sentinel-no-quorum',
    message: `The Sentinels of ${target.label} have no quorum: ${why}.`,
    remedy: 'Bring the missing Sentinels back: without a quorum nothing replaces a master that fails.',
  }
}

export function twoMasters(target: SentinelTarget, masters: readonly string[]): Cause {
  return {
    code: 'redis-two-masters',
    message: `The Sentinels of ${target.label} name ${masters.length} servers that all say they are the master: ${masters.join(', ')}.`,
    remedy:
      'Find out which one holds the data, and make the other follow it (REPLICAOF). The Sentinels may be cut off from each other.',
  }
}

export function noMaster(target: SentinelTarget, named: readonly string[]): Cause {
  return {
    code: 'redis-no-master',
    message: `The Sentinels of ${target.label} name ${named.join(' and ')}, which is no master, or does not answer.`,
    remedy: 'Wait for the failover to end. If it does not, see SENTINEL MASTER and the logs of the Sentinels.',
  }
}
