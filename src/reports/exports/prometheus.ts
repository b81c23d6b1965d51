import type { Summary } from '../summary.ts'

/**
 * metrics.prom: the run's figures for the textfile collector of Prometheus' node exporter, which wants no timestamps.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function prometheus(summary: Summary): string {
  const tiers = summary.tiers
  return [
    metric(
      'tiershard_tests',
      'Tests, and files that no test speaks for, by outcome; flaky is a part of passed, quarantined a part of skipped.',
      tiers.flatMap(({ tier, counts }) =>
        Object.entries({ ...counts, quarantined: counts.quarantined ?? 0 }).map(
          ([outcome, count]: [string, number]) => [{ tier, outcome: SNAKE[outcome] ?? outcome }, count] as const,
        ),
      ),
    ),
    metric(
      'tiershard_files',
      'Planned files.',
      tiers.map(({ tier, files }) => [{ tier }, files]),
    ),
    metric(
      'tiershard_tier_duration_seconds',
      'Wall time of a tier that ended.',
      tiers.flatMap(({ tier, wallMs }) => (wallMs === null ? [] : [[{ tier }, wallMs / 1000] as const])),
    ),
    metric(
      'tiershard_tier_deadline_seconds',
      'Wall time that a tier may take.',
      tiers.map(({ tier, deadlineMs }) => [{ tier }, deadlineMs / 1000]),
    ),
    metric('tiershard_run_duration_seconds', 'Wall time of the run.', [[{}, summary.wallMs / 1000]]),
    metric('tiershard_run_exit_code', 'Exit code of the run; 0: everything passed.', [[{}, summary.exitCode]]),
    ...(summary.endedAt === null
      ? []
      : [metric('tiershard_run_end_time_seconds', 'When the run ended.', [[{}, Date.parse(summary.endedAt) / 1000]])]),
  ].join('')
}

const SNAKE: Readonly<Record<string, string>> = { notRun: 'not_run' }

type Labels = Readonly<Record<string, string>>

function metric(name: string, help: string, samples: readonly (readonly [Labels, number])[]): string {
  if (samples.length === 0) return ''
  const lines = samples.map(([labels, value]) => `${name}${braces(labels)} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`
}

function braces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escape(value: string): string {
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
