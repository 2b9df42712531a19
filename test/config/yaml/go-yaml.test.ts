import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readYaml } from '../../../src/config/yaml/read.ts'

/**
 * What the YAML library of the Collector makes of each text after `a: ` when it decodes into `any` (go.yaml.in/yaml/v3 v3.0.4):
 * written, Go type, value as Go's `%v` prints it. And what is not the same here, with the reason.
 */
const ROWS = readFileSync(`${import.meta.dirname}/go-yaml-v3.tsv`, 'utf8')
  .trim()
  .split('\n')

const DIFFERENT: Readonly<Record<string, string>> = {
  '0o-7': 'a sign inside a number is a slip of the library',
  '0b-1': 'a sign inside a number is a slip of the library',
  '!!int 5.0': 'five is a whole number',
  '!foo 1': 'a tag that nobody knows is refused, where the library forgets it',
  '!!foo 1': 'a tag that nobody knows is refused, where the library forgets it',
  '"\\/"': 'YAML 1.2 has this escape',
}

describe('scalars are read as the Collector reads them', () => {
  for (const row of ROWS) {
    const [written = '', type = '', value = ''] = row.split('\t')
    const title = `${JSON.stringify(written)} is ${type} ${value}`
    const reason = DIFFERENT[written]
    test(reason === undefined ? title : `${title}, but not here: ${reason}`, () => {
      const same = told(written) === meant(type, value)
      assert.equal(same, reason === undefined, `${told(written)} / ${meant(type, value)}`)
    })
  }
})

function meant(type: string, value: string): string {
  if (type.startsWith('ERR')) return 'refused'
  switch (type) {
    case '<nil>':
      return 'null'
    case 'int':
    case 'uint64':
      return `number ${BigInt(value)}`
    case 'float64':
      return `number ${Number(value.replace('Inf', 'Infinity'))}`
    case 'time.Time':
      return 'text'
    case 'bool':
      return `boolean ${value}`
    case 'string':
      return `string ${value}`
    default:
      return type.startsWith('map') ? 'map' : 'list'
  }
}

function told(written: string): string {
  const { node } = readYaml(`a: ${written}\n`, 'x.yaml')
  if (node === undefined) return 'refused'
  const value = node.kind === 'map' ? node.entries.get('a')?.node : undefined
  if (value?.kind !== 'scalar') return value?.kind ?? 'nothing'
  if (value.value === null) return 'null'
  // Dates are text: no option is a point in time.
  if (
    /^(!!timestamp )?\d{4}-\d{1,2}-\d{1,2}/.test(written) &&
    typeof value.value === 'string' &&
    !written.includes('-13-')
  )
    return 'text'
  if (typeof value.value === 'bigint') return `number ${value.value}`
  return `${typeof value.value} ${String(value.value)}`
}
