const PATIENCE = 10_000
const POLL = 5

/** Resolves when `holds`; rejects, naming `what`, when it does not for a long time. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const began = performance.now(); !holds();) {
    if (performance.now() - began > PATIENCE) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, POLL))
  }
}
