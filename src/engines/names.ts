/** Gives a name that comes again a number: `adds`, `adds #2`, `adds #3`. */
export function uniqueNames(): (name: string) => string {
  const taken = new Set<string>()
  const seen = new Map<string, number>()
  return (name) => {
    let unique = name
    let times = seen.get(name) ?? 1
    while (taken.has(unique)) unique = `${name} #${++times}`
    seen.set(name, times)
    taken.add(unique)
    return unique
  }
}
