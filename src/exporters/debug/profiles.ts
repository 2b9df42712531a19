import { kindAndText, numberIn, objectIn, objectsIn, textIn, textOf, timeOf, valuesIn } from './text.ts'
import type { Json } from './text.ts'

/** Profiles point at most of what they say in a dictionary: these are the lines of profiles and of it, as the Collector has them. */

/**
 * The same request with the texts and attributes in place of the indices that point at them: keys and values of all
 * attributes, and `attributes` of profiles and samples.
 */
export function looked(request: Json, dictionary: Json): Json {
  const strings = valuesIn(dictionary['stringTable'])
  const table = objectsIn(dictionary['attributeTable'])
  const text = (index: unknown) => strings[Number(index ?? 0)] ?? ''
  const any = (value: unknown): Json => {
    const each = objectIn(value)
    if (each['stringValueStrindex'] !== undefined) return { stringValue: text(each['stringValueStrindex']) }
    if (each['arrayValue'] !== undefined) {
      return { arrayValue: { values: objectsIn(objectIn(each['arrayValue'])['values']).map(any) } }
    }
    if (each['kvlistValue'] === undefined) return each
    return { kvlistValue: { values: objectsIn(objectIn(each['kvlistValue'])['values']).map(keyValue) } }
  }
  const keyValue = ({ key, keyStrindex, value }: Json): Json => ({ key: key ?? text(keyStrindex), value: any(value) })
  const described = (holder: unknown): Json => {
    const { attributes, ...rest } = objectIn(holder)
    return { ...rest, attributes: objectsIn(attributes).map(keyValue) }
  }
  const pointing = (record: Json): Json => ({
    ...record,
    attributes: valuesIn(record['attributeIndices']).map((index) => keyValue(table[Number(index)] ?? {})),
  })
  return {
    resourceProfiles: objectsIn(request['resourceProfiles']).map((resources) => ({
      ...resources,
      resource: described(resources['resource']),
      scopeProfiles: objectsIn(resources['scopeProfiles']).map((scopes) => ({
        ...scopes,
        scope: described(scopes['scope']),
        profiles: objectsIn(scopes['profiles']).map((profile) => ({
          ...pointing(profile),
          samples: objectsIn(profile['samples']).map(pointing),
        })),
      })),
    })),
  }
}

export function* profileLine(profile: Json): Iterable<string> {
  const attributes = objectsIn(profile['attributes']).map(({ key, value }) => ` ${textIn(key)}=${textOf(value)}`)
  yield `${textIn(profile['profileId'])} samples=${objectsIn(profile['samples']).length}${attributes.join('')}`
}

export function* profileDetails(profile: Json): Iterable<string> {
  yield `    Profile ID     : ${textIn(profile['profileId'])}`
  yield `    Start time     : ${timeOf(profile['timeUnixNano'])}`
  yield `    DurationNano   : ${numberIn(profile['durationNano'])}`
  yield `    Dropped attributes count: ${numberIn(profile['droppedAttributesCount'])}`
  for (const [index, sample] of objectsIn(profile['samples']).entries()) {
    yield `    Sample #${index}`
    yield `        Values: ${bracketed(sample['values'])}`
    const attributes = objectsIn(sample['attributes'])
    if (attributes.length > 0) yield '        Attributes:'
    for (const { key, value } of attributes) yield `             -> ${textIn(key)}: ${textOf(value)}`
  }
}

/** The tables, with their indices as they are: what the records below do not say. */
export function* dictionaryLines(dictionary: Json): Iterable<string> {
  for (const [index, mapping] of objectsIn(dictionary['mappingTable']).entries()) {
    yield `Mapping #${index}`
    yield `    Memory start: ${numberIn(mapping['memoryStart'])}`
    yield `    Memory limit: ${numberIn(mapping['memoryLimit'])}`
    yield `    File offset: ${numberIn(mapping['fileOffset'])}`
    yield `    File name: ${numberIn(mapping['filenameStrindex'])}`
    yield `    Attributes: ${bracketed(mapping['attributeIndices'])}`
  }
  for (const [index, location] of objectsIn(dictionary['locationTable']).entries()) {
    yield `Location #${index}`
    yield `    Mapping index: ${numberIn(location['mappingIndex'])}`
    yield `    Address: ${numberIn(location['address'])}`
    for (const [place, line] of objectsIn(location['lines']).entries()) {
      yield `    Line #${place}`
      yield `        Function index: ${numberIn(line['functionIndex'])}`
      yield `        Line: ${numberIn(line['line'])}`
      yield `        Column: ${numberIn(line['column'])}`
    }
    yield `    Attributes: ${bracketed(location['attributeIndices'])}`
  }
  for (const [index, each] of objectsIn(dictionary['functionTable']).entries()) {
    yield `Function #${index}`
    yield `    Name: ${numberIn(each['nameStrindex'])}`
    yield `    System name: ${numberIn(each['systemNameStrindex'])}`
    yield `    Filename: ${numberIn(each['filenameStrindex'])}`
    yield `    Start line: ${numberIn(each['startLine'])}`
  }
  yield* smallTables(dictionary)
}

/** Of attributes and links the Collector shows the last only; here are all. */
function* smallTables(dictionary: Json): Iterable<string> {
  const attributes = objectsIn(dictionary['attributeTable'])
  if (attributes.length > 0) yield 'Attribute table:'
  for (const { keyStrindex, value, unitStrindex } of attributes) {
    yield `     -> Key: Int(${numberIn(keyStrindex)})`
    yield `     -> Value: ${kindAndText({ stringValue: textOf(value) })}`
    yield `     -> unit: Int(${numberIn(unitStrindex)})`
  }
  const links = objectsIn(dictionary['linkTable'])
  if (links.length > 0) yield 'Link table:'
  for (const { traceId, spanId } of links) {
    yield `     -> Trace ID: Str(${textIn(traceId)})`
    yield `     -> Span ID: Str(${textIn(spanId)})`
  }
  const strings = valuesIn(dictionary['stringTable'])
  if (strings.length > 0) yield 'String table:'
  for (const text of strings) yield `    ${textIn(text)}`
}

const bracketed = (values: unknown): string => `[${valuesIn(values).map(numberIn).join(' ')}]`
