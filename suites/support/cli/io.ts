import { PassThrough, Readable } from 'node:stream'
import type { Io } from '../../../src/cli/io.ts'

/** The world of a command inside a test: what it writes is kept. */
export function fakeIo(
  argv: readonly string[],
  cwd = '/',
  stdin: readonly Buffer[] = [],
): {
  readonly io: Io
  readonly stdout: () => string
  readonly stderr: () => string
} {
  const texts = { stdout: '', stderr: '' }
  const keep = (name: keyof typeof texts): NodeJS.WriteStream => {
    const stream = new PassThrough()
    stream.on('data', (chunk: Buffer) => (texts[name] += chunk.toString()))
    return stream as unknown as NodeJS.WriteStream
  }
  const exit = (code: number): never => {
    throw new Error(`exit ${code}`)
  }
  return {
    io: { argv, cwd, env: {}, stdin: Readable.from(stdin), stdout: keep('stdout'), stderr: keep('stderr'), exit },
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
  }
}
