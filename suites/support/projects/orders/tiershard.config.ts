// A project of its own writes: import { defineConfig } from 'tiershard'
import { defineConfig } from '../../../../src/index.ts'

/** A service that needs Postgres and Redis, a config file and a secret: everything it takes to start it. */
export default defineConfig({
  suites: {
    orders: { tier: 'standard', files: 'tests/**/*.test.ts', services: ['api', 'db'], env: { API: '{services.api.url}' } },
  },
  services: {
    db: { kind: 'postgres', source: 'local', setup: { sql: 'schema.sql' } },
    api: {
      kind: 'command',
      command: 'node service.ts {folder}/orders.json',
      files: {
        'orders.json': '{ "port": {port}, "database": "{services.db.url}", "redis": "{redis.url}", "tokenFile": "{folder}/token" }',
        token: '{secrets.token}',
      },
      secrets: { token: 'ORDERS_TOKEN' },
      needs: ['db', 'redis'],
      port: 'free',
      ready: { http: '/health' },
    },
  },
})
