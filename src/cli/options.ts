import type { SourceRequest } from '../core/settings.ts'
import type { SliceRequest } from '../core/slices.ts'

/** Options as commander hands them over, parsed by program.ts. */
export interface ProjectOptions {
  readonly config?: string
  readonly reports?: string
}

export interface PlanOptions extends ProjectOptions {
  readonly tier?: readonly string[]
  /** true: without a reference. */
  readonly changed?: string | true
  readonly slice?: SliceRequest
  readonly shards?: number
  /** In ms. */
  readonly deadline?: number
  readonly json?: true
}

export interface RunOptions extends PlanOptions {
  readonly redis?: SourceRequest
  readonly isolation?: 'db' | 'server'
  readonly retries?: number
  /** A regular expression. */
  readonly testName?: string
  /** true: without a number. */
  readonly failFast?: number | true
  readonly repeat?: number
  readonly untilFailure?: true
  readonly dryRun?: true
  readonly resume?: string
  /** true: the newest run. */
  readonly rerunFailed?: string | true
}

export interface InitOptions {
  /** false: write no workflow. */
  readonly ci?: boolean
  readonly dryRun?: true
}

export interface SlowOptions extends ProjectOptions {
  readonly tier?: readonly string[]
  readonly top?: number
  readonly json?: true
}

export interface MergeOptions {
  readonly output?: string
  /** In bytes. */
  readonly splitSize?: number
  readonly allowPartial?: true
  readonly json?: true
}

export interface ReportOptions extends ProjectOptions {
  /** A folder. */
  readonly output?: string
  readonly json?: true
}

export interface HistoryMergeOptions extends ProjectOptions {
  readonly output?: string
}

export interface RedisOptions extends Pick<ProjectOptions, 'config'> {
  readonly redis?: SourceRequest
  readonly json?: true
}
