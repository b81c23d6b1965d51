import type { PlannedFile } from '../core/events.ts'
import type { Batch, Desk, Discovery, Engine, Execution } from '../core/ports.ts'

type Outcome = Awaited<Execution['done']>

/**
 * Several engines that look like one. Each runs its own files of a batch, all at once: they wait for the same seats, which
 * the desk gives out in the order of the plan.
 *
 * @param engines none runs the files of another one
 * @param engineOf the one that runs a file
 */
export function severalEngines(engines: readonly Engine[], engineOf: (file: PlannedFile) => Engine): Engine {
  if (engines.length === 1) return engines[0]!
  return {
    name: engines.map(({ name }) => name).join(' or '),
    async discover(request) {
      const found = await Promise.all(engines.map(async (engine) => engine.discover(request)))
      return found.find(({ ok }) => !ok) ?? together(found)
    },
    execute(batch, desk) {
      const parts = engines.flatMap((engine): { engine: Engine; files: PlannedFile[] }[] => {
        const files = batch.files.filter((file) => engineOf(file) === engine)
        return files.length === 0 ? [] : [{ engine, files }]
      })
      const [only, ...others] = parts
      if (only === undefined || others.length === 0) return (only?.engine ?? engines[0]!).execute(batch, desk)
      return executeTogether(batch, parts, desk)
    },
    async close() {
      await Promise.all(engines.map(async (engine) => engine.close()))
    },
  }
}

function together(found: readonly Discovery[]): Discovery {
  const all = found.filter((one) => one.ok)
  return {
    ok: true,
    engine: all.map(({ engine }) => engine).join(', '),
    files: all.flatMap(({ files }) => files),
    warnings: all.flatMap(({ warnings }) => warnings),
  }
}

function executeTogether(
  batch: Batch,
  parts: readonly { readonly engine: Engine; readonly files: readonly PlannedFile[] }[],
  desk: Desk,
): Execution {
  const gate = openGate(
    desk,
    batch.files.map(({ id }) => id),
    parts.length,
  )
  const executions = parts.map(({ engine, files }) => {
    const { desk: own, arrive } = gate.pass()
    const execution = engine.execute({ ...batch, files }, own)
    void execution.done.finally(arrive)
    return { execution, files: new Set(files.map(({ id }) => id)) }
  })
  const ends = executions.map(async ({ execution }) => execution.done)
  // Whoever breaks ends all of it: the run stops the others, and says first why.
  const broken = new Promise<Outcome>((resolve) => {
    for (const end of ends) void end.then((outcome) => outcome.kind === 'died' && resolve(outcome))
  })
  return {
    done: Promise.race([broken, Promise.all(ends).then((): Outcome => ({ kind: 'completed' }))]),
    kill: (file, how) => executions.find(({ files }) => files.has(file))?.execution.kill(file, how),
    stop() {
      for (const { execution } of executions) execution.stop()
    },
  }
}

interface Gate {
  /** The desk for one engine, which arrives with its first request, or when it will make none. */
  pass(): { readonly desk: Desk; readonly arrive: () => void }
}

/**
 * No seat is given out before every engine has asked for one: the engine that starts sooner would take them all, and the
 * longest files of the others would come late. From then on the desk itself keeps the order.
 */
function openGate(desk: Desk, order: readonly string[], engines: number): Gate {
  const places = new Map(order.map((file, at) => [file, at]))
  const held: { readonly file: string; readonly forward: () => void }[] = []
  let missing = engines
  let isOpen = false
  const open = (): void => {
    isOpen = true
    const all = held.splice(0).toSorted((a, b) => places.get(a.file)! - places.get(b.file)!)
    for (const { forward } of all) forward()
  }
  return {
    pass() {
      let isHere = false
      const arrive = (): void => {
        if (isHere) return
        isHere = true
        // What an engine asks for in one go has been asked for by then.
        if (--missing === 0) setImmediate(open)
      }
      return { arrive, desk: forwarding(desk, arrive) }
    },
  }

  function forwarding(to: Desk, arrive: () => void): Desk {
    return {
      async sit(file) {
        arrive()
        if (!isOpen) await new Promise<void>((forward) => held.push({ file, forward }))
        return to.sit(file)
      },
      next: async (seat, file) => to.next(seat, file),
      leave: (seat) => to.leave(seat),
      started: (file, seat) => to.started(file, seat),
      collected: (file, tests) => to.collected(file, tests),
      tested: (file, result) => to.tested(file, result),
      output: (file, stream, text) => to.output(file, stream, text),
      leaked: (file, processes) => to.leaked(file, processes),
      stopped: (file, stop) => to.stopped(file, stop),
      stray: (error) => to.stray(error),
    }
  }
}
