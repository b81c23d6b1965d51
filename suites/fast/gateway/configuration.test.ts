import { describe, expect, test } from 'vitest'
import { readConfig } from '../../support/gateway/config.ts'
import { parseAlert } from '../../support/gateway/alert.ts'

const REQUIRED = { REDIS_URL: 'redis://127.0.0.1:6379/3', GATEWAY_WEBHOOK_URL: 'https://hooks.example/alerts' }

describe('the environment', () => {
  test('needs two addresses and has a default for everything else', () => {
    const read = readConfig(REQUIRED)
    expect(read).toMatchObject({
      ok: true,
      config: { redisUrl: REQUIRED.REDIS_URL, port: 8080, dedupeMs: 300_000, rateLimit: { limit: 100 } },
    })
  })

  test('is read, not guessed', () => {
    const read = readConfig({ ...REQUIRED, GATEWAY_PORT: '0', GATEWAY_STORM_THRESHOLD: '7', GATEWAY_PREFIX: 'a' })
    expect(read).toMatchObject({ ok: true, config: { port: 0, prefix: 'a', storm: { threshold: 7 } } })
  })

  test('reports every mistake at once, and no password', () => {
    const read = readConfig({
      REDIS_URL: 'http://user:secret@redis.example',
      GATEWAY_PORT: '70000',
      GATEWAY_DEDUPE_MS: 'five minutes',
    })
    expect(read).toEqual({
      ok: false,
      problems: [
        'REDIS_URL must start with redis: or rediss:',
        'GATEWAY_PORT must be a whole number from 0 to 65535, not "70000"',
        expect.stringContaining('GATEWAY_DEDUPE_MS must be a whole number'),
        'GATEWAY_WEBHOOK_URL is missing',
      ],
    })
    expect(JSON.stringify(read)).not.toContain('secret')
  })
})

describe('a posted alert', () => {
  test('gets its defaults', () => {
    expect(parseAlert('{"source":"a","service":"b","name":"c"}')).toEqual({
      ok: true,
      alert: { source: 'a', service: 'b', name: 'c', severity: 'warning', labels: {} },
    })
  })

  test.each([
    ['no JSON', '{"source":', ['the body is not JSON']],
    ['no object', '[1]', ['the body is not a JSON object']],
    [
      'several mistakes',
      '{"source":"","service":1,"name":"c","severity":"loud","labels":{"a":1}}',
      [
        '"source" must be a non-empty string',
        '"service" must be a non-empty string',
        '"severity" must be one of info, warning, critical',
        '"labels" must be an object of strings',
      ],
    ],
  ])('with %s is refused', (_, body, problems) => {
    expect(parseAlert(body)).toEqual({ ok: false, problems })
  })
})
