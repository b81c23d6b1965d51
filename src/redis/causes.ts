import type { Cause, CauseCode } from '../core/ending.ts'

/** What the client noticed while a connection failed; see {@link connectCause}. */
export interface ConnectFailure {
  /** Scheme, host and port, without credentials. */
  readonly label: string
  readonly tls: boolean
  /** Whether a password was given. */
  readonly password: boolean
  /** The first error of the attempt; ioredis itself rejects with a mere "Connection is closed". */
  readonly error: Error | null
  /** Whether the server accepted the connection. */
  readonly connected: boolean
  /** Set when the attempt ran out of time. */
  readonly limitMs: number | null
}

/** Why a connection attempt failed. */
export function connectCause(failure: ConnectFailure): Cause {
  const { label, error, connected, limitMs } = failure
  if (error && /^[A-Z]+ /.test(error.message) && error.name === 'ReplyError') {
    return replyCause(error, label, failure.password)
  }
  if (error && /Unknown RESP type/.test(error.message)) return notRedis(label, error)
  if (limitMs !== null || (error && /timed out|ETIMEDOUT/.test(error.message))) return timeoutCause(failure)
  const code = error && 'code' in error ? String(error.code) : ''
  if (error && refusesCertificate(error)) return refusedCertificate(label, error)
  if (isCertificateCode(code)) return certificateCause(label, code, firstLine(error))
  if (/SSL|EPROTO|TLS/.test(code)) {
    return {
      code: 'redis-not-redis',
      message: `${label} did not complete a TLS handshake: ${firstLine(error)}.`,
      remedy:
        'Use redis:// if the port speaks plain Redis; behind a router, a passthrough route and the right host name are needed.',
    }
  }
  if (connected) {
    return {
      code: 'redis-not-redis',
      message: `${label} accepted the connection and closed it without an answer.`,
      remedy: failure.tls
        ? 'Check that a Redis listens there, and that nothing between closes the connection.'
        : 'If the port speaks TLS, use rediss://. Otherwise check that a Redis listens there: a tunnel with nothing behind it looks like this too.',
    }
  }
  const why = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'the host name is not known' : firstLine(error)
  return {
    code: 'redis-unreachable',
    message: `No connection to the Redis at ${label}: ${why}.`,
    remedy: 'Start the server, or correct the address. Nothing else is tried when a Redis was asked for.',
  }
}

/** Whether Node ended a handshake because of the server's certificate: the codes of OpenSSL's verification, and its own. */
export function isCertificateCode(code: string): boolean {
  return /CERT|SIGNED|SIGNATURE|ALTNAME|ISSUER|CRL|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/.test(code)
}

/** An error that needs no look at the port: an answer of the server, a certificate, a dial that did not come through. */
export function isExplained(error: Error | null): boolean {
  if (error === null) return false
  const code = 'code' in error ? String(error.code) : ''
  return (
    error.name === 'ReplyError' ||
    isCertificateCode(code) ||
    /^E(CONNREFUSED|NOTFOUND|AI_AGAIN|ACCES|NOENT|HOSTUNREACH)$/.test(code)
  )
}

/** Whether the server ended the handshake because of our certificate, or the lack of one. */
export function refusesCertificate(error: Error): boolean {
  return /\balert (?:[\w ]*certificate|unknown ca)\b/i.test(error.message)
}

function certificateCause(label: string, code: string, why: string): Cause {
  const [what, remedy] =
    code === 'CERT_HAS_EXPIRED'
      ? ['has expired', 'Renew it on the server.']
      : code === 'CERT_NOT_YET_VALID'
        ? ['is not valid yet', "Check the clocks of both machines, and the certificate's first day."]
        : code === 'ERR_TLS_CERT_ALTNAME_INVALID'
          ? [`is for another name: ${why}`, 'Use the host name that it is for, or name it in redis.tls.servername.']
          : [
              `comes from an authority that is not known here: ${why}`,
              'Name the authority in redis.tls.ca of the config.',
            ]
  return { code: 'redis-certificate', message: `The certificate of the Redis at ${label} ${what}.`, remedy }
}

export function refusedCertificate(label: string, error: Error): Cause {
  return {
    code: 'redis-certificate',
    message: `${label} refuses our certificate, or wants one and got none: ${firstLine(error)}.`,
    remedy: "Name a certificate and its key that the server's authority signed: redis.tls.cert and redis.tls.key.",
  }
}

/** Somebody took the port of a Sentinel for that of the server. */
export function sentinelPortCause(label: string): Cause {
  return {
    code: 'redis-sentinel-port',
    message: `A Sentinel answers at ${label}, not a Redis server.`,
    remedy: 'Use redis+sentinel://host:26379/master-name, or the port of the server itself (usually 6379).',
  }
}

/**
 * A server that follows another one; `master` is where that one is, null: it does not say. One that takes writes all the
 * same (replica-read-only no) is no better: it loses them when it next synchronises.
 */
export function replicaCause(label: string, master: string | null): Cause {
  const where = master === null ? 'another server' : `the master at ${master}`
  return {
    code: 'redis-read-only',
    message: `The Redis at ${label} is a read-only replica; it follows ${where}.`,
    remedy: `Use the address of the master${master === null ? '' : `, ${master}`}. ${REPLICA_REMEDY}`,
  }
}

function timeoutCause({ label, tls, connected, limitMs }: ConnectFailure): Cause {
  const seconds = limitMs === null ? 'the time allowed' : `${limitMs / 1000} s`
  return {
    code: 'redis-timeout',
    message: connected
      ? `${label} accepted the connection, but did not answer within ${seconds}.`
      : `${label} did not ${tls ? 'complete a TLS connection' : 'accept a connection'} within ${seconds}.`,
    remedy: tls
      ? 'Check that the port speaks TLS (use redis:// if it does not), that the server is not stuck, and that no firewall drops the traffic.'
      : 'Check that it is a Redis, that it is not stuck or stopped, and that no firewall drops the traffic.',
  }
}

function notRedis(label: string, error: Error): Cause {
  const byte = Number(/RESP type (\d+)/.exec(error.message)?.[1] ?? -1)
  // "HTTP/1.1 400 ..." starts with H (72); a TLS alert is record type 21.
  const what = byte === 72 ? 'speaks HTTP' : byte === 21 ? 'speaks TLS' : 'does not speak the Redis protocol'
  return {
    code: 'redis-not-redis',
    message: `${label} ${what}, it is not a plain Redis.`,
    remedy:
      byte === 21
        ? 'Use rediss:// for a port with TLS.'
        : 'Correct the host and port. A plain Redis cannot be reached through an HTTP router.',
  }
}

export const MEMORY_REMEDY = 'Free memory on the server (tiershard never deletes data of others), or raise maxmemory.'
export const CLIENTS_REMEDY = 'Raise maxclients, or look for clients that leave connections open (CLIENT LIST).'
const REPLICA_REMEDY = 'A Service that spreads over all pods also picks replicas.'
const REFUSES_WRITES = 'Point tiershard at a server that takes writes.'

/** The error prefixes of a server that does not do what it was asked to, and what they mean. */
const REPLIES: Readonly<Record<string, { readonly code: CauseCode; readonly says: string; readonly remedy: string }>> =
  {
    READONLY: {
      code: 'redis-read-only',
      says: 'is a read-only replica',
      remedy: `Use the address of the master (ROLE on the server tells it). ${REPLICA_REMEDY}`,
    },
    MISCONF: {
      code: 'redis-read-only',
      says: 'refuses writes, because it cannot save to disk',
      remedy: `Free its disk, or switch stop-writes-on-bgsave-error off. ${REFUSES_WRITES}`,
    },
    NOREPLICAS: {
      code: 'redis-read-only',
      says: 'refuses writes, because too few replicas are connected',
      remedy: `Bring its replicas back (min-replicas-to-write). ${REFUSES_WRITES}`,
    },
    MASTERDOWN: {
      code: 'redis-read-only',
      says: 'is a replica that has lost its master',
      remedy: 'Wait for the failover, or use the address of the master.',
    },
    OOM: {
      code: 'redis-out-of-memory',
      says: 'has used up its maxmemory and refuses writes',
      remedy: MEMORY_REMEDY,
    },
    LOADING: {
      code: 'redis-loading',
      says: 'is still loading its data',
      remedy: 'Run again once it has finished, or use a server without data to load.',
    },
    CLUSTERDOWN: { code: 'redis-cluster', says: 'is part of a cluster that is down', remedy: clusterRemedy() },
    MOVED: { code: 'redis-cluster', says: 'is a node of a cluster', remedy: clusterRemedy() },
    NOPERM: {
      code: 'redis-denied',
      says: 'denies this user a command',
      remedy:
        'tiershard needs scripts (EVAL, EVALSHA), SELECT, FLUSHDB and plain reads and writes; use a user that may do this.',
    },
    DENIED: {
      code: 'redis-denied',
      says: 'runs in protected mode and denies connections from other hosts',
      remedy: 'Set a password or a bind address on the server.',
    },
    NOAUTH: {
      code: 'redis-auth',
      says: 'wants a password',
      remedy: 'Put it into the URL (redis://:password@host) or into REDIS_PASSWORD.',
    },
    WRONGPASS: {
      code: 'redis-auth',
      says: 'does not accept the user or password',
      remedy: 'Correct the user and password in the URL, or REDIS_USERNAME and REDIS_PASSWORD.',
    },
    BUSY: {
      code: 'redis-error',
      says: 'is busy with a script that does not end',
      remedy: 'End the script (SCRIPT KILL, or restart the server).',
    },
  }

function clusterRemedy(): string {
  return 'A cluster has database 0 only, so shards cannot have one each: use a server that is not a cluster, or --redis local.'
}

/**
 * What an error reply means. Redis before 7 wraps the error of a command in a script in its own ("ERR Error running
 * script ... -READONLY ..."), so the prefix is looked for in the text as well.
 */
export function replyCause(error: Error, label: string, password = false): Cause {
  const words = /(?:^|-|\s)([A-Z]{3,})\b/g
  for (const [, word] of withoutArguments(error.message).matchAll(words)) {
    const known = word === undefined ? undefined : REPLIES[word]
    if (known) return { code: known.code, message: `The Redis at ${label} ${known.says}.`, remedy: known.remedy }
  }
  if (/invalid password|without any password|wrong number of arguments for 'auth'/i.test(error.message)) {
    return {
      code: 'redis-auth',
      message: `The Redis at ${label} does not accept the ${password ? 'password' : 'connection without a password'}.`,
      remedy: REPLIES['WRONGPASS']!.remedy,
    }
  }
  if (/max number of clients/i.test(error.message)) {
    return {
      code: 'redis-too-many-clients',
      message: `The Redis at ${label} has no connection left: its maxclients is reached.`,
      remedy: CLIENTS_REMEDY,
    }
  }
  return {
    code: 'redis-error',
    message: `The Redis at ${label} answered with an error: ${firstLine(error)}`,
    remedy: 'See the message of the server.',
  }
}

/** The server answered before and does not any more. */
export function goneCause(label: string, why: string): Cause {
  return {
    code: 'redis-went-away',
    message: `The Redis at ${label} went away: ${why}.`,
    remedy: 'Look into the log of the server, and run again once it is back.',
  }
}

/** Between the choice of a port and the start of a server of ours there, somebody else took it. */
export function portTakenCause(program: string, host: string, port: number): Cause {
  return {
    code: 'port-taken',
    message: `${program} could not start: port ${port} of ${host} was taken by another program just before.`,
    remedy: 'Run again.',
  }
}

export function clusterCause(label: string): Cause {
  return { code: 'redis-cluster', message: `The Redis at ${label} is a node of a cluster.`, remedy: clusterRemedy() }
}

export function tooFewCause(label: string, message: string): Cause {
  return {
    code: 'redis-too-few-databases',
    message: `The Redis at ${label} ${message}.`,
    remedy: 'Start the server with more databases (redis-server --databases 16), or use --redis local.',
  }
}

/** Redis repeats the arguments of a command that it does not know (a renamed AUTH, say), passwords among them. */
function withoutArguments(message: string): string {
  return message.replace(/,? with args beginning with.*/s, '')
}

function firstLine(error: Error | null): string {
  // OpenSSL's messages carry the thread and the source line: what a user can read is the part before the last fields.
  const line = withoutArguments(error?.message.split('\n')[0]?.trim() ?? 'the connection was closed')
  return /SSL routines:[^:]*:([^:]+)/.exec(line)?.[1] ?? line
}
