import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkListeners } from '../../src/config/check/listeners.ts'
import type { Listener } from '../../src/config/check/listeners.ts'
import type { Fault } from '../../src/config/fault.ts'
import { scalar } from '../../src/config/node.ts'
import { wholeSource } from '../../src/config/place.ts'

const listener = (address: string): Listener => {
  const place = wholeSource('x.yaml')
  return { address, path: address, place, body: scalar(null, place) }
}

const collide = (...addresses: readonly string[]): boolean => {
  const faults: Fault[] = []
  checkListeners([], addresses.map(listener), (fault) => faults.push(fault))
  return faults.length > 0
}

const SAME: readonly (readonly [string, string])[] = [
  ['tcp://localhost:4317', 'tcp://127.0.0.1:4317'],
  ['tcp://0.0.0.0:4317', 'tcp://localhost:4317'],
  ['tcp://0.0.0.0:4317', 'tcp://:4317'],
  ['tcp://[::]:4317', 'tcp://127.0.0.1:4317'],
  ['tcp://[::]:4317', 'tcp://[::1]:4317'],
  ['tcp://[0:0:0:0:0:0:0:1]:4317', 'tcp://[::1]:4317'],
  ['tcp://[2001:DB8::1]:1', 'tcp://[2001:db8:0::1]:1'],
  ['tcp://[::ffff:127.0.0.1]:1', 'tcp://127.0.0.1:1'],
  ['tcp://0.0.0.0:1', 'tcp://host.example:1'],
  ['tcp://Host.Example:1', 'tcp://host.example:1'],
  ['tcp://localhost:04317', 'tcp://localhost:4317'],
  ['udp://:514', 'udp://0.0.0.0:514'],
  ['unix:/run/a.sock', 'unix:///run/a.sock'],
  ['unix:/run/../run/a.sock', 'unix:/run/a.sock'],
  ['unix:@name', 'unix:@name'],
]
const APART: readonly (readonly [string, string])[] = [
  ['tcp://localhost:4317', 'tcp://localhost:4318'],
  ['tcp://localhost:0', 'tcp://localhost:0'],
  ['tcp://0.0.0.0:4317', 'tcp://[::1]:4317'],
  ['tcp://127.0.0.1:4317', 'tcp://[::1]:4317'],
  ['tcp://127.0.0.1:1', 'tcp://127.0.0.2:1'],
  ['tcp://:514', 'udp://:514'],
  ['tcp://[fe80::1%eth0]:1', 'tcp://[fe80::1%eth1]:1'],
  ['unix:/run/a.sock', 'unix:/run/b.sock'],
]

describe('two that listen', () => {
  for (const [left, right] of SAME)
    test(`${left} and ${right} collide`, () => {
      assert.ok(collide(left, right))
      assert.ok(collide(right, left))
    })
  for (const [left, right] of APART)
    test(`${left} and ${right} do not`, () => {
      assert.ok(!collide(left, right))
      assert.ok(!collide(right, left))
    })
})
