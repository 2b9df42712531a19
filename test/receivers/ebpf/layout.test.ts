import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as event from '../../../src/receivers/ebpf/event.ts'
import * as socket from '../../../src/receivers/ebpf/socket/event.ts'
import * as dns from '../../../src/receivers/ebpf/tracers/dns/event.ts'
import * as exec from '../../../src/receivers/ebpf/tracers/exec/event.ts'
import * as tcp from '../../../src/receivers/ebpf/tracers/tcp/event.ts'

type Fields = Readonly<Record<string, number>>

interface Layout {
  /** Below `bpf/`. */
  readonly header: string
  /** Fields and size of each struct. */
  readonly structs: Readonly<Record<string, readonly [fields: Fields, bytes: number]>>
  /** By their names in C. */
  readonly constants: Fields
}

const LAYOUTS: readonly Layout[] = [
  {
    header: 'include/event.h',
    structs: { event_header: [{ type: 0, version: 2, length: 4, time: 8, pid: 16, tid: 20 }, event.HEADER_BYTES] },
    constants: {
      EVENT_SOCKET: event.EVENT_SOCKET,
      EVENT_TCP: event.EVENT_TCP,
      EVENT_DNS: event.EVENT_DNS,
      EVENT_PROCESS: event.EVENT_PROCESS,
    },
  },
  {
    header: 'socket/event.h',
    structs: {
      socket_data: [socket.SOCKET_DATA, socket.SOCKET_DATA_BYTES],
      socket_closed: [socket.SOCKET_CLOSED, socket.SOCKET_CLOSED_BYTES],
    },
    constants: {
      EVENT_SOCKET_DATA: socket.EVENT_SOCKET_DATA,
      EVENT_SOCKET_CLOSED: socket.EVENT_SOCKET_CLOSED,
      PROTOCOL_NONE: socket.PROTOCOL_NONE,
      PROTOCOL_HTTP1: socket.PROTOCOL_HTTP1,
      DIRECTION_IN: socket.DIRECTION_IN,
      DIRECTION_OUT: socket.DIRECTION_OUT,
      DATA_STARTS_MESSAGE: socket.DATA_STARTS_MESSAGE,
      DATA_UNREAD: socket.DATA_UNREAD,
      PAYLOAD_BYTES_MAX: socket.PAYLOAD_BYTES_MAX,
      TAIL_BYTES: socket.TAIL_BYTES,
    },
  },
  {
    header: 'tcp/event.h',
    structs: { tcp_event: [tcp.TCP_EVENT, tcp.TCP_EVENT_BYTES] },
    constants: {
      EVENT_TCP_OPENED: tcp.EVENT_TCP_OPENED,
      EVENT_TCP_OWNED: tcp.EVENT_TCP_OWNED,
      EVENT_TCP_RETRANSMITTED: tcp.EVENT_TCP_RETRANSMITTED,
      EVENT_TCP_CLOSED: tcp.EVENT_TCP_CLOSED,
      EVENT_TCP_LISTENING: tcp.EVENT_TCP_LISTENING,
      EVENT_TCP_DEAF: tcp.EVENT_TCP_DEAF,
      ROLE_UNKNOWN: tcp.ROLE_UNKNOWN,
      ROLE_OPENED: tcp.ROLE_OPENED,
      ROLE_ACCEPTED: tcp.ROLE_ACCEPTED,
      TCP_OWNER_GUESSED: tcp.TCP_OWNER_GUESSED,
    },
  },
  {
    header: 'dns/event.h',
    structs: { dns_message: [dns.DNS_MESSAGE, dns.DNS_MESSAGE_BYTES] },
    constants: {
      EVENT_DNS_MESSAGE: dns.EVENT_DNS_MESSAGE,
      DIRECTION_IN: dns.DIRECTION_IN,
      DIRECTION_OUT: dns.DIRECTION_OUT,
      DNS_PAYLOAD_BYTES: dns.PAYLOAD_BYTES,
      DNS_PAYLOAD_BYTES_MAX: dns.PAYLOAD_BYTES_MAX,
    },
  },
  {
    header: 'exec/event.h',
    structs: {
      process_executed: [exec.EXECUTED, exec.EXECUTED_BYTES],
      process_exited: [exec.EXITED, exec.EXITED_BYTES],
      process_forked: [exec.FORKED, exec.FORKED_BYTES],
    },
    constants: {
      EVENT_PROCESS_EXECUTED: exec.EVENT_EXECUTED,
      EVENT_PROCESS_EXITED: exec.EVENT_EXITED,
      EVENT_PROCESS_FORKED: exec.EVENT_FORKED,
      PATH_BYTES: exec.PATH_BYTES,
      ARGUMENT_BYTES_MAX: exec.ARGUMENT_BYTES_MAX,
    },
  },
]

const compiler = ['clang', 'cc'].find((name) => spawnSync(name, ['--version']).status === 0)
const hasHeaders =
  compiler !== undefined &&
  spawnSync(compiler, ['-E', '-include', 'bpf/bpf_helpers.h', '-xc', '-include', 'linux/types.h', '/dev/null'])
    .status === 0
const skip = hasHeaders ? false : 'needs a C compiler and the headers of libbpf'

describe('Events are laid out in the kernel as they are read here', { skip }, () => {
  for (const { header, structs, constants } of LAYOUTS)
    test(`bpf/${header}`, () => {
      const read = Object.fromEntries([
        ...Object.entries(structs).flatMap(([name, [fields, bytes]]) => [
          ...Object.entries(fields).map(([field, at]) => [`offsetof(struct ${name}, ${field})`, at] as const),
          [`sizeof(struct ${name})`, bytes] as const,
        ]),
        ...Object.entries(constants),
      ])
      assert.deepEqual(inC(header, Object.keys(read)), read)
    })
})

/** What these expressions are to the C compiler, with the header before them. */
function inC(header: string, expressions: readonly string[]): Fields {
  const folder = mkdtempSync(join(tmpdir(), 'telegen-layout-'))
  try {
    const prints = expressions.map(
      (expression) => `printf("\\"${expression}\\": %lu,\\n", (unsigned long)(${expression}));`,
    )
    writeFileSync(
      join(folder, 'layout.c'),
      `#include <stddef.h>\n#include <stdio.h>\n#include "${header}"\nint main(void) { ${prints.join('\n')} }\n`,
    )
    run(compiler as string, [
      '-w',
      '-I',
      'bpf',
      '-I',
      'bpf/include',
      '-o',
      join(folder, 'layout'),
      join(folder, 'layout.c'),
    ])
    return JSON.parse(`{${run(join(folder, 'layout'), []).replace(/,\s*$/, '')}}`) as Fields
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command}: ${stderr}`)
  return stdout
}
