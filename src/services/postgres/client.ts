import type { Client } from 'pg'
import type { Cause, CauseCode } from '../../core/ending.ts'

/** How long to wait for a connection, ms. */
const CONNECT_LIMIT_MS = 5_000
/** How long a question may take, ms: copying a large template on a busy machine takes its time. */
const QUERY_LIMIT_MS = 120_000
/** How long a server may take to close a connection, ms. */
const CLOSE_LIMIT_MS = 2_000
/** After how much silence to look whether a server is still there, ms: the system's own limit is two hours. */
const KEEP_ALIVE_MS = 10_000
/** SQLSTATEs with which a server ends a connection: it is told to, it has crashed, it is shutting down. */
const FAREWELLS = new Set(['57P01', '57P02', '57P03'])
/** What the client says when a question took longer than its limit. */
const NO_ANSWER = 'Query read timeout'

export type Connected = { readonly ok: true; readonly client: Client } | { readonly ok: false; readonly cause: Cause }

/** An error that Postgres answered with: `code` is its SQLSTATE. */
interface ServerError extends Error {
  readonly code?: string
  /** Whatever Postgres answers has one, in the server's language. */
  readonly severity?: string
  /** Of the character at which the text is wrong, from 1. */
  readonly position?: string
}

/**
 * Connects to a database. The client's errors are heard; its owner looks at `end`.
 *
 * @param over cuts the connection when it is aborted, whatever is asked then; without it each question has 120 s
 */
export async function connect(url: string, application: string, over: AbortSignal | null = null): Promise<Connected> {
  const { Client } = (await import('pg')).default
  let client: Client
  try {
    client = new Client({
      connectionString: url,
      application_name: application,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      ...(over === null ? { query_timeout: QUERY_LIMIT_MS } : {}),
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    })
  } catch (error) {
    // A parameter of the URL: a file that is not there, a word that is none.
    return { ok: false, cause: causeOf(error, url) }
  }
  client.on('error', () => {})
  const cut = (): void => cutOff(client)
  over?.addEventListener('abort', cut)
  client.once('end', () => over?.removeEventListener('abort', cut))
  try {
    over?.throwIfAborted()
    await client.connect()
    return { ok: true, client }
  } catch (error) {
    await disconnect(client)
    return { ok: false, cause: causeOf(error, url) }
  }
}

/** Ends a connection in order, or after 2 s without the server; at once when it is asked something. */
export async function disconnect(client: Client): Promise<void> {
  const late = setTimeout(() => cutOff(client), CLOSE_LIMIT_MS)
  await client.end().catch(() => {})
  clearTimeout(late)
}

/** Ends a connection at once; what is being asked fails. */
function cutOff(client: Client): void {
  client.connection.stream.destroy()
}

/** Whether an error means that the connection is of no use any more. */
export function isLost(error: unknown): boolean {
  const { severity, code } = error as ServerError
  return severity === undefined || FAREWELLS.has(code ?? '')
}

/** Whether a question took longer than its limit. */
export function isLate(error: unknown): boolean {
  return (error as ServerError).message === NO_ANSWER
}

/** An error of Postgres, or of the way to it, as a cause. */
export function causeOf(error: unknown, url: string): Cause {
  const { code, message } = error as ServerError
  const where = addressOf(url)
  switch (code) {
    case '28P01':
    case '28000':
      return cause('postgres-auth', where, message, 'Put the right user and password into the URL.')
    case '42501':
      return cause(
        'postgres-denied',
        where,
        message,
        'The run makes a database of its own for every file: give its user the right, ALTER ROLE ... CREATEDB.',
      )
    case undefined:
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ETIMEDOUT':
    case 'ECONNRESET':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case '57P01':
    case '57P02':
    case '57P03':
      return cause(
        'postgres-unreachable',
        where,
        isLate(error) ? `no answer within ${QUERY_LIMIT_MS / 1000} s` : message || (code ?? 'no answer'),
        'Start that server or correct the address. Another one is never taken in its place.',
      )
    default:
      return cause('postgres-error', where, `${message} (${code})`, 'Look at the log of the server.')
  }
}

function cause(code: CauseCode, where: string, message: string, remedy: string): Cause {
  return { code, message: `The Postgres at ${where}: ${message}.`, remedy }
}

/** Host and port of a URL, which says nothing of its user and password. */
export function addressOf(url: string): string {
  const { host, port } = valuesOf(url)
  return `${host!.includes(':') ? `[${host}]` : host}:${port}`
}

/** The same server, another database. */
export function urlTo(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${database}`
  return other.href
}

/** The parts of a URL that was read by {@link readPostgresUrl}, as clients want to know them. */
export function valuesOf(url: string): Record<string, string> {
  const { hostname, port, pathname, username, password, searchParams: parameters } = new URL(url)
  return {
    url,
    host: parameters.get('host') || decodeURIComponent(hostname.replace(/^\[(.*)\]$/, '$1')),
    port: parameters.get('port') || port || '5432',
    database: decodeURIComponent(pathname.slice(1)),
    user: decodeURIComponent(username) || (parameters.get('user') ?? ''),
    password: decodeURIComponent(password) || (parameters.get('password') ?? ''),
  }
}

/** The line of a text that an error of Postgres points at; null when it points at none. */
export function lineOf(error: unknown, text: string): number | null {
  const position = Number((error as ServerError).position)
  return Number.isInteger(position) && position > 0 ? text.slice(0, position).split('\n').length : null
}
