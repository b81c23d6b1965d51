import type { ServiceRecord } from '../core/service-record.ts'
import { duration, printable } from './format.ts'

/** `service api: node server.js, one for every file, started 12 times, ready after 214ms at most`: all of its starts. */
export function serviceWords({ service, what, where, per, starts, slowestMs }: ServiceRecord): string {
  const at = per !== 'run' || where === null ? '' : ` at ${where}`
  const often = per === 'run' ? '' : `, one for every ${per}, made ${starts === 1 ? 'once' : `${starts} times`}`
  const most = starts === 1 ? '' : ' at most'
  return printable(`service ${service}: ${what}${at}${often}, ready after ${duration(slowestMs)}${most}`)
}
