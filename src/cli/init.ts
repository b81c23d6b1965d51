import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { EXIT } from '../core/verdict.ts'
import { survey, type Project } from './init/survey.ts'
import { configText, firstSuite, workflow } from './init/texts.ts'
import { tell, type Io } from './io.ts'
import type { InitOptions } from './options.ts'

/** A file that a project needs. `after`: it is added at the end of what is there. */
interface Proposal {
  readonly file: string
  readonly text: string
  readonly how: 'new' | 'after'
}

/** `tiershard init`: what a project needs to begin with. Nothing that is there is changed, but for lines in .gitignore. */
export async function initCommand({ ci = true, dryRun }: InitOptions, io: Io): Promise<number> {
  const found = survey(io.cwd)
  if (!found.ok) {
    tell(io, found.message)
    return EXIT.usage
  }
  const { project } = found
  for (const proposal of proposals(project, ci)) {
    const { file, text, how } = proposal
    if (dryRun) io.stdout.write(`# ${file}${how === 'after' ? ' (at its end)' : ''}\n${text}\n`)
    else if (!write(io, proposal)) return EXIT.usage
  }
  for (const file of project.kept) io.stdout.write(`kept ${file}: it was there\n`)
  io.stdout.write(nextSteps(project, ci))
  return EXIT.passed
}

function proposals(project: Project, ci: boolean): readonly Proposal[] {
  const all: (Proposal | null)[] = [
    project.config === null ? null : { file: project.config, text: configText(project), how: 'new' },
    project.config === null || project.suites.length > 0 ? null : { ...firstSuite(project), how: 'new' },
    ci && project.workflow !== null ? { file: project.workflow, text: workflow(project), how: 'new' } : null,
    project.ignores ? null : { file: '.gitignore', text: `${project.reports}/\n`, how: 'after' },
  ]
  return all.filter((proposal) => proposal !== null)
}

/** false: it cannot be written, which has been said. */
function write(io: Io, { file, text, how }: Proposal): boolean {
  const place = path.join(io.cwd, file)
  try {
    mkdirSync(path.dirname(place), { recursive: true })
    if (how === 'after') writeFileSync(place, `${ended(place)}${text}`)
    else writeFileSync(place, text, { flag: 'wx' })
  } catch (error) {
    tell(io, `${file} cannot be written: ${(error as Error).message}`)
    return false
  }
  io.stdout.write(how === 'after' ? `added ${text.trim()} to ${file}\n` : `wrote ${file}\n`)
  return true
}

/** The text of a file, with its last line ended; empty when there is none. */
function ended(place: string): string {
  try {
    const text = readFileSync(place, 'utf8')
    return text === '' || text.endsWith('\n') ? text : `${text}\n`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function nextSteps({ config, packages, missing, tiers, notes, noWorkflow }: Project, ci: boolean): string {
  const install = missing.length > 0 ? [`${packages.add} ${missing.join(' ')}`] : []
  // The tiers of a config that was there are not known: without --tier it is the only one, or a message lists them.
  const tier = config === null ? '' : ` --tier ${tiers[0] ?? 'standard'}`
  const steps = [...install, `${packages.exec} tiershard plan${tier}`, `${packages.exec} tiershard run${tier}`]
  const said = [...notes, ...(ci && noWorkflow !== null ? [noWorkflow] : [])]
  return `${said.map((note) => `note: ${note}\n`).join('')}\nNext:\n${steps.map((step) => `  ${step}\n`).join('')}`
}
