import { unfit, type Finding } from '../core/findings.ts'
import { unreachable } from '../core/ending.ts'
import { EXIT } from '../core/verdict.ts'
import { consult, type Diagnosis } from '../redis/index.ts'
import { createPaint, type Paint } from '../reports/console/paint.ts'
import { printable } from '../reports/format.ts'
import { openCluster } from './cluster.ts'
import { printJson, type Io } from './io.ts'
import { openProject } from './project.ts'
import type { RedisOptions } from './options.ts'
import { listenForStop, signalExitCode } from './signals.ts'

/** `tiershard doctor`: returns the exit code. */
export async function doctorCommand(options: RedisOptions, io: Io): Promise<number> {
  const stop = listenForStop({ first: () => {}, again: (signal) => io.exit(signalExitCode(signal)) })
  try {
    const settings = await openProject(options, io)
    if (settings === null) return EXIT.usage
    const diagnosis = await consult(settings.redis, io.env, stop.signal, openCluster)
    if (stop.received) return signalExitCode(stop.received)
    const cause = unfit(diagnosis.findings)
    if (options.json) printJson(io, document(diagnosis, cause === null))
    else io.stdout.write(`${page(diagnosis, createPaint(io.stdout, io.env)).join('\n')}\n`)
    return cause === null ? EXIT.passed : EXIT.infrastructure
  } finally {
    stop.close()
  }
}

/** What `--json` prints. `cause` is set for errors alone. */
function document({ address, reason, facts, findings }: Diagnosis, fit: boolean): object {
  return {
    version: 1,
    fit,
    address,
    reason,
    server: facts,
    findings: findings.map((found) => {
      const { check, severity } = found
      const cause = severity === 'error' ? found.cause.code : null
      return { check, severity, cause, evidence: evidenceOf(found), remedy: remedyOf(found) }
    }),
  }
}

function page({ address, reason, findings }: Diagnosis, paint: Paint): string[] {
  const heading = address === null ? [] : [paint('bold', `${address} (${printable(reason ?? '')})`)]
  return [...heading, ...findings.flatMap((found) => lines(found, paint)), verdict(findings, paint)]
}

const WIDTH = 12

function lines(found: Finding, paint: Paint): string[] {
  const remedy = remedyOf(found)
  return [
    `${mark(found, paint)} ${found.check.padEnd(WIDTH)} ${printable(evidenceOf(found))}`,
    ...(found.severity === 'error' ? [`  ${' '.repeat(WIDTH)} cause: ${found.cause.code}`] : []),
    ...(remedy === null ? [] : [`  ${' '.repeat(WIDTH)} what to do: ${printable(remedy)}`]),
  ]
}

function mark({ severity }: Finding, paint: Paint): string {
  switch (severity) {
    case 'ok':
      return paint('green', '✓')
    case 'warning':
      return paint('yellow', '!')
    case 'error':
      return paint('red', '✗')
    default:
      return unreachable(severity)
  }
}

function verdict(findings: readonly Finding[], paint: Paint): string {
  const warnings = findings.filter(({ severity }) => severity === 'warning').length
  const cause = unfit(findings)
  if (cause) return paint(['red', 'bold'], `not fit for a run: ${cause.code}`)
  const more = warnings === 0 ? '' : `, with ${warnings} warning${warnings === 1 ? '' : 's'}`
  return paint(['green', 'bold'], `fit for a run${more}`)
}

function evidenceOf(found: Finding): string {
  return found.severity === 'error' ? found.cause.message : found.evidence
}

function remedyOf(found: Finding): string | null {
  if (found.severity === 'ok') return null
  return found.severity === 'error' ? found.cause.remedy : found.remedy
}
