/**
 * Remembers names in 8 bytes each: a merge of millions of tests cannot keep their texts. Two names with the same 64 bits
 * count as equal; then one of them gets a number that it did not need, and nothing is lost.
 */
export class UniqueNames {
  private table = new Uint32Array(2 * 1024)
  private count = 0
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
    return this.isTaken(this.slot(this.table, this.high, this.low))
  }

  private add(scope: string, name: string): boolean {
    this.hash(scope, name)
    const slot = this.slot(this.table, this.high, this.low)
    if (this.isTaken(slot)) return false
    this.table[slot] = this.high
    this.table[slot + 1] = this.low
    this.count++
    // Full to 4/5: an unsuccessful look takes 13 steps through neighbours.
    if (this.count * 2.5 > this.table.length) this.grow()
    return true
  }

  private isTaken(slot: number): boolean {
    return this.table[slot] !== 0 || this.table[slot + 1] !== 0
  }

  /** Where the hash is, or where it belongs. */
  private slot(table: Uint32Array, high: number, low: number): number {
    const mask = table.length - 1
    let slot = (low * 2) & mask
    while ((table[slot] !== 0 || table[slot + 1] !== 0) && (table[slot] !== high || table[slot + 1] !== low)) {
      slot = (slot + 2) & mask
    }
    return slot
  }

  private grow(): void {
    const bigger = new Uint32Array(this.table.length * 2)
    for (let at = 0; at < this.table.length; at += 2) {
      const high = this.table[at]!
      const low = this.table[at + 1]!
      if (high === 0 && low === 0) continue
      const slot = this.slot(bigger, high, low)
      bigger[slot] = high
      bigger[slot + 1] = low
    }
    this.table = bigger
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
