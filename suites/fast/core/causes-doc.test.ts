import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { CAUSE_CODES } from '../../../src/core/ending.ts'
import { CHECKS } from '../../../src/core/findings.ts'

const docs = readFileSync(path.resolve(import.meta.dirname, '../../../docs/causes.md'), 'utf8')

/** The codes that have a section of their own below a heading. */
function sections(heading: string): string[] {
  const part = docs.split(`## ${heading}\n`)[1]!.split(/^## /m)[0]!
  return [...part.matchAll(/^### `([^`]+)`\n[^\n#]/gm)].map((match) => match[1]!)
}

test('docs/causes.md has a section for every cause, and for no other', () => {
  expect(sections('Causes').toSorted()).toEqual(CAUSE_CODES.toSorted())
})

test('docs/causes.md has a section for every check of the doctor, in its order', () => {
  expect(sections('Checks of the doctor')).toEqual([...CHECKS])
})
