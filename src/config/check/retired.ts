import type { Kind } from '../../component/definition.ts'

/** Types that the Collector had and gave up, with what took their place. */
const RETIRED: Partial<Record<Kind, Readonly<Record<string, string>>>> = {
  exporter: {
    logging: 'the logging exporter has been deprecated, use the debug exporter instead',
    loki: 'Loki takes OTLP: use the otlp_http exporter instead',
  },
}

export const retiredHint = (kind: Kind, type: string): string | undefined => RETIRED[kind]?.[type]
