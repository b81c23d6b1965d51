import type { Cause } from './ending.ts'

/** What the doctor looks at, in its order; the last one only a run can see. */
export const CHECKS = [
  'connection',
  'loading',
  'cluster',
  'write',
  'role',
  'replication',
  'databases',
  'memory',
  'eviction',
  'clients',
  'persistence',
  'latency',
  'outsiders',
] as const

/** The closed set of the doctor's checks; each has a section in docs/causes.md. */
export type CheckCode = (typeof CHECKS)[number]

/** What one check of a server found. */
export type Finding =
  | { readonly check: CheckCode; readonly severity: 'ok'; readonly evidence: string }
  /** A run can succeed; something may spoil it, or make it slow. */
  | { readonly check: CheckCode; readonly severity: 'warning'; readonly evidence: string; readonly remedy: string }
  /** A run cannot succeed. The cause's message is the evidence. */
  | { readonly check: CheckCode; readonly severity: 'error'; readonly cause: Cause }

/** Why a run must not start on this server: the first error; null when it is fit. */
export function unfit(findings: readonly Finding[]): Cause | null {
  return findings.find((finding) => finding.severity === 'error')?.cause ?? null
}
