import type { ErrorRecord } from '../../core/events.ts'
import type { FileRecord, RunRecord, TestRecord } from '../../core/record.ts'
import { decidingAttempt, fileEnding, testVerdicts, type TestVerdict } from '../../core/verdict.ts'
import { errorTitle, failures, failuresByCause, groupFailures, type Failure } from '../failures.ts'
import { printable } from '../format.ts'
import { endingWords, outcomeWord, quarantineWords, type planned } from '../words.ts'
import { fileMark, testMark, type PageDetail, type PageError, type PageHead, type PageOutput } from './data.ts'
import { block, pageError } from './text.ts'

/** Characters that the errors and the output of one report take in all. */
const BUDGET = { errors: 6_000_000, output: 4_000_000 } as const

/** Characters of output of one attempt: what failed is read, what passed hardly ever. */
const OUTPUT = { failed: 40_000, passed: 4_000 } as const

type Planned = ReturnType<typeof planned>

/**
 * What there is to tell about failures, flaky tests and reasons of skips. When a run fails so often that its errors
 * would make the report too large, the later ones keep their first line; `bare` counts those.
 *
 * @param places of the files, by tier and id
 */
export function pageDetails(
  record: RunRecord,
  files: Planned,
  places: ReadonlyMap<string, number>,
): Pick<PageHead, 'details' | 'groups' | 'byCause' | 'bare'> {
  const tiers = [...record.tiers.keys()]
  const details: PageDetail[] = []
  const errors = boundedErrors()
  const list = failures(record)
  const detailOf = new Map<Failure, number>()
  const known = new Map<number, ReadonlyMap<string, Placed>>()
  const find = (file: number, test: string): Placed | null => {
    let tests = known.get(file)
    if (!tests) known.set(file, (tests = placed(files[file]!.file)))
    return tests.get(test) ?? null
  }

  for (const failure of list) {
    const place = places.get(`${failure.tier}\n${failure.file}`) ?? null
    const test = place === null || failure.test === null ? null : find(place, failure.test)
    const said = place === null ? OUTSIDE : test ? ofTest(test) : ofFile(failure.tier, files[place]!.file)
    const { earlier, ...facts } = said
    detailOf.set(failure, details.length)
    details.push({
      tier: tiers.indexOf(failure.tier),
      file: place,
      test: test?.place ?? null,
      name: printable(failure.test ?? ''),
      word: failure.word,
      message: failure.message,
      ...facts,
      errors: errors.take(failure.errors),
      earlier: earlier.map((one) => ({ word: one.word, errors: errors.take(one.errors) })),
    })
  }
  for (const [place, { tier, file }] of files.entries()) {
    for (const [test, verdict] of testVerdicts(file).entries()) {
      const { flaky, last, outcome, quarantined } = verdict
      if (!flaky && !quarantined && (outcome !== 'skipped' || last.note === null)) continue
      const tries = flaky ? [...verdict.earlier, ...(last.errors.length > 0 ? [last] : [])] : []
      const first = [...tries.flatMap((one) => one.errors), ...last.errors].at(0)
      const note = quarantined ? quarantineWords(quarantined) : last.note
      details.push({
        tier: tiers.indexOf(tier.name),
        file: place,
        test,
        name: printable(verdict.name),
        mark: testMark(verdict),
        word: quarantined ? 'quarantined' : flaky ? 'flaky' : outcomeWord(outcome),
        message: first ? errorTitle(first) : printable(note ?? ''),
        line: last.line,
        note: note === null ? null : printable(note),
        errors: quarantined ? errors.take(last.errors) : [],
        earlier: tries.map((one) => tryOf(one, errors.take(one.errors))),
      })
    }
  }
  const placesOf = (members: readonly Failure[]): number[] => members.map((failure) => detailOf.get(failure)!)
  return {
    details,
    groups: groupFailures(list).map(({ message, failures: members }) => ({ message, details: placesOf(members) })),
    byCause: failuresByCause(list).map(({ cause, failures: members }) => ({ cause, details: placesOf(members) })),
    bare: errors.bare(),
  }
}

/** Hands out errors as the page wants them, until the budget is spent. */
function boundedErrors(): { take(errors: readonly ErrorRecord[]): PageError[]; bare(): number } {
  let spent = 0
  let bare = 0
  return {
    take(errors) {
      if (errors.length === 0) return []
      if (spent > BUDGET.errors) {
        bare++
        return errors.slice(0, 1).map((error) => ({ message: errorTitle(error), diff: '', stack: '' }))
      }
      const taken = errors.map(pageError)
      for (const { message, diff, stack } of taken) spent += message.length + diff.length + stack.length
      return taken
    },
    bare: () => bare,
  }
}

interface Placed {
  readonly place: number
  readonly verdict: TestVerdict
}

function placed(file: FileRecord): Map<string, Placed> {
  return new Map(testVerdicts(file).map((verdict, place) => [verdict.name, { place, verdict }]))
}

interface Said extends Pick<PageDetail, 'mark' | 'line' | 'note'> {
  readonly earlier: readonly { readonly word: string; readonly errors: readonly ErrorRecord[] }[]
}

/** An error of the engine that belongs to no file. */
const OUTSIDE: Said = { mark: 'f', line: null, note: null, earlier: [] }

function ofTest({ verdict }: Placed): Said {
  const { last, earlier } = verdict
  return {
    mark: testMark(verdict),
    line: last.line,
    note: last.note === null ? null : printable(last.note),
    earlier: earlier.map((one) => ({ word: outcomeWord(one.outcome ?? 'not-run'), errors: one.errors })),
  }
}

function ofFile(tier: string, file: FileRecord): Said {
  const ending = fileEnding(file)
  const { detail } = endingWords(ending, tier)
  const deciding = decidingAttempt(file)
  return {
    mark: fileMark(ending),
    line: null,
    note: detail === '' ? null : detail,
    earlier: file.attempts.flatMap((attempt) => {
      const { ending: end, errors } = attempt
      // Of repetitions many have passed: they say nothing here.
      if (attempt === deciding || end === null || end.kind === 'passed') return []
      return [{ word: endingWords(end, tier).word, errors }]
    }),
  }
}

function tryOf({ outcome }: TestRecord, errors: readonly PageError[]): PageDetail['earlier'][number] {
  return { word: outcome === 'passed' ? 'failed' : outcomeWord(outcome ?? 'not-run'), errors }
}

/** Output of attempts, first of those that failed; what passed silently has none. */
export function pageOutputs(files: Planned): PageOutput[] {
  const outputs: PageOutput[] = []
  let spent = 0
  const all = files.flatMap(({ file }, place) =>
    file.attempts.flatMap((attempt) =>
      attempt.output.length === 0 ? [] : [{ place, attempt, good: attempt.ending?.kind === 'passed' }],
    ),
  )
  for (const { place, attempt, good } of [...all.filter((one) => !one.good), ...all.filter((one) => one.good)]) {
    const limit = Math.min(good ? OUTPUT.passed : OUTPUT.failed, BUDGET.output - spent)
    const { parts, cut } = boundedParts(attempt.output, limit)
    for (const { text } of parts) spent += text.length
    if (parts.length > 0) outputs.push({ file: place, attempt: attempt.attempt, parts, cut })
  }
  return outputs
}

/** Joins neighbours of one stream and keeps the end of the output: what was said last before the end says most. */
function boundedParts(
  output: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[],
  limit: number,
): Pick<PageOutput, 'parts' | 'cut'> {
  const joined: { error: boolean; text: string }[] = []
  for (const { stream, text } of output) {
    const error = stream === 'stderr'
    const last = joined.at(-1)
    if (last && last.error === error) last.text += text
    else joined.push({ error, text })
  }
  const parts: { error: boolean; text: string }[] = []
  let left = Math.max(0, limit)
  let cut = 0
  for (const { error, text } of joined.toReversed()) {
    const kept = left === 0 ? '' : text.slice(-left)
    cut += text.length - kept.length
    left -= kept.length
    if (kept !== '') parts.unshift({ error, text: block(kept, kept.length + 1) })
  }
  return { parts: parts.filter(({ text }) => text !== ''), cut }
}
