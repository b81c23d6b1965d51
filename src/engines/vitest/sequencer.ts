import type { TestSequencer, TestSpecification } from 'vitest/node'

/** A sequencer that starts files in the order that the run has planned, whatever their project. */
export function byBatch(): {
  readonly Sequencer: new () => TestSequencer
  set(order: readonly TestSpecification[]): void
} {
  let places = new Map<TestSpecification, number>()
  return {
    set: (order) => void (places = new Map(order.map((specification, place) => [specification, place]))),
    Sequencer: class {
      sort(files: TestSpecification[]): TestSpecification[] {
        return files.toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))
      }
      /** Slicing is the plan's business too. */
      shard(files: TestSpecification[]): TestSpecification[] {
        return files
      }
    },
  }
}
