import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { outcomesOf, runCommand } from '../../support/engines/command-rig.ts'
import { makeProject } from '../../support/engines/rig.ts'
import { outsideEnvironment } from '../../support/processes/environment.ts'

const LIMIT_MS = 120_000
/** Whatever else is installed beside pytest has no say. */
const PLAIN = { PYTEST_DISABLE_PLUGIN_AUTOLOAD: '1', PYTHONDONTWRITEBYTECODE: '1' }
const isTherePytest = spawnSync('python3', ['-m', 'pytest', '--version'], { env: outsideEnvironment() }).status === 0

test.skipIf(!isTherePytest)(
  'pytest: classes, parameters, a skip, a fixture that fails, a file without tests, one that does not import',
  async () => {
    using project = makeProject(null, {
      't/test_a.py': `
import pytest

class TestGroup:
    def test_adds(self): pass

def test_fails():
    x = 1
    assert x == 2

@pytest.mark.parametrize('x', ['a b', 'ü'])
def test_each(x): pass

@pytest.mark.skip(reason='not now')
def test_later(): pass

@pytest.fixture
def server(): raise RuntimeError('no server')

def test_needs(server): pass
`,
      't/test_none.py': 'def helper(): pass\n',
      't/test_import.py': 'import no_such_module_here\n',
    })
    const command = 'python3 -m pytest {file} --junitxml={junit} -k{testName} -p no:cacheprovider'
    const files = ['t/test_a.py', 't/test_none.py', 't/test_import.py']
    const desk = await runCommand(project, command, files, { env: PLAIN })
    expect(outcomesOf(desk, 't/test_a.py')).toEqual({
      'TestGroup > test_adds': 'passed',
      test_fails: 'failed',
      'test_each[a b]': 'passed',
      [String.raw`test_each[\xfc]`]: 'passed',
      test_later: 'skipped',
      test_needs: 'failed',
    })
    const { tests } = desk.files.get('t/test_a.py')!
    expect(tests.get('test_later')!.note).toBe('not now')
    expect(tests.get('test_fails')!.errors[0]!.frames).toMatchObject([{ file: 't/test_a.py', line: 9 }])
    expect(desk.files.get('t/test_none.py')).toMatchObject({
      collected: [],
      stops: [{ kind: 'completed', errors: [] }],
    })
    expect(Object.values(outcomesOf(desk, 't/test_import.py'))).toEqual(['failed'])
    const some = await runCommand(project, command, files.slice(0, 2), { testName: 'adds', env: PLAIN })
    expect(outcomesOf(some, 't/test_a.py')).toEqual({ 'TestGroup > test_adds': 'passed' })
    expect(some.files.get('t/test_none.py')!.stops).toEqual([{ kind: 'completed', errors: [] }])
  },
  LIMIT_MS,
)
