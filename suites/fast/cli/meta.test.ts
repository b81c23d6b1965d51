import { chmodSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { runMeta } from '../../../src/cli/meta.ts'
import { fakeIo } from '../../support/cli/io.ts'
import { tempProject } from '../../support/config/project.ts'

const FACTS = { run: 'r1', engine: 'vitest 5.1.0', testName: null }

/** What a run says of its source when `git` answers like this, in shell. */
async function sourceWith(commit: string, status: string): Promise<unknown> {
  const cwd = tempProject({ git: `#!/bin/sh\ncase "$1" in rev-parse) ${commit};; status) ${status};; esac\n` })
  chmodSync(path.join(cwd, 'git'), 0o700)
  const { io } = fakeIo(['run'], cwd)
  const { commit: found, changed } = await runMeta({ ...FACTS, root: cwd }, { ...io, env: { PATH: cwd } })
  return { commit: found, changed }
}

test.for([
  ['clean', 'echo abc', ':', { commit: 'abc' }],
  ['changed', 'echo abc', 'echo " M a.ts"', { commit: 'abc', changed: true }],
  ['changed for all we know, when git cannot say', 'echo abc', 'exit 128', { commit: 'abc', changed: true }],
  ['no repository', 'exit 128', 'exit 128', { commit: null }],
] as const)('the source of a run: %s', async ([, commit, status, source]) => {
  expect(await sourceWith(commit, status)).toEqual(source)
})
