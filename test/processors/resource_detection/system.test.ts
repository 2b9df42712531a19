import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { TestClock } from '../../../src/testing/test-clock.ts'
import type { Switches } from '../../../src/processors/resource_detection/detectors/system.ts'
import { systemDetector } from '../../../src/processors/resource_detection/detectors/system.ts'
import { SYSTEM_ATTRIBUTES } from '../../../src/processors/resource_detection/system/attributes.ts'
import { describeCpu, parseCacheSize } from '../../../src/processors/resource_detection/system/cpu-description.ts'
import type { NameServices } from '../../../src/processors/resource_detection/system/hostname.ts'
import { parseOsRelease } from '../../../src/processors/resource_detection/system/os-release.ts'

const silent: NameServices = {
  hostname: () => 'web-1',
  hosts: async () => '',
  searchDomains: async () => ['example.com'],
  alias: () => Promise.reject(new Error('no alias')),
  addresses: () => Promise.reject(new Error('no address')),
  reverse: () => Promise.reject(new Error('no name')),
}

async function detect(resource_attributes: Switches = {}) {
  const detector = systemDetector(
    { hostname_sources: ['os'], resource_attributes },
    new TestClock(),
    1000,
    () => silent,
  )
  const detected = await detector.detect(new AbortController().signal)
  return { ...detected, attributes: Object.fromEntries(detected.attributes) }
}

const told = (command: string, ...options: string[]): string | undefined => {
  try {
    return execFileSync(command, options, { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

describe('the detector system', () => {
  test('finds name, id, architecture and operating system where nobody says more', async () => {
    const { attributes, missing } = await detect()
    const wanted = ['host.arch', 'host.id', 'host.name', 'os.description', 'os.type']
    const known = [...Object.keys(attributes), ...missing.map((name) => name.split(' ')[0])]
    assert.deepEqual(new Set(known), new Set(wanted))
    assert.equal(attributes['host.name'], 'web-1')
  })

  test('finds what is switched on, by its older name too, and nothing that is switched off', async () => {
    const off = Object.fromEntries(Object.keys(SYSTEM_ATTRIBUTES).map((name) => [name, { enabled: false }]))
    const { attributes } = await detect({ ...off, 'os.build.id': { enabled: true } })
    assert.deepEqual(Object.keys(attributes), ['os.build_id'])
  })

  test('agrees with uname about architecture and system', async (context) => {
    const machine = told('uname', '-m')
    if (machine === undefined) return context.skip('there is no uname here')
    const { attributes } = await detect()
    const architectures: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm32', i686: 'x86' }
    assert.equal(attributes['host.arch'], architectures[machine] ?? machine)
    assert.equal(attributes['os.type'], told('uname', '-s')?.toLowerCase())

    assert.ok((attributes['os.description'] as string).includes(told('uname', '-r') as string))
  })

  test('tells the machine id as the file has it', async (context) => {
    const id = told('cat', '/etc/machine-id')
    if (id === undefined || id.length !== 32) return context.skip('this machine has no id')
    assert.equal((await detect()).attributes['host.id'], id)
  })

  test('lists addresses without loopback, and hardware addresses as the conventions write them', async () => {
    const { attributes } = await detect({ 'host.ip': { enabled: true }, 'host.mac': { enabled: true } })
    for (const address of (attributes['host.ip'] ?? []) as string[]) assert.doesNotMatch(address, /^127\.|^::1$/)
    for (const mac of (attributes['host.mac'] ?? []) as string[]) assert.match(mac, /^([0-9A-F]{2}-){5}[0-9A-F]{2}$/)
  })

  test('describes the CPU as lscpu does', async (context) => {
    const judge = told('lscpu')
    const model = /^Model name:\s+(.+)$/m.exec(judge ?? '')?.[1]
    const hasModel = /^model name/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
    if (!model || !hasModel) return context.skip('nobody tells the model of the CPU here')
    const { attributes } = await detect({ 'host.cpu.model.name': { enabled: true } })
    assert.equal(attributes['host.cpu.model.name'], model)
  })

  test('gives up DNS after its share of the time, and goes on to the next source', async () => {
    const clock = new TestClock()
    const detector = systemDetector(
      { hostname_sources: ['dns', 'os'], resource_attributes: {} },
      clock,
      1000,
      (abort) => {
        const hang = () =>
          new Promise<never>((_, reject) => {
            if (abort.aborted) reject(abort.reason as Error)
            abort.addEventListener('abort', () => reject(abort.reason as Error))
          })
        return { ...silent, alias: hang, addresses: hang, reverse: hang }
      },
    )
    const detected = detector.detect(new AbortController().signal)
    await clock.advance(1000)
    assert.equal((await detected).attributes.get('host.name'), 'web-1')
  })

  test('finds the rest where no source knows the name, and says that it failed', async () => {
    const sources = { hostname_sources: ['dns'] as const, resource_attributes: {} }
    const { attributes, failure } = await systemDetector(sources, new TestClock(), 1000, () => silent).detect(
      new AbortController().signal,
    )
    assert.match(failure?.message ?? '', /all hostname sources failed to get hostname/)
    assert.equal(attributes.has('host.name'), false)
    assert.equal(attributes.has('os.type'), true)
  })
})

describe('files about the system', () => {
  test('os-release is read with its quotes and backslashes', () => {
    const text = `# a comment\nNAME="Debian GNU/Linux"\nVERSION_ID='12'\nID=debian\nPRETTY_NAME="a \\"b\\" \\$c"\nbroken\n`
    assert.deepEqual(Object.fromEntries(parseOsRelease(text)), {
      NAME: 'Debian GNU/Linux',
      VERSION_ID: '12',
      ID: 'debian',
      PRETTY_NAME: 'a "b" $c',
    })
  })

  test('cpuinfo is read for its first processor', () => {
    const text =
      'processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: EPYC: x\n\nmodel\t: 9\n'
    assert.deepEqual(Object.fromEntries(describeCpu(text)), {
      'host.cpu.vendor.id': 'AuthenticAMD',
      'host.cpu.family': '25',
      'host.cpu.model.id': '1',
      'host.cpu.model.name': 'EPYC: x',
    })
    assert.equal(describeCpu('processor : 0\nBogoMIPS : 48.00\n').size, 0)
  })

  test('cache sizes are read in bytes', () => {
    assert.equal(parseCacheSize('2048K\n'), 2 * 1024 * 1024)
    assert.equal(parseCacheSize('1M'), 1024 * 1024)
    assert.equal(parseCacheSize('large'), undefined)
  })
})
