/** What Mermaid's own parser reads in a flowchart: the judge of ours. */
export interface Flowchart {
  readonly labels: ReadonlyMap<string, string>
  readonly edges: readonly string[]
  readonly subgraphs: ReadonlyMap<string, readonly string[]>
}

interface Database {
  getVertices(): Readonly<Record<string, { readonly text: string }>>
  getEdges(): readonly { readonly start: string; readonly end: string }[]
  getSubGraphs(): readonly { readonly title: string; readonly nodes: readonly string[] }[]
}

/** Mermaid cleans HTML out of labels with it, for which it wants a browser; reading needs neither. */
const CLEANER = 'dompurify'

/** Rejects with Mermaid's own message where it is no flowchart. */
export async function readFlowchart(text: string): Promise<Flowchart> {
  const { default: cleaner } = (await import(CLEANER)) as { default: Record<string, unknown> }
  cleaner['addHook'] ??= () => {}
  cleaner['sanitize'] ??= (html: string) => html
  const { default: mermaid } = await import('mermaid')
  // The kinds of diagrams are there once something has been parsed.
  await mermaid.parse(text)
  const { type, db } = (await mermaid.mermaidAPI.getDiagramFromText(text)) as unknown as { type: string; db: Database }
  if (type !== 'flowchart-v2') throw new Error(`Mermaid takes it for ${type}`)
  return {
    labels: new Map(Object.entries(db.getVertices()).map(([id, { text: label }]) => [id, unescaped(label)])),
    edges: db.getEdges().map(({ start, end }) => `${start} -> ${end}`),
    subgraphs: new Map(db.getSubGraphs().map(({ title, nodes }) => [unescaped(title), nodes])),
  }
}

/** Entities, as Mermaid keeps them until it draws. */
const unescaped = (label: string): string =>
  label.replace(/ﬂ°°(\d+)¶ß/g, (_, code: string) => String.fromCodePoint(Number(code)))
