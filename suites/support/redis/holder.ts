/**
 * A run that holds a server and a lease until it is killed: `node holder.ts local|embedded`. Tells its parent the URL of
 * the leased database.
 */
import { resolveRedis } from '../../../src/redis/index.ts'

const kind = process.argv[2] === 'local' ? 'local' : 'embedded'
const { signal } = new AbortController()
const settings = { source: { kind }, control: null, databases: null, waitMs: 0, patienceMs: 0 } as const
const resolved = await resolveRedis(settings, process.env, signal)
if (!resolved.ok) throw new Error(resolved.cause.message)
const grant = await resolved.server.lease({ count: 1, run: 'holder', waitMs: 0, onWait: () => {}, signal })
if (grant.kind === 'refused') throw new Error(grant.cause.message)
await grant.leases[0]!.open()
process.send?.(grant.leases[0]!.connection.url)
