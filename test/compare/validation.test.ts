/**
 * The Collector's own ways to be wrong: what it refuses Telegen refuses, in a sentence that holds the core of the Collector's, and says in which line
 * and column. Skipped where the Collector is not built.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { faultFiles, faultsIn } from './fault-file.ts'
import type { Fault } from './fault-file.ts'
import { findCollector, Program } from './program.ts'
import type { Name } from './program.ts'

const AT_ONCE = 2
const found = findCollector()
describe('refused as by the Collector', { concurrency: AT_ONCE, skip: 'missing' in found && found.missing }, () => {
  const { path } = found as { path: string }
  for (const file of faultFiles())
    describe(file.replace('.yaml', '').replaceAll('-', ' '), { concurrency: 1 }, () => {
      for (const fault of faultsIn(file))
        test(fault.name, async () => {
          const collector = await refusal('collector', path, fault)
          assert.ok(said(collector, fault.says), `the Collector does not say "${fault.says}":\n${collector}`)
          if (fault.telegen?.accepts) return accepted(await outcome('telegen', path, fault))
          const telegen = await refusal('telegen', path, fault)
          const says = fault.telegen?.says ?? fault.says
          assert.ok(said(telegen, says), `Telegen does not say "${says}", but:\n${telegen}`)
          if (fault.telegen)
            assert.ok(!said(telegen, fault.says), 'Telegen says what the Collector says: no difference')
          if (fault.at !== 'nowhere') assert.deepEqual(places(telegen), [fault.at].flat(), telegen)
        })
    })
})

/** What a program writes when it is asked to validate. Fails where it finds nothing wrong, or falls over. */
async function refusal(name: Name, collector: string, fault: Fault): Promise<string> {
  const { code, output } = await outcome(name, collector, fault)
  assert.ok(code === 1 || code === 2, `${name} ends with ${code}:\n${output}`)
  assert.doesNotMatch(output, /panic:|\n\s+at |undefined|\[object Object\]/, `${name} falls over`)
  return output
}

function accepted({ code, output }: Outcome): void {
  assert.equal(code, 0, output)
}

interface Outcome {
  readonly code: number | null
  readonly output: string
}

async function outcome(name: Name, collector: string, fault: Fault): Promise<Outcome> {
  const directory = await mkdtemp(join(tmpdir(), 'compare-'))
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  try {
    for (const [path, text] of Object.entries({ 'config.yaml': fault.config ?? '', ...fault.files }))
      await writeFile(join(directory, path), text)
    const isStarted = fault.starts || (name === 'collector' && fault.collector_starts)
    const command = isStarted ? [] : ['validate']
    const words = [...command, ...(fault.arguments ?? ['--config', 'config.yaml'])]
    const environment = { ...fault.environment, TAKEN: String((taken.address() as AddressInfo).port) }
    const program = new Program(name, collector, words, environment, directory)
    return { code: await program.exit(), output: program.stdout + program.stderr }
  } finally {
    taken.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** The places of errors, in Telegen's form `file:line:column: error: …`. */
const places = (output: string): string[] =>
  [...output.matchAll(/^(\S+?(?::\d+:\d+)?): error:/gm)].map(([, place]) =>
    (place as string).replace(/^config\.yaml:/, ''),
  )

/** Where lines are broken does not matter, nor that a log's line has its quotes escaped. */
const said = (output: string, sentence: string): boolean => flat(output).includes(flat(sentence))
const flat = (text: string): string => text.replaceAll('\\"', '"').replaceAll(/\s+/g, ' ')
