import { createRequire } from 'node:module'
import path from 'node:path'

/** What tiershard's package.json says of its peer: `^4.1.0 || ^5.0.0`. */
const SUPPORTED = 'vitest 4.1 or newer, or 5'

export type Installed =
  | { readonly ok: true; readonly version: string; /** Absolute path of `vitest/node`. */ readonly entry: string }
  | { readonly ok: false; readonly message: string }

/** Finds the vitest that the project itself has installed: the one that its tests import. */
export function findVitest(root: string): Installed {
  const require = createRequire(path.join(root, 'package.json'))
  let version: string
  try {
    ;({ version } = require('vitest/package.json') as { version: string })
  } catch {
    return {
      ok: false,
      message:
        `vitest is not installed in ${root}. tiershard runs the tests with the project's own vitest (${SUPPORTED}): ` +
        'npm install --save-dev vitest',
    }
  }
  if (!isSupported(version)) {
    return {
      ok: false,
      message: `vitest ${version} is installed in ${root}; tiershard needs ${SUPPORTED}: npm install --save-dev vitest`,
    }
  }
  return { ok: true, version, entry: require.resolve('vitest/node') }
}

/** @internal for tests */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return (major === 4 && minor >= 1) || major === 5
}
