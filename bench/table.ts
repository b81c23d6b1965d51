/** One line of the result. */
export interface Row {
  readonly what: string
  /** Ours, and what it is compared with; both '' for a figure that stands alone. */
  readonly ours: string
  readonly against: string
  readonly measured: number
  readonly budget: number
  readonly unit: 'x' | 's' | 'ms'
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`
}

export function line(row: Row): string {
  const from = row.against === '' ? '' : ` (${row.ours} against ${row.against})`
  return `${row.what}: ${figure(row)}${from}, budget ${limit(row)}, ${verdict(row)}`
}

export function markdown(rows: readonly Row[]): string {
  const head = ['| what | tiershard | against | measured | budget | |', '| --- | --- | --- | --- | --- | --- |']
  const body = rows.map(
    (row) => `| ${row.what} | ${row.ours} | ${row.against} | ${figure(row)} | ${limit(row)} | ${verdict(row)} |`,
  )
  return [...head, ...body].join('\n')
}

function figure({ measured, unit }: Row): string {
  return unit === 'x' ? `${measured.toFixed(2)}x` : `${measured.toFixed(2)} ${unit}`
}

function limit({ budget, unit }: Row): string {
  return unit === 'x' ? `<= ${budget}x` : `<= ${budget} ${unit}`
}

function verdict({ measured, budget }: Row): string {
  return measured <= budget ? 'within' : 'OVER'
}
