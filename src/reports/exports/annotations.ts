import path from 'node:path'
import type { Summary } from '../summary.ts'

/**
 * GitHub shows 10 annotations of a kind a step, and 50 a job; what is beyond is dropped without a word.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message
 */
const MOST = 10

interface Annotation {
  readonly kind: 'error' | 'warning'
  readonly title: string
  readonly message: string
  readonly place: { readonly file: string; readonly line: number | null; readonly column: number | null } | null
}

/**
 * Workflow commands by which GitHub marks failures (errors) and flaky tests (warnings) at their lines, one a line.
 *
 * @param root absolute path of the project, and `workspace` that of the checkout, to which GitHub's paths are relative
 */
export function annotations(summary: Summary, root: string, workspace: string): string {
  const errors = summary.failures.map(({ file, test, message, location, tier }): Annotation => ({
    kind: 'error',
    title: [file, test].filter((part) => part !== null).join(' > ') || `tier ${tier}`,
    message,
    place: location && { ...location, file: shown(location.file, root, workspace) },
  }))
  const causes = summary.causes.map(({ code, message, remedy }): Annotation => ({
    kind: 'error',
    title: `infrastructure: ${code}`,
    message: `${message}\n${remedy}`,
    place: null,
  }))
  const flaky = summary.flaky.map(({ file, test }): Annotation => ({
    kind: 'warning',
    title: `flaky: ${file} > ${test}`,
    message: 'failed first and passed in the end',
    place: null,
  }))
  return [...limited([...causes, ...errors]), ...limited(flaky)].map((one) => `${command(one)}\n`).join('')
}

/** The last one says how many are missing. */
function limited(all: readonly Annotation[]): readonly Annotation[] {
  if (all.length <= MOST) return all
  const more = all.length - (MOST - 1)
  const rest: Annotation = {
    kind: all[0]!.kind,
    title: `and ${more} more`,
    message: 'GitHub shows ten a step; the others are in the summary and in junit.xml',
    place: null,
  }
  return [...all.slice(0, MOST - 1), rest]
}

function shown(file: string, root: string, workspace: string): string {
  return path.relative(workspace, path.resolve(root, file)).split(path.sep).join('/')
}

function command({ kind, title, message, place }: Annotation): string {
  const properties = [
    ...(place === null ? [] : [`file=${property(place.file)}`]),
    ...(place?.line ? [`line=${place.line}`] : []),
    ...(place?.line && place.column ? [`col=${place.column}`] : []),
    `title=${property(title)}`,
  ]
  return `::${kind} ${properties.join(',')}::${data(message)}`
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
