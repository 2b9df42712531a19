import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HostnameSource, NameServices } from '../../../src/processors/resource_detection/system/hostname.ts'
import { findHostname } from '../../../src/processors/resource_detection/system/hostname.ts'
import { parseSearchDomains } from '../../../src/processors/resource_detection/system/name-services.ts'

interface World {
  readonly hostname?: string
  readonly hosts?: string
  readonly search?: string[]
  /** Name to alias. */
  readonly aliases?: Record<string, string>
  /** Name to address. */
  readonly addresses?: Record<string, string>
  /** Address to name. */
  readonly reverse?: Record<string, string>
}

/** The name that a host has in a world of names. */
function named(sources: HostnameSource[], world: World): Promise<string> {
  const answer = (records: Record<string, string> | undefined, name: string): string => {
    const found = records?.[name]
    if (found === undefined) throw new Error(`no record of ${name}`)
    return found
  }
  const services: NameServices = {
    hostname: () => world.hostname ?? 'web-1',
    hosts: async () => world.hosts ?? '',
    searchDomains: async () => world.search ?? [],
    alias: async (name) => answer(world.aliases, name),
    addresses: async (name) => [answer(world.addresses, name)],
    reverse: async (address) => [answer(world.reverse, address)],
  }
  return findHostname(sources, services)
}

describe('the name of the host', () => {
  test('is what the system says, by os', async () => {
    assert.equal(await named(['os'], {}), 'web-1')
    await assert.rejects(named(['os'], { hostname: '(none)' }), /all hostname sources failed.*the host has no name/)
  })

  test('is the full name in the hosts file, by dns', async () => {
    const hosts = '127.0.0.1 localhost\n127.0.1.1 web-1.example.com web-1 # this one\n'
    assert.equal(await named(['dns'], { hosts }), 'web-1.example.com')
  })

  test('is never a name of loopback', async () => {
    assert.equal(await named(['dns', 'os'], { hosts: '127.0.0.1 localhost.localdomain localhost web-1\n' }), 'web-1')
  })

  test('is completed by search domains and followed through aliases, by dns and by cname', async () => {
    const world = {
      search: ['corp.example', 'example.com'],
      aliases: { 'web-1.example.com': 'rack7.example.com.' },
      addresses: { 'rack7.example.com.': '192.0.2.7' },
    }
    assert.equal(await named(['dns'], world), 'rack7.example.com')
    assert.equal(await named(['cname'], world), 'rack7.example.com')
  })

  test('does not follow aliases in a circle', async () => {
    const circle = { aliases: { 'web-1': 'b', b: 'web-1' } }
    await assert.rejects(named(['cname'], circle), /DNS does not know web-1/)
  })

  test('is the name of its address, by dns at last and by lookup', async () => {
    const world = { hosts: '192.0.2.9 web-1', reverse: { '192.0.2.9': 'nine.example.net.' } }
    assert.equal(await named(['dns'], world), 'nine.example.net')
    assert.equal(await named(['lookup'], world), 'nine.example.net')
  })

  test('is that of the first source that knows one', async () => {
    assert.equal(await named(['lookup', 'dns', 'os'], {}), 'web-1')
  })

  test('is not to be had where every source fails, and the error says why each did', async () => {
    await assert.rejects(named(['cname', 'lookup'], {}), (error: Error) => {
      assert.match(error.message, /cname: DNS does not know web-1/)
      assert.match(error.message, /lookup: no record of web-1/)
      return true
    })
  })

  test('is searched in the last list of domains of resolv.conf', () => {
    assert.deepEqual(parseSearchDomains('domain a.b\nnameserver 192.0.2.1\nsearch c.d. e.f .\n'), ['c.d', 'e.f'])
    assert.deepEqual(parseSearchDomains(''), [])
  })
})
