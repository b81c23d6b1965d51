import { createHash } from 'node:crypto'

/** What a monitoring system posts to the gateway. */
export interface Alert {
  /** Who sends it: the unit of rate limiting. */
  readonly source: string
  /** What is in trouble: the unit of storm detection, and what an owner is looked up for. */
  readonly service: string
  readonly name: string
  readonly severity: 'info' | 'warning' | 'critical'
  readonly labels: Readonly<Record<string, string>>
}

export type ParsedAlert =
  | { readonly ok: true; readonly alert: Alert }
  | { readonly ok: false; readonly problems: readonly string[] }

const SEVERITIES = ['info', 'warning', 'critical'] as const

/** Checks a posted body and reports every problem at once. */
export function parseAlert(body: string): ParsedAlert {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return { ok: false, problems: ['the body is not JSON'] }
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { ok: false, problems: ['the body is not a JSON object'] }
  }
  const { source, service, name, severity = 'warning', labels = {} } = json as Record<string, unknown>
  const problems: string[] = []
  for (const [field, value] of Object.entries({ source, service, name })) {
    if (typeof value !== 'string' || value.trim() === '') problems.push(`"${field}" must be a non-empty string`)
  }
  if (!SEVERITIES.some((known) => known === severity))
    problems.push(`"severity" must be one of ${SEVERITIES.join(', ')}`)
  if (!isLabels(labels)) problems.push('"labels" must be an object of strings')
  if (problems.length > 0) return { ok: false, problems }
  return { ok: true, alert: { source, service, name, severity, labels } as Alert }
}

/** Two alerts with the same fingerprint are the same alert; severity and the order of labels do not count. */
export function fingerprint(alert: Alert): string {
  const labels = Object.entries(alert.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const identity = JSON.stringify([alert.source, alert.service, alert.name, labels])
  return createHash('sha256').update(identity).digest('hex').slice(0, 32)
}

function isLabels(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((label) => typeof label === 'string')
}
