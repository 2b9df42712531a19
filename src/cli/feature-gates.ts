/** Gates of the Collector whose behaviour Telegen always has. Others guard details of the Collector's own parts. */
const ALWAYS: ReadonlyMap<string, string> = new Map([
  ['otelcol.printInitialConfig', 'The command print-config.'],
  ['service.profilesSupport', 'Pipelines of profiles.'],
])

/** What `--feature-gates` asks for and does not get, as warnings. */
export function unmetGates(gates: readonly string[]): string[] {
  return gates.flatMap((written) => {
    const off = written.startsWith('-')
    const id = written.replace(/^[-+]/, '')
    if (!ALWAYS.has(id)) return [`feature gate ${JSON.stringify(id)} has no effect: Telegen has no feature gates`]
    return off ? [`feature gate ${JSON.stringify(id)} cannot be switched off: Telegen has no feature gates`] : []
  })
}

/** The Collector's table, or one gate of it; undefined where there is no such gate. */
export function gateTable(id: string | undefined): string | undefined {
  if (id === undefined) return table()
  const about = ALWAYS.get(id)
  if (about === undefined) return undefined
  return [`Feature: ${id}`, 'Enabled: true', 'Stage: Stable', `Description: ${about}`, ''].join('\n')
}

function table(): string {
  const rows = [
    ['ID', 'Enabled', 'Stage', 'Description'],
    ...[...ALWAYS].map(([id, about]) => [id, 'true', 'Stable', about]),
  ]
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)))
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('')
}
