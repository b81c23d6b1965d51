/** @typedef {import('../data.ts').PageHead} PageHead */
/** @typedef {import('../data.ts').PageTests} PageTests */
/** @typedef {import('../data.ts').PageDetail} PageDetail */
/** @typedef {import('../data.ts').TestMark} TestMark */

/**
 * Unpacks one piece of embedded data.
 *
 * @param {string} base64 of deflated JSON
 */
export async function unpack(base64) {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))
  return JSON.parse(await new Response(stream).text())
}

/** A run as the page works with it. Tests are numbered through, in the order of their files. */
export class Report {
  /** @param {PageHead} head */
  constructor(head) {
    this.head = head
    /** Of each file the number of its first test, and one more for the end. */
    this.first = [0]
    for (const file of head.files) this.first.push((this.first.at(-1) ?? 0) + file.tests)
    this.total = this.first.at(-1) ?? 0
    /** How many tests are known so far. */
    this.known = 0
    /** @type {string[]} */
    this.names = []
    this.names.length = this.total
    this.marks = new Uint8Array(this.total)
    this.ms = new Float64Array(this.total)
    /** 0: not known. */
    this.lines = new Int32Array(this.total)
    /** Place among the details, by number of the test. @type {Map<number, number>} */
    this.detailOfTest = new Map()
    /** @type {Map<number, number>} */
    this.detailOfFile = new Map()
    for (const [place, { file, test, name, mark, line }] of head.details.entries()) {
      if (file === null) continue
      if (test === null) {
        this.detailOfFile.set(file, place)
        continue
      }
      const number = this.begin(file) + test
      this.detailOfTest.set(number, place)
      this.names[number] = name
      this.marks[number] = mark.charCodeAt(0)
      this.lines[number] = line ?? 0
    }
  }

  /** What people call a shard: its number, and of several nodes its node. @param {number} shard */
  shardName(shard) {
    const node = this.nodeOf(shard)
    return node ? `${node.name} shard ${shard - node.firstShard}` : `shard ${shard}`
  }

  /** The same where there is little room. @param {number} shard */
  shortShardName(shard) {
    const node = this.nodeOf(shard)
    return node ? `${node.name.replace(/^slice /u, '')} #${shard - node.firstShard}` : `shard ${shard}`
  }

  /** @param {number} shard */
  nodeOf(shard) {
    return this.head.nodes?.findLast(({ firstShard }) => firstShard <= shard) ?? null
  }

  /** @param {PageTests} piece the next tests */
  add({ names, marks, ms, lines }) {
    let file = this.fileOf(this.known)
    let line = 0
    for (let at = 0; at < names.length; at++) {
      const test = this.known + at
      while (test >= this.end(file)) {
        file++
        line = 0
      }
      this.names[test] = names[at] ?? ''
      this.marks[test] = marks.charCodeAt(at)
      this.ms[test] = ms[at] ?? 0
      const step = lines[at] ?? null
      if (step !== null) line += step
      this.lines[test] = step === null ? 0 : line
    }
    this.known += names.length
  }

  /** @param {number} file */
  file(file) {
    const found = this.head.files[file]
    if (!found) throw new RangeError(`file ${file}`)
    return found
  }

  /** @param {number} file @returns {number} */
  begin(file) {
    return this.first[file] ?? this.total
  }

  /** @param {number} file @returns {number} */
  end(file) {
    return this.first[file + 1] ?? this.total
  }

  /** The file of a test. @param {number} test @returns {number} */
  fileOf(test) {
    let low = 0
    let high = this.head.files.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.begin(middle) <= test) low = middle
      else high = middle - 1
    }
    // Files without tests share their number with the next one.
    while (low < this.head.files.length - 1 && this.end(low) <= test) low++
    return low
  }

  /** @param {number} test @returns {TestMark} */
  mark(test) {
    return /** @type {TestMark} */ (String.fromCharCode(this.marks[test] ?? 110))
  }

  /** @param {number} test */
  name(test) {
    return this.names[test] ?? ''
  }

  /** @param {number} file @param {number | null} test */
  detail(file, test) {
    const place = test === null ? this.detailOfFile.get(file) : this.detailOfTest.get(test)
    return place === undefined ? null : (this.head.details[place] ?? null)
  }

  /**
   * What a link means: a file's id, or `id > test`.
   *
   * @param {string} tier '' for any
   * @param {string} id
   * @returns {{ file: number, test: number | null } | null}
   */
  find(tier, id) {
    for (const [place, file] of this.head.files.entries()) {
      if (tier !== '' && this.head.tiers[file.tier]?.name !== tier) continue
      if (file.id === id) return { file: place, test: null }
      if (!id.startsWith(`${file.id} > `)) continue
      const name = id.slice(file.id.length + 3)
      for (let test = this.begin(place); test < this.end(place); test++) {
        if (this.names[test] === name) return { file: place, test }
      }
    }
    return null
  }
}
