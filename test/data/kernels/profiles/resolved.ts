import type { JsonObject, JsonValue } from '../../../../src/data/codec/json.ts'

/**
 * Profiles as they are meant, told without any index: what stands at each is put in its place, all the way down. Two
 * requests that mean the same resolve to the same. Written from the comments of `profiles.proto` alone, to judge code that
 * changes indices.
 */
export function resolved(request: JsonObject): JsonObject[] {
  const { dictionary = {}, resourceProfiles = [] } = request as {
    dictionary?: JsonObject
    resourceProfiles?: JsonObject[]
  }
  const entry = (table: string, index: JsonValue | undefined): JsonValue => {
    if (index === undefined || index === 0) return 'not set'
    const found = ((dictionary[table] ?? []) as JsonValue[])[index as number]
    if (found === undefined) throw new Error(`${table} has no entry ${JSON.stringify(index)}`)
    return found
  }
  const text = (index: JsonValue | undefined) => entry('stringTable', index)
  const each = (indices: JsonValue | undefined, of: (index: JsonValue) => JsonValue): JsonValue[] =>
    ((indices ?? []) as JsonValue[]).map(of)
  const found = (table: string, index: JsonValue | undefined, of: (entry: JsonObject) => JsonObject): JsonValue => {
    const at = entry(table, index)
    // An entry that is empty is one that is not set, wherever in its table it stands.
    return at === 'not set' || Object.keys(at).length === 0 ? 'not set' : of(at as JsonObject)
  }
  const any = (value: JsonObject): JsonObject => {
    if ('stringValueStrindex' in value) return { string: text(value['stringValueStrindex']) }
    const { arrayValue, kvlistValue } = value as Record<string, JsonObject>
    if (arrayValue) return { array: each(arrayValue['values'], (inner) => any(inner as JsonObject)) }
    if (kvlistValue) return { list: each(kvlistValue['values'], (inner) => keyValue(inner as JsonObject)) }
    return value
  }
  const keyValue = ({ keyStrindex, value, ...rest }: JsonObject): JsonObject => ({
    ...rest,
    at: text(keyStrindex),
    ...(value !== undefined && { value: any(value as JsonObject) }),
  })
  const attribute = (index: JsonValue) =>
    found('attributeTable', index, ({ unitStrindex, ...rest }) => ({ ...keyValue(rest), unit: text(unitStrindex) }))
  const attributesAt = (indices: JsonValue | undefined) => each(indices, attribute)
  const mapping = (index: JsonValue | undefined) =>
    found('mappingTable', index, ({ filenameStrindex, attributeIndices, ...rest }) => ({
      ...rest,
      filename: text(filenameStrindex),
      attributes: attributesAt(attributeIndices),
    }))
  const lineOf = ({ functionIndex, ...rest }: JsonObject): JsonObject => ({
    ...rest,
    function: found(
      'functionTable',
      functionIndex,
      ({ nameStrindex, systemNameStrindex, filenameStrindex, ...more }) => ({
        ...more,
        name: text(nameStrindex),
        systemName: text(systemNameStrindex),
        filename: text(filenameStrindex),
      }),
    ),
  })
  const location = (index: JsonValue) =>
    found('locationTable', index, ({ mappingIndex, lines, attributeIndices, ...rest }) => ({
      ...rest,
      mapping: mapping(mappingIndex),
      lines: each(lines, (line) => lineOf(line as JsonObject)),
      attributes: attributesAt(attributeIndices),
    }))
  const sample = ({ stackIndex, attributeIndices, linkIndex, ...rest }: JsonObject): JsonObject => ({
    ...rest,
    stack: found('stackTable', stackIndex, ({ locationIndices }) => ({ locations: each(locationIndices, location) })),
    attributes: attributesAt(attributeIndices),
    link: found('linkTable', linkIndex, (link) => link),
  })
  const valueType = (type: JsonValue | undefined): JsonValue => {
    if (type === undefined) return 'not set'
    const { typeStrindex, unitStrindex } = type as JsonObject
    return { type: text(typeStrindex), unit: text(unitStrindex) }
  }
  const profile = ({ sampleType, periodType, samples, attributeIndices, ...rest }: JsonObject): JsonObject => ({
    ...rest,
    sampleType: valueType(sampleType),
    periodType: valueType(periodType),
    samples: each(samples, (inner) => sample(inner as JsonObject)),
    attributes: attributesAt(attributeIndices),
  })
  const described = (holder: JsonValue | undefined): JsonObject => {
    const { attributes, ...rest } = (holder ?? {}) as JsonObject
    return { ...rest, attributes: each(attributes, (inner) => keyValue(inner as JsonObject)) }
  }
  return resourceProfiles.map(({ resource, scopeProfiles, ...rest }) => ({
    ...rest,
    resource: described(resource),
    scopes: each(scopeProfiles, (holder) => {
      const { scope, profiles, ...more } = holder as JsonObject
      return { ...more, scope: described(scope), profiles: each(profiles, (inner) => profile(inner as JsonObject)) }
    }),
  }))
}

/** Each profile with its resource and scope beside it. */
export function profilesOf(resources: readonly JsonObject[]): JsonObject[] {
  return resources.flatMap(({ scopes, ...resource }) =>
    (scopes as JsonObject[]).flatMap(({ profiles, ...scope }) =>
      (profiles as JsonObject[]).map((profile) => ({ resource, scope, profile })),
    ),
  )
}
