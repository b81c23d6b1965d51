import { expect, test } from 'vitest'
import { chooseTiers } from '../../../src/cli/project.ts'
import { suitesFromFolders } from '../../../src/config/folders.ts'
import { toSettings } from '../../../src/config/settings.ts'
import type { Settings } from '../../../src/core/settings.ts'
import { tempProject } from '../../support/config/project.ts'

function settingsWith(...files: string[]): Settings {
  const root = tempProject(Object.fromEntries(files.map((file) => [file, ''])))
  return toSettings({}, { root, configFile: null }, (tiers) => suitesFromFolders(root, tiers))
}

const two = ['suites/fast/a/x.test.ts', 'suites/standard/b/x.test.ts']

test('tiers that exist are taken as asked for', () => {
  expect(chooseTiers(settingsWith(...two), ['standard', 'fast'])).toEqual({ ok: true, tiers: ['standard', 'fast'] })
})

test('an unknown tier: the near name, and what there is', () => {
  const chosen = chooseTiers(settingsWith(...two), ['standart'])
  expect(chosen).toEqual({
    ok: false,
    message: [
      'There is no tier "standart". Did you mean "standard"?',
      '  fast      fast/a',
      '  standard  standard/b',
      '  extended  no suites',
    ].join('\n'),
  })
})

test('without --tier: the only tier that has suites', () => {
  expect(chooseTiers(settingsWith('suites/standard/b/x.test.ts'), undefined)).toEqual({ ok: true, tiers: ['standard'] })
})

test('without --tier, and several tiers have suites: which one?', () => {
  expect(chooseTiers(settingsWith(...two), undefined)).toMatchObject({
    ok: false,
    message: expect.stringContaining('Which tier? Say it with --tier, as in --tier fast.\n  fast      fast/a'),
  })
})
