import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  ARGUMENT_BYTES_MAX,
  EVENT_EXECUTED,
  EVENT_EXITED,
  EVENT_FORKED,
  EXECUTED,
  EXECUTED_BYTES,
  EXITED,
  EXITED_BYTES,
  FORKED,
  FORKED_BYTES,
  PATH_BYTES,
} from '../../../src/receivers/ebpf/tracers/exec/event.ts'

const compiler = ['clang', 'gcc'].find((each) => spawnSync(each, ['--version']).status === 0)
const hasHeaders = spawnSync('test', ['-e', '/usr/include/bpf/bpf_helpers.h']).status === 0
const missing = compiler === undefined ? 'no C compiler' : hasHeaders ? false : 'libbpf-dev is not installed'

/** What the compiler says of each expression. */
function values(expressions: readonly string[]): Record<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-layout-'))
  try {
    const lines = expressions.map((each) => `printf("%lu\\n", (unsigned long)(${each}));`)
    const source = `#include <stdio.h>\n#include <stddef.h>\n#include "exec/event.h"\nint main(void) { ${lines.join('\n')} return 0; }\n`
    writeFileSync(join(folder, 'layout.c'), source)
    const include = join(import.meta.dirname, '../../../bpf')
    const flags = ['-w', `-I${include}`, `-I${include}/include`, '-o', join(folder, 'layout')]
    execFileSync(compiler as string, [...flags, join(folder, 'layout.c')], { stdio: ['ignore', 'ignore', 'inherit'] })
    const printed = execFileSync(join(folder, 'layout')).toString().trim().split('\n').map(Number)
    return Object.fromEntries(expressions.map((each, at) => [each, printed[at] as number]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('Events of processes lie as their C structures do', { skip: missing }, () => {
  test('each field, each size, each type', () => {
    const expected: Record<string, number> = {
      EVENT_PROCESS_EXECUTED: EVENT_EXECUTED,
      EVENT_PROCESS_EXITED: EVENT_EXITED,
      EVENT_PROCESS_FORKED: EVENT_FORKED,
      PATH_BYTES,
      ARGUMENT_BYTES_MAX,
      'sizeof(struct process_executed)': EXECUTED_BYTES,
      'sizeof(struct process_exited)': EXITED_BYTES,
      'sizeof(struct process_forked)': FORKED_BYTES,
    }
    for (const [name, fields] of [
      ['process_executed', EXECUTED],
      ['process_exited', EXITED],
      ['process_forked', FORKED],
    ] as const)
      for (const [field, at] of Object.entries(fields)) expected[`offsetof(struct ${name}, ${field})`] = at
    assert.deepEqual(values(Object.keys(expected)), expected)
  })
})
