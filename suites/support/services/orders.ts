import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Summary } from '../../../src/reports/summary.ts'
import { vitestProject } from '../cli/binary.ts'

const checkout = path.resolve(import.meta.dirname, '../../..')

/** What the orders example reads from the environment. */
export const TOKEN = { ORDERS_TOKEN: 'a-token-nobody-guesses' }

/** A copy of the orders example, with some of its files changed. */
export function ordersProject(changes: Readonly<Record<string, string>> = {}): string {
  const root = vitestProject({})
  cpSync(path.join(checkout, 'suites/support/projects/orders'), root, {
    recursive: true,
    filter: (source) => path.basename(source) !== 'node_modules',
  })
  symlinkSync(path.join(checkout, 'node_modules/pg'), path.join(root, 'node_modules/pg'), 'dir')
  const config = path.join(root, 'tiershard.config.ts')
  writeFileSync(config, readFileSync(config, 'utf8').replace('../../../../src', path.join(checkout, 'src')))
  for (const [name, text] of Object.entries(changes)) writeFileSync(path.join(root, name), text)
  return root
}

/** The summary of a project's newest run. */
export function summaryIn(root: string): Summary {
  return JSON.parse(readFileSync(path.join(root, 'reports/latest/summary.json'), 'utf8')) as Summary
}
