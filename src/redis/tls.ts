import { readFile } from 'node:fs/promises'
import net from 'node:net'
import { createSecureContext, type ConnectionOptions } from 'node:tls'
import type { Cause } from '../core/ending.ts'
import type { TlsSettings } from '../core/settings.ts'

/** What a connection with TLS needs, read from the files of the settings. */
export interface Tls {
  readonly settings: TlsSettings
  readonly options: ConnectionOptions
}

const FILES = ['ca', 'cert', 'key'] as const

/** Reads the files, and finds out whether they are what they should be: TLS itself would only say it after a dial. */
export async function readTls(
  settings: TlsSettings,
): Promise<{ readonly ok: true; readonly tls: Tls } | { readonly ok: false; readonly cause: Cause }> {
  const options: ConnectionOptions = settings.servername === undefined ? {} : { servername: settings.servername }
  for (const name of FILES) {
    const file = settings[name]
    if (file === undefined) continue
    try {
      options[name] = await readFile(file)
      if (name !== 'key') createSecureContext({ [name]: options[name] })
    } catch (error) {
      return { ok: false, cause: unusable(`redis.tls.${name}`, file, error as Error) }
    }
  }
  try {
    createSecureContext(options)
  } catch (error) {
    return { ok: false, cause: unusable('redis.tls.key', settings.key ?? '', error as Error) }
  }
  return { ok: true, tls: { settings, options } }
}

/** The options of a TLS dial; the name is always given, because ioredis sends none and a router cannot do without. */
export function tlsOptions(host: string, tls: Tls | undefined): ConnectionOptions {
  const name = net.isIP(host) === 0 ? { servername: host } : {}
  return { ...name, ...tls?.options }
}

function unusable(option: string, file: string, error: Error): Cause {
  const why = 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : error.message
  return {
    code: 'redis-certificate',
    message: `${option} (${file}) cannot be used: ${why}.`,
    remedy: 'Name a PEM file: a certificate, or the key that belongs to redis.tls.cert.',
  }
}
