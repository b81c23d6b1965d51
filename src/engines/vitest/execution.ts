import type { Batch, Desk, Execution, Seat } from '../../core/ports.ts'
import { unreachable } from '../../core/ending.ts'
import type { HostProcess } from './host-process.ts'
import { sweepGroup } from '../process-group.ts'
import type { FromHost, HostBatch, HostOutcome } from './protocol.ts'

/** After a stop, the host gets this long to end its workers and itself before it is killed, ms. */
const STOP_LIMIT_MS = 2_000
/** After its host was killed, how long to wait for a worker to vanish, ms. */
const SWEEP_LIMIT_MS = 2_000

interface TakenSeat {
  seat: Seat
  pid: number | null
}

export interface HostSource {
  /** A host that has answered `opened`; a text when there is none. */
  readonly ready: Promise<HostProcess | string>
  /** Ends the host, even before it is ready. */
  kill(): void
}

/** Runs a batch in a host and hands what it says to the desk. */
export function execute(host: HostSource, batch: HostBatch, desk: Desk): Execution {
  const seats = new Map<number, TakenSeat>()
  let lastSeat = 0
  let running: HostProcess | null = null
  let stopping = false
  let ended = false

  const ask = async ({ ask, file, held }: Extract<FromHost, { type: 'ask' }>, to: HostProcess): Promise<void> => {
    const old = held === null ? undefined : seats.get(held)
    const seat = old ? await desk.next(old.seat, file) : await desk.sit(file)
    if (seat === null) return to.send({ type: 'seat', ask, seat: null })
    if (old) {
      // The process that sits there goes on under the number that it has.
      old.seat = seat
      return to.send({ type: 'seat', ask, seat: { id: held!, env: seat.env } })
    }
    // Stopped, or the host has died meanwhile: nobody is there to take it.
    if (ended || stopping) return desk.leave(seat)
    const id = ++lastSeat
    seats.set(id, { seat, pid: null })
    to.send({ type: 'seat', ask, seat: { id, env: seat.env } })
  }

  const hear = (message: FromHost, from: HostProcess): void => {
    switch (message.type) {
      case 'ask':
        return void ask(message, from)
      case 'spawned': {
        const taken = seats.get(message.seat)
        if (taken) taken.pid = message.pid
        return
      }
      case 'left': {
        const taken = seats.get(message.seat)
        seats.delete(message.seat)
        if (taken) desk.leave(taken.seat)
        return
      }
      case 'started':
        return desk.started(message.file, seats.get(message.seat)!.seat)
      case 'collected':
        return desk.collected(message.file, message.tests)
      case 'tested':
        return desk.tested(message.file, message.result)
      case 'output':
        return desk.output(message.file, message.stream, message.text)
      case 'leaked':
        return desk.leaked(message.file, message.processes)
      case 'stopped':
        return desk.stopped(message.file, message.stop)
      case 'stray':
        return desk.stray(message.error)
      case 'opened':
      case 'refused':
      case 'discovered':
      case 'done':
      case 'closed':
        return
      default:
        return unreachable(message)
    }
  }

  const run = async (): Promise<HostOutcome> => {
    const ready = await host.ready
    if (typeof ready === 'string') return { kind: 'died', message: ready }
    if (stopping) return { kind: 'completed' }
    running = ready
    const listener = (message: FromHost): void => hear(message, ready)
    ready.events.on('message', listener)
    ready.send({ type: 'execute', batch })
    const done = await ready.first('done')
    ended = true
    ready.events.off('message', listener)
    if (done !== null) return done.outcome
    // The host is gone. Its workers lead groups of their own; no seat is left while one of them may still write.
    const pids = [...seats.values()].flatMap(({ pid }) => (pid === null ? [] : [pid]))
    await Promise.all(pids.map((pid) => sweepGroup(pid, SWEEP_LIMIT_MS)))
    for (const { seat } of seats.values()) desk.leave(seat)
    return { kind: 'died', message: await ready.ended }
  }

  const done = run()
  return {
    done,
    kill: (file, how) => running?.send({ type: 'kill', file, how }),
    stop() {
      if (stopping) return
      stopping = true
      running?.send({ type: 'stop' })
      const force = setTimeout(() => host.kill(), STOP_LIMIT_MS)
      void done.finally(() => clearTimeout(force))
    },
  }
}

/** The part of a batch that the host needs. */
export function hostBatch(batch: Batch, absolute: (path: string) => string): HostBatch {
  const { tier, files, shards, scratch } = batch
  return {
    files: files.map(({ id, path, project }) => ({ id, path: absolute(path), project })),
    shards,
    scratch,
    testTimeoutMs: tier.testTimeoutMs,
    testTimeoutGiven: tier.testTimeoutGiven,
    testName: batch.testName,
  }
}
