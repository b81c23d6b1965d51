import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { mergeReports, type MergeResult } from '../../../src/reports/merge/merge.ts'
import { readJUnit, type ReadReport } from '../reports/junit-reader.ts'

export interface Merged {
  readonly result: MergeResult
  /** The files that were written, as a strict parser reads them. */
  readonly reports: readonly ReadReport[]
}

/** A folder for one test. */
export function scratch(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tiershard-merge-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * Merges texts or bytes, each given as a stream of one piece or of pieces of `piece` bytes, and reads the result back.
 * Throws when the result is not well-formed, or when its totals are not what is in it.
 */
export async function merging(
  inputs: Readonly<Record<string, string | Buffer>>,
  options: { readonly split?: number; readonly piece?: number; readonly foreignAllowed?: boolean } = {},
): Promise<Merged> {
  const { split = Infinity, piece = Infinity, foreignAllowed = false } = options
  const sources = Object.entries(inputs).map(([label, input]) => ({
    label,
    from: { kind: 'stream', stream: Readable.from(pieces(Buffer.from(input), piece)) } as const,
    foreignAllowed,
  }))
  const result = await mergeReports(sources, path.join(scratch(), 'merged.xml'), split, new AbortController().signal)
  const reports = result.output.map((file) => readJUnit([readFileSync(file, 'utf8')]))
  for (const report of reports) checkTotals(report)
  return { result, reports }
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  const list: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) list.push(bytes.subarray(at, Math.min(bytes.length, at + size)))
  return list
}

/** Holds every declared total of a merged report against what is in it; and names must be unique. */
function checkTotals({ attributes, suites }: ReadReport): void {
  const all = { tests: 0, failures: 0, errors: 0, skipped: 0 }
  const names = new Set<string>()
  for (const suite of suites) {
    if (suite.tag !== 'testsuite') throw new Error(`<${suite.tag}> beside the suites`)
    if (names.has(suite.attributes['name']!)) throw new Error(`two suites ${suite.attributes['name']}`)
    names.add(suite.attributes['name']!)
    const own = { tests: suite.cases.length, failures: 0, errors: 0, skipped: 0 }
    for (const { attributes, children } of suite.cases) {
      const tags = new Set(children.map(({ tag }) => tag))
      if (tags.has('failure')) own.failures++
      else if (tags.has('error')) own.errors++
      else if (tags.has('skipped')) own.skipped++
      const name = `${attributes['classname']}\n${attributes['name']}`
      if (attributes['classname'] === undefined || names.has(name)) throw new Error(`two cases ${name}`)
      names.add(name)
    }
    for (const key of ['tests', 'failures', 'errors', 'skipped'] as const) {
      if (suite.attributes[key] !== String(own[key])) throw new Error(`${suite.attributes['name']}: ${key} is wrong`)
      all[key] += own[key]
    }
    if (!(Number(suite.attributes['time']) >= 0)) throw new Error(`${suite.attributes['name']}: time is wrong`)
  }
  for (const key of ['tests', 'failures', 'errors', 'skipped'] as const) {
    if (attributes[key] !== String(all[key])) throw new Error(`${key} of the report is wrong`)
  }
}
