import path from 'node:path'
import type { Cause, CauseCode } from '../core/ending.ts'
import type { ServiceLog } from './log.ts'
import type { Ended } from './process.ts'

/** What is wrong with services, in words. The last lines of the log belong to the message: they say why. */

/** A cause whose message ends with the last lines of a log. */
export function withLog(code: CauseCode, what: string, remedy: string, log: ServiceLog, root: string): Cause {
  const lines = log.lastLines
  const file = path.relative(root, log.file)
  const shown = file.startsWith('..') ? log.file : file
  return {
    code,
    message: `${what}\n${lines === '' ? `Its log is empty: ${shown}` : `The end of its log, ${shown}:\n${lines}`}`,
    remedy,
  }
}

/** A command as one would type it. */
export function typed(command: readonly string[]): string {
  return command
    .map((word) => (/^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ')
}

/** A process that ended before its service was ready. */
export function startFailed(
  name: string,
  command: readonly string[],
  cwd: string,
  ended: Ended,
  log: ServiceLog,
  root: string,
): Cause {
  if (ended.kind === 'not-started') return notStarted(name, command, cwd, ended.error)
  const what = `The service ${name} ended with ${ended.how} before it was ready.`
  return withLog('service-exited', what, `Run it by hand in ${cwd}: ${typed(command)}`, log, root)
}

function notStarted(name: string, command: readonly string[], cwd: string, error: NodeJS.ErrnoException): Cause {
  const program = command[0]!
  return {
    code: 'service-not-found',
    message: `The service ${name} could not be started: ${whyNot(program, cwd, error)}.`,
    remedy: `Install ${program}, or correct services.${name}.command, its cwd or its env in the config.`,
  }
}

function whyNot(program: string, cwd: string, { code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return `there is no program ${program} on PATH, or no folder ${cwd}`
    case 'EACCES':
      return `${program} may not be executed`
    case 'ENOTDIR':
      return `${cwd} is no folder, or something above ${program} is none`
    case 'E2BIG':
      return 'its arguments and environment are larger than the system allows'
    case 'ERR_INVALID_ARG_VALUE':
      // The message shows the text, which may be a secret.
      return 'an argument or a variable holds a character that no process can be given, such as a null byte'
    case undefined:
    default:
      return message
  }
}

/**
 * What the system has refused while a service was being started (space, rights, handles) as a cause. Throws anything else:
 * that is a bug.
 */
export function refused(name: string, error: unknown): Cause {
  const { syscall, message } = error as NodeJS.ErrnoException
  if (syscall === undefined) throw error
  return {
    code: 'service-setup-failed',
    message: `The service ${name} could not be set up: ${message}.`,
    remedy: 'Give the system what it lacks, or correct what the config says of this service.',
  }
}

export function portTaken(name: string, port: number, log: ServiceLog, root: string): Cause {
  return withLog(
    'port-taken',
    `The service ${name} wants port ${port}, and another program listens on it.`,
    `End that program (ss -ltnp 'sport = :${port}' names it), or give the service port: 'free'.`,
    log,
    root,
  )
}

export function noSecret(name: string, secret: string, variable: string): Cause {
  return {
    code: 'service-no-secret',
    message: `The service ${name} needs the secret ${secret}, and the environment variable ${variable} is not set.`,
    remedy: `Set ${variable} where tiershard is started.`,
  }
}

export function cancelled(name: string): Cause {
  return { code: 'service-not-ready', message: `The start of the service ${name} was cancelled.`, remedy: 'Run again.' }
}
