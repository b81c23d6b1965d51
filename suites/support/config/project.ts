import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'

const checkout = path.resolve(import.meta.dirname, '../../..')

/** An import of `defineConfig` that works without a build. */
export const IMPORT_DEFINE_CONFIG = `import { defineConfig } from '${pathToFileURL(path.join(checkout, 'src/index.ts')).href}'`

/** The package, as if it were installed in a project. */
export const INSTALLED = {
  'node_modules/tiershard/package.json': '{ "type": "module", "exports": "./index.js" }',
  'node_modules/tiershard/index.js': `export * from '${pathToFileURL(path.join(checkout, 'src/index.ts')).href}'`,
} as const

/** A folder with these files, removed at the end of the test. Returns its real path. */
export function tempProject(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'tiershard-project-')))
  onTestFinished(() => rmSync(root, { recursive: true, force: true, maxRetries: 3 }))
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }', ...files })) {
    const file = path.join(root, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return root
}
