import { open, type FileHandle } from 'node:fs/promises'
import type { AttemptRecord, FileRecord, RunRecord, TierRecord } from '../core/record.ts'
import { decidingAttempt, fileEnding } from '../core/verdict.ts'
import { casesOf, endingType, errorText, missingCases, strayCases, type Case } from './junit/cases.ts'
import { seconds, suiteXml, totalsOf, type Suite, type Totals } from './junit/suite.ts'
import { clean, isoTime, uniqueNames } from './junit/text.ts'
import { leakLine } from './leaks.ts'
import { endingWords, nodeOf, wallMs } from './words.ts'

/** Written in pieces of about so many characters: few system calls, bounded memory. */
const PIECE = 256 * 1024

/**
 * Writes the run as JUnit XML: every planned test once, one suite a file, totals as `countRun` counts.
 *
 * @returns rejects with the file system's error when it cannot be written
 */
export async function writeJUnit(record: RunRecord, file: string): Promise<void> {
  const handle = await open(file, 'w')
  try {
    await writePieces(handle, reportXml(record))
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function writePieces(handle: FileHandle, texts: Iterable<string>): Promise<void> {
  let piece = ''
  for (const text of texts) {
    piece += text
    if (piece.length < PIECE) continue
    await handle.appendFile(piece)
    piece = ''
  }
  await handle.appendFile(piece)
}

/** The report, piece by piece. */
export function* reportXml(record: RunRecord): Generator<string> {
  yield '<?xml version="1.0" encoding="UTF-8"?>\n'
  yield openTag(record)
  for (const suite of suitesOf(record)) yield* suiteXml(suite)
  yield '</testsuites>\n'
}

function openTag(record: RunRecord): string {
  const totals: Totals = { tests: 0, failures: 0, errors: 0, skipped: 0 }
  for (const { cases } of suitesOf(record)) {
    const more = totalsOf(cases)
    totals.tests += more.tests
    totals.failures += more.failures
    totals.errors += more.errors
    totals.skipped += more.skipped
  }
  const counts = Object.entries(totals).map(([name, count]) => `${name}="${count}"`)
  const timestamp = isoTime(record.startedAt)
  const at = timestamp === null ? '' : ` timestamp="${timestamp}"`
  return `<testsuites name="tiershard" ${counts.join(' ')} time="${seconds(wallMs(record))}"${at}>\n`
}

/** One suite at a time, so that a report of any size takes the memory of one file. */
function* suitesOf(record: RunRecord): Generator<Suite> {
  const unique = uniqueNames()
  if (record.missing.length > 0) yield runSuite(missingCases(record.missing), [], unique('(run)'))
  for (const tier of record.tiers.values()) {
    // A file that is part of two tiers needs two names, or readers drop the second one's tests as repetitions.
    for (const file of tier.files.values()) yield fileSuite(record, tier, file, unique(clean(file.plan.id)))
    if (tier.strayErrors.length === 0) continue
    const name = unique(`${clean(tier.name)} (outside of any file)`)
    yield runSuite(strayCases(tier.strayErrors), [['tier', tier.name]], name)
  }
}

function fileSuite(record: RunRecord, tier: TierRecord, file: FileRecord, name: string): Suite {
  const { cases, own } = casesOf(tier, file, record.causes[0] ?? null)
  return {
    name,
    classname: name,
    path: file.plan.path,
    startedAt: file.attempts[0]?.startedAt ?? null,
    durationMs: file.attempts.reduce((sum, attempt) => sum + attempt.durationMs, 0),
    properties: propertiesOf(record, tier, file),
    cases: named(cases),
    stdout: output(file, 'stdout'),
    stderr: [output(file, 'stderr'), errorsOutsideOfTests(file, own)].filter(Boolean).join('\n'),
  }
}

function propertiesOf(record: RunRecord, tier: TierRecord, file: FileRecord): [string, string][] {
  const { plan, attempts } = file
  const deciding = decidingAttempt(file)
  const node = deciding && nodeOf(record, deciding.shard)
  const all: [string, string | number | null | undefined][] = [
    ['tier', tier.name],
    ['suite', plan.suite],
    ['project', plan.project === '' ? null : plan.project],
    ['node', node?.name],
    ['shard', deciding && deciding.shard - (node?.firstShard ?? 0)],
    ['database', deciding?.database],
    ['attempts', attempts.length],
    // All of its attempts were made by a run that this one continues.
    ['run', attempts.at(-1)?.run],
    ['ending', endingType(fileEnding(file))],
    ['left behind', leftBehind(deciding)],
    // A failed attempt that a later one made good is seen nowhere else when no test of it failed.
    ...attempts.flatMap((attempt): [string, string][] => {
      if (attempt === deciding) return []
      const { word, detail } = endingWords(attempt.ending ?? { kind: 'not-run', why: 'lost' }, tier.name)
      const run = attempt.run === undefined ? '' : ` (run ${attempt.run})`
      return [[`attempt ${attempt.attempt}`, `${detail === '' ? word : `${word}: ${detail}`}${run}`]]
    }),
  ]
  return all.flatMap(([name, value]): [string, string][] =>
    value === null || value === undefined ? [] : [[name, String(value)]],
  )
}

function leftBehind(attempt: AttemptRecord | null): string | null {
  const detail = attempt?.leftovers?.detail
  return detail ? leakLine({ keys: attempt.leftovers.keys, ...detail }) : null
}

/** What all attempts wrote, each under a heading when there are several. */
function output(file: FileRecord, stream: 'stdout' | 'stderr'): string {
  const texts = file.attempts.map(({ attempt, output }) => {
    const text = output.map((piece) => (piece.stream === stream ? piece.text : '')).join('')
    return file.attempts.length > 1 && text !== '' ? `[attempt ${attempt}]\n${text}` : text
  })
  return texts.filter(Boolean).join('\n')
}

/** Errors of the file that no case of it shows. `own`: its own case shows those of the deciding attempt. */
function errorsOutsideOfTests(file: FileRecord, own: boolean): string {
  const shown = own ? decidingAttempt(file) : null
  const errors = file.attempts.flatMap((attempt) => (attempt === shown ? [] : attempt.errors))
  return errors.map((error) => `outside of any test: ${errorText(error)}`).join('\n\n')
}

/** Names that XML cannot tell apart would be dropped by readers as repetitions. */
function named(cases: readonly Case[]): Case[] {
  const unique = uniqueNames()
  return cases.map((one) => ({ ...one, name: unique(clean(one.name) || '(no name)') }))
}

/** What belongs to no file: errors of the engine, and what is missing from the record; one case each, as they are counted. */
function runSuite(cases: readonly Case[], properties: Suite['properties'], name: string): Suite {
  return {
    name,
    classname: name,
    path: null,
    startedAt: null,
    durationMs: 0,
    properties,
    cases: named(cases),
    stdout: '',
    stderr: '',
  }
}
