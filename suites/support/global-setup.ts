import { startEmbedded } from '../../src/redis/embedded/start.ts'

/**
 * Lets the suites run under plain vitest and in an editor: where no REDIS_URL is given, they share one embedded server.
 * tiershard itself gives every shard a REDIS_URL of its own, and nothing is started here.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['TIERSHARD_RUN'] !== undefined || process.env['REDIS_URL'] !== undefined) return undefined
  const started = await startEmbedded(new AbortController().signal)
  if (!started.ok) throw new Error(`${started.cause.message} ${started.cause.remedy}`)
  const { server } = started
  process.env['REDIS_URL'] = `redis://${server.host}:${server.port}`
  return async () => {
    delete process.env['REDIS_URL']
    await server.stop()
  }
}
