import type { LeftGroup } from '../../core/events.ts'
import type { RunRecord } from '../../core/record.ts'
import { printable } from '../format.ts'
import { leftRunning } from '../known.ts'
import { leaks, type Leak } from '../leaks.ts'
import type { PageHead, PageLeak, PagePrefix } from './data.ts'

/** What the page lists of either; how many there are it says. */
const FILES = 500
const PREFIXES = 100

/**
 * What files left in Redis, by prefix over all files and file by file, and the processes that they left running.
 *
 * @param place of a file in the page
 */
export function pageLeft(
  record: RunRecord,
  place: (tier: string, file: string) => number,
): Pick<PageHead, 'leaks' | 'leaked'> {
  const found = leaks(record)
  const prefixes = byPrefix(found)
  return {
    leaks: {
      files: found.slice(0, FILES).map(({ tier, file, groups, clients, ...rest }): PageLeak => ({
        file: place(tier, file),
        ...rest,
        groups: groups.map((group) => ({ ...group, prefix: printable(group.prefix) })),
        clients: clients === null ? null : clients.map(printable),
      })),
      fileCount: found.length,
      prefixes: prefixes.slice(0, PREFIXES),
      prefixCount: prefixes.length,
    },
    leaked: leftRunning(record).map(({ tier, file, processes }) => ({
      file: place(tier, file),
      processes: processes.map(({ pid, command }) => ({ pid, command: printable(command) })),
    })),
  }
}

/** Those with the most lasting keys first. */
function byPrefix(found: readonly Leak[]): PagePrefix[] {
  const all = new Map<string, { -readonly [Key in keyof PagePrefix]: PagePrefix[Key] }>()
  for (const { groups } of found) {
    for (const { prefix, type, keys, withoutTtl, bytes } of groups) {
      const key = `${type} ${prefix}`
      const sum = all.get(key) ?? { prefix: printable(prefix), type, keys: 0, withoutTtl: 0, bytes: 0, files: 0 }
      all.set(key, sum)
      sum.keys += keys
      sum.withoutTtl += withoutTtl
      sum.bytes += bytes
      sum.files++
    }
  }
  const most = (a: LeftGroup, b: LeftGroup): number => b.withoutTtl - a.withoutTtl || b.keys - a.keys
  return [...all.values()].sort(most)
}
