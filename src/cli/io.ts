/** The world outside of a command, given by main.ts: commands touch no global of the process. */
export interface Io {
  /** The command line, without node and the script. */
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly stdin: AsyncIterable<Buffer>
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** Ends the process at once, without a report. */
  exit(code: number): never
}

/** One line to people, on stderr; a message of several lines keeps them. */
export function tell(io: Io, message: string): void {
  io.stderr.write(`${message.trimEnd()}\n`)
}

/** A document for programs, on stdout. */
export function printJson(io: Io, document: unknown): void {
  io.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}
