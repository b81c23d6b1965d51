import { Buffer } from 'node:buffer'
import { closeSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import process from 'node:process'

const BUFFER = 256 * 1024

/**
 * A file that is written from front to back and mended in places that are known in advance. It appears whole or not at
 * all: it is written beside its place and renamed. Every method throws the file system's error.
 */
export class Part {
  readonly file: string
  private readonly temporary: string
  private readonly handle: number
  private readonly buffer = Buffer.allocUnsafe(BUFFER)
  private used = 0
  /** Bytes that are on disk; the buffer follows them. */
  private flushed = 0
  private open = true

  constructor(file: string) {
    this.file = file
    this.temporary = `${file}.${process.pid}.tmp`
    this.handle = openSync(this.temporary, 'w+')
  }

  /** Bytes so far. */
  get size(): number {
    return this.flushed + this.used
  }

  write(text: string): void {
    // A UTF-16 unit takes three bytes at most.
    if (text.length * 3 > BUFFER - this.used) {
      this.flush()
      if (text.length * 3 > BUFFER) return this.append(Buffer.from(text))
    }
    this.used += this.buffer.write(text, this.used)
  }

  /** Puts other text of the same length, in ASCII, in the place of what was written there. */
  patch(position: number, text: string): void {
    if (position >= this.flushed) {
      this.buffer.write(text, position - this.flushed, 'latin1')
      return
    }
    this.flush()
    writeAll(this.handle, Buffer.from(text, 'latin1'), position)
  }

  /** Cuts off everything from a position on and returns it. */
  take(position: number): Buffer {
    this.flush()
    const bytes = Buffer.allocUnsafe(this.flushed - position)
    for (let at = 0; at < bytes.length;) at += readSync(this.handle, bytes, at, bytes.length - at, position + at)
    ftruncateSync(this.handle, position)
    this.flushed = position
    return bytes
  }

  append(bytes: Buffer): void {
    this.flush()
    writeAll(this.handle, bytes, this.flushed)
    this.flushed += bytes.length
  }

  /** Complete, under another name until {@link publish}. Not forced to the disk: a merge can be made again. */
  close(): void {
    this.flush()
    closeSync(this.handle)
    this.open = false
  }

  publish(): void {
    renameSync(this.temporary, this.file)
  }

  /** Leaves nothing behind. */
  discard(): void {
    if (this.open) closeSync(this.handle)
    this.open = false
    rmSync(this.temporary, { force: true })
  }

  private flush(): void {
    writeAll(this.handle, this.buffer.subarray(0, this.used), this.flushed)
    this.flushed += this.used
    this.used = 0
  }
}

function writeAll(handle: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at, bytes.length - at, position + at)
}
