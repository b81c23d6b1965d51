/** Whether the tests of the extended tier run in their full size, as they do every night: TIERSHARD_FULL_SIZE=1. */
export const FULL_SIZE = process.env['TIERSHARD_FULL_SIZE'] === '1'

/** How much a test does: what its own variable says, else the full size, else enough for every change. */
export function sized(variable: string, usual: number, full: number): number {
  return Number(process.env[variable] ?? (FULL_SIZE ? full : usual))
}
