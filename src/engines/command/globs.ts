import { readdir } from 'node:fs/promises'
import path from 'node:path'
import picomatch from 'picomatch'

/**
 * The files of a project that match globs, with forward slashes, in order. Folders named node_modules, and those whose name
 * begins with a dot (.git, .venv), are not looked into unless a glob names them.
 */
export async function filesOf(root: string, globs: readonly string[], exclude: readonly string[]): Promise<string[]> {
  const takes = picomatch([...globs], { ignore: [...exclude], dot: true })
  const found = new Set<string>()
  for (const base of bases(globs)) {
    for await (const file of walk(root, base)) if (takes(file)) found.add(file)
  }
  return [...found].toSorted()
}

/** The folders, or files, that globs begin with; none inside of another one. */
function bases(globs: readonly string[]): string[] {
  const all = [
    ...new Set(globs.map((glob) => path.posix.normalize(picomatch.scan(glob).base || '.').replace(/\/$/, ''))),
  ]
  return all.filter((one) => !all.some((other) => other !== one && (other === '.' || one.startsWith(`${other}/`))))
}

async function* walk(root: string, base: string): AsyncGenerator<string> {
  const waiting = [base]
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
      // A glob without a wildcard begins with a file.
      return (error as NodeJS.ErrnoException).code === 'ENOTDIR' ? null : []
    })
    if (entries === null) yield folder
    for (const entry of entries ?? []) {
      const name = folder === '.' ? entry.name : `${folder}/${entry.name}`
      if (!entry.isDirectory()) yield name
      else if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) waiting.push(name)
    }
  }
}
