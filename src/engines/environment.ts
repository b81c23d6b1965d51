import { randomBytes } from 'node:crypto'
import type { Seat } from '../core/ports.ts'

/** An environment with the seat's variables on top; null removes one. */
export function withSeat<E extends NodeJS.ProcessEnv>(env: E, seat: Pick<Seat, 'env'>): E {
  const own: NodeJS.ProcessEnv = { ...env }
  for (const [name, value] of Object.entries(seat.env)) {
    if (value === null) delete own[name]
    else own[name] = value
  }
  return own as E
}

/** The mark of all processes of a run: its id, or where there is none, one of the same form. */
export function runMark(env: NodeJS.ProcessEnv): string {
  return env['TIERSHARD_RUN'] ?? `engine-${randomBytes(6).toString('hex')}`
}

let count = 0

/** Tells what the engines of this process have started apart. */
export function processNumber(): string {
  return `${process.pid}-${++count}`
}
