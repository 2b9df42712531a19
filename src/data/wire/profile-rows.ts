import { embedded, every, index, indices, list, one, type Row } from './row.ts'

/**
 * The messages of `opentelemetry/proto/profiles/v1development/profiles.proto` and of its service's request, as of OTLP
 * 1.11. Everything that samples refer to stands in tables that the whole request shares: the dictionary.
 */
export const PROFILE_ROWS = {
  ExportProfilesServiceRequest: [
    every(1, 'resource_profiles', 'ResourceProfiles'),
    embedded(2, 'dictionary', 'ProfilesDictionary'),
  ],
  ResourceProfiles: [
    embedded(1, 'resource', 'Resource'),
    every(2, 'scope_profiles', 'ScopeProfiles'),
    one(3, 'schema_url', 'string'),
  ],
  ScopeProfiles: [
    embedded(1, 'scope', 'InstrumentationScope'),
    every(2, 'profiles', 'Profile'),
    one(3, 'schema_url', 'string'),
  ],
  Profile: [
    embedded(1, 'sample_type', 'ValueType'),
    every(2, 'samples', 'Sample'),
    one(3, 'time_unix_nano', 'fixed64'),
    one(4, 'duration_nano', 'uint64'),
    embedded(5, 'period_type', 'ValueType'),
    one(6, 'period', 'int64'),
    one(7, 'profile_id', 'profile_id'),
    one(8, 'dropped_attributes_count', 'uint32'),
    one(9, 'original_payload_format', 'string'),
    one(10, 'original_payload', 'bytes'),
    indices(11, 'attribute_indices', 'attribute_table'),
  ],
  ValueType: [index(1, 'type_strindex', 'string_table'), index(2, 'unit_strindex', 'string_table')],
  Sample: [
    index(1, 'stack_index', 'stack_table'),
    indices(2, 'attribute_indices', 'attribute_table'),
    index(3, 'link_index', 'link_table'),
    list(4, 'values', 'int64'),
    list(5, 'timestamps_unix_nano', 'fixed64'),
  ],
  ProfilesDictionary: [
    every(1, 'mapping_table', 'Mapping'),
    every(2, 'location_table', 'Location'),
    every(3, 'function_table', 'Function'),
    every(4, 'link_table', 'Link'),
    list(5, 'string_table', 'string'),
    every(6, 'attribute_table', 'KeyValueAndUnit'),
    every(7, 'stack_table', 'Stack'),
  ],
  Mapping: [
    one(1, 'memory_start', 'uint64'),
    one(2, 'memory_limit', 'uint64'),
    one(3, 'file_offset', 'uint64'),
    index(4, 'filename_strindex', 'string_table'),
    indices(5, 'attribute_indices', 'attribute_table'),
  ],
  Location: [
    index(1, 'mapping_index', 'mapping_table'),
    one(2, 'address', 'uint64'),
    every(3, 'lines', 'Line'),
    indices(4, 'attribute_indices', 'attribute_table'),
  ],
  Line: [index(1, 'function_index', 'function_table'), one(2, 'line', 'int64'), one(3, 'column', 'int64')],
  Function: [
    index(1, 'name_strindex', 'string_table'),
    index(2, 'system_name_strindex', 'string_table'),
    index(3, 'filename_strindex', 'string_table'),
    one(4, 'start_line', 'int64'),
  ],
  Link: [one(1, 'trace_id', 'trace_id'), one(2, 'span_id', 'span_id')],
  KeyValueAndUnit: [
    index(1, 'key_strindex', 'string_table'),
    embedded(2, 'value', 'AnyValue'),
    index(3, 'unit_strindex', 'string_table'),
  ],
  Stack: [indices(1, 'location_indices', 'location_table')],
} satisfies Record<string, readonly Row[]>
