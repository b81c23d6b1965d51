import type { TestModule } from 'vitest/node'
import type { Attempt } from './attempt.ts'

/** The part of vitest's reporter interface that tells of results; the rest comes from the worker processes themselves. */
export interface ResultsReporter {
  onTestModuleCollected(module: TestModule): void
  onTestCaseResult(test: Parameters<Attempt['tested']>[0]): void
  onTestModuleEnd(module: TestModule): void
}

/**
 * The only reporter of the host.
 *
 * @param attemptAt the attempt at a module that runs now; what vitest says of others is old news
 */
export function createReporter(attemptAt: (project: string, path: string) => Attempt | undefined): ResultsReporter {
  const at = (module: TestModule): Attempt | undefined => attemptAt(module.project.name, module.moduleId)
  return {
    onTestModuleCollected: (module) => at(module)?.collected(module),
    onTestCaseResult: (test) => at(test.module)?.tested(test),
    onTestModuleEnd: (module) => at(module)?.moduleEnded(module),
  }
}
