import { h, section, table } from './dom.js'
import { amount, duration } from './words.js'

/** @typedef {import('./data.js').Report} Report */

/** What the run as a whole lacks: its end, a part of its journal, a slice of the matrix. @param {Report} report */
export function missingSection({ head: { missing } }) {
  if (missing.length === 0) return null
  return section(
    'missing',
    'Missing',
    amount(missing.length),
    h(
      'ul',
      { class: 'plain' },
      missing.map((text) => h('li', {}, text)),
    ),
  )
}

/** What ran where; null for one run. @param {Report} report */
export function nodeTable({ head: { nodes } }) {
  if (!nodes) return null
  return table(
    'The nodes whose runs these are',
    [['node'], ['verdict'], ['files', 'number'], ['time', 'number'], ['run'], ['machine'], ['Redis']],
    nodes.map(({ name, verdict, files, ms, run, machine, server }) => [
      name,
      verdict,
      amount(files),
      duration(ms),
      run,
      machine,
      server,
    ]),
  )
}
