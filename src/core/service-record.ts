import type { ServicePart } from './events.ts'

/** All starts of one part of a service. */
export interface ServiceRecord extends Omit<ServicePart, 'shard' | 'readyMs'> {
  readonly starts: number
  /** Times until it could be used, ms. */
  readonly totalMs: number
  readonly slowestMs: number
}

/** Adds a start to the list of those that there were. */
export function addStart(services: ServiceRecord[], start: ServicePart): void {
  const { shard: _, readyMs, ...facts } = start
  const at = services.findIndex(({ service, part }) => service === facts.service && part === facts.part)
  const known = services[at]
  if (!known) return void services.push({ ...facts, starts: 1, totalMs: readyMs, slowestMs: readyMs })
  const slowestMs = Math.max(known.slowestMs, readyMs)
  services[at] = { ...known, starts: known.starts + 1, totalMs: known.totalMs + readyMs, slowestMs }
}
