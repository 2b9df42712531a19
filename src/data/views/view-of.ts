import type { Node } from '../steps/node.ts'
import { DataPoint } from './data-point.ts'
import { Exemplar } from './exemplar.ts'
import { LogRecord } from './log-record.ts'
import { Metric } from './metric.ts'
import { Profile } from './profile.ts'
import type { RecordView } from './record-view.ts'
import { Resource } from './resource.ts'
import { Sample } from './sample.ts'
import { Scope } from './scope.ts'
import { SpanEvent } from './span-event.ts'
import { SpanLink } from './span-link.ts'
import { Span } from './span.ts'

/** The view of the records that come onto this node's tape. */
export function viewOf(node: Node): RecordView {
  switch (node.level) {
    case 'resource':
      return new Resource(node)
    case 'scope':
      return new Scope(node)
    case 'span':
      return new Span(node)
    case 'spanEvent':
      return new SpanEvent(node)
    case 'spanLink':
      return new SpanLink(node)
    case 'metric':
      return new Metric(node)
    case 'dataPoint':
      return new DataPoint(node, new Metric(node))
    case 'exemplar':
      return new Exemplar(node)
    case 'logRecord':
      return new LogRecord(node)
    case 'profile':
      return new Profile(node)
    case 'sample':
      return new Sample(node)
    default:
      throw new Error(`there is no view of ${node.name}`)
  }
}
