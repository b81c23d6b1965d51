const TABLES = 64

/**
 * Remembers names in 8 bytes each: a merge of millions of tests cannot keep their texts. Two names with the same 64 bits
 * count as equal; then one of them gets a number that it did not need, and nothing is lost.
 */
export class UniqueNames {
  /** By the upper bits of the hash: each grows by itself, so that never much more than the whole is held twice. */
  private readonly tables = Array.from({ length: TABLES }, () => new Uint32Array(2 * 32))
  private readonly counts = new Uint32Array(TABLES)
  private high = 0
  private low = 0
  /** The scope of the last name, and what it hashes to. */
  private scope: string | null = null
  private scopeOne = 0
  private scopeTwo = 0

  /** The name, or its first form `name #2`, `name #3` that was not given before within the scope. */
  unique(scope: string, name: string): string {
    if (this.add(scope, name)) return name
    // The taken numbers are a block from 2 on, or nearly so: double, then halve. 10,000 equal names take 14 looks each.
    let taken = 1
    let free = 2
    while (this.has(scope, `${name} #${free}`)) {
      taken = free
      free *= 2
    }
    while (free - taken > 1) {
      const middle = (free + taken) >> 1
      if (this.has(scope, `${name} #${middle}`)) taken = middle
      else free = middle
    }
    const given = `${name} #${free}`
    this.add(scope, given)
    return given
  }

  private has(scope: string, name: string): boolean {
    this.hash(scope, name)
    const table = this.tables[this.high % TABLES]!
    return isTaken(table, slotOf(table, this.high, this.low))
  }

  private add(scope: string, name: string): boolean {
    this.hash(scope, name)
    const at = this.high % TABLES
    const table = this.tables[at]!
    const slot = slotOf(table, this.high, this.low)
    if (isTaken(table, slot)) return false
    table[slot] = this.high
    table[slot + 1] = this.low
    // Full to 4/5: an unsuccessful look takes 13 steps through neighbours.
    if (++this.counts[at]! * 2.5 > table.length) this.tables[at] = twice(table)
    return true
  }

  /** Two multiplicative hashes over the UTF-16 units, mixed at the end (cyrb53 by bryc, public domain). Never 0, 0. */
  private hash(scope: string, name: string): void {
    // One class after the other has many cases.
    if (scope !== this.scope) {
      this.scope = scope
      this.scopeOne = 0xdeadbeef
      this.scopeTwo = 0x41c6ce57
      for (let at = 0; at < scope.length; at++) {
        const code = scope.charCodeAt(at)
        this.scopeOne = Math.imul(this.scopeOne ^ code, 2654435761)
        this.scopeTwo = Math.imul(this.scopeTwo ^ code, 1597334677)
      }
    }
    let one = Math.imul(this.scopeOne ^ 0x1ffff, 2654435761)
    let two = Math.imul(this.scopeTwo ^ 0x1ffff, 1597334677)
    for (let at = 0; at < name.length; at++) {
      const code = name.charCodeAt(at)
      one = Math.imul(one ^ code, 2654435761)
      two = Math.imul(two ^ code, 1597334677)
    }
    one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909)
    two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909)
    this.high = one >>> 0
    this.low = two >>> 0 || 1
  }
}

/** Where the hash is, or where it belongs. */
function slotOf(table: Uint32Array, high: number, low: number): number {
  const mask = table.length - 1
  let slot = (low * 2) & mask
  while (isTaken(table, slot) && (table[slot] !== high || table[slot + 1] !== low)) slot = (slot + 2) & mask
  return slot
}

function isTaken(table: Uint32Array, slot: number): boolean {
  return table[slot] !== 0 || table[slot + 1] !== 0
}

function twice(table: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const bigger = new Uint32Array(table.length * 2)
  for (let at = 0; at < table.length; at += 2) {
    if (!isTaken(table, at)) continue
    const slot = slotOf(bigger, table[at]!, table[at + 1]!)
    bigger[slot] = table[at]!
    bigger[slot + 1] = table[at + 1]!
  }
  // Gives the memory back at once instead of at some garbage collection.
  table.buffer.transfer(0)
  return bigger
}
