import type { ServiceHooks, Services } from '../core/service-ports.ts'
import type { Settings } from '../core/settings.ts'
import type { Io } from './io.ts'
import { runFolder } from './run-folder.ts'

/** Between SIGTERM and SIGKILL for what a service has left running, ms. */
const TERM_LIMIT_MS = 300
/** How long to wait for what was killed, ms: on a machine that is overloaded it may take a while to die. */
const KILL_LIMIT_MS = 5_000

/** The services of a project for one run; nothing of them is loaded before a file needs one. */
export async function openServices(settings: Settings, run: string, io: Io, hooks: ServiceHooks): Promise<Services> {
  const [{ openServices: open }, { endOurs }, { sweepGroup }] = await Promise.all([
    import('../services/index.ts'),
    import('../engines/marks.ts'),
    import('../engines/process-group.ts'),
  ])
  const { root, reportsDir, services = [] } = settings
  const { services: logs } = runFolder(reportsDir, run)
  return open(
    {
      services,
      run,
      root,
      logs,
      env: io.env,
      async end(ours) {
        await endOurs(ours, { graceMs: 0, termMs: TERM_LIMIT_MS, killMs: KILL_LIMIT_MS })
        await sweepGroup(ours.group, KILL_LIMIT_MS)
      },
    },
    hooks,
  )
}
