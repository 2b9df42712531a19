import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { drain, opened, put, temporaryFolder, until } from './stage.ts'

const HOLDER = fileURLToPath(new URL('holder.ts', import.meta.url))

/** A process that has the storage of `directory`, behind `command` where there is one. */
function holder(directory: string, count = 0, command: readonly string[] = []) {
  const [program, ...words] = [...command, process.execPath, HOLDER, directory, String(count)]
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  const ended = once(child, 'exit')
  const isReady = () => /^ready \d+\n/.test(text)
  // Behind a command it is that command's child.
  const pid = () => (isReady() ? Number(text.slice(6, text.indexOf('\n'))) : (child.pid as number))
  const kill = () => {
    if (alive(pid())) process.kill(pid(), 'SIGKILL')
  }
  after(kill)
  const lines = () => text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  return {
    pid,
    ready: () => until(isReady, 'the holder is ready'),
    acknowledged: () =>
      lines()
        .filter((line) => line.startsWith('acknowledged '))
        .map((line) => Number(line.slice(13))),
    refused: () => lines().filter((line) => line.startsWith('refused ')),
    kill: async () => {
      kill()
      await ended
    },
  }
}

const indexOf = (text: string): number => Number(text.split(':')[0])

describe('a directory', () => {
  test('has one user at a time, who is named, and is free at once when he was killed', async () => {
    const directory = temporaryFolder()
    const other = holder(directory)
    await other.ready()
    const expected = new RegExp(
      `^${directory} is used by process ${other.pid()} on ${hostname()} \\(file_storage, since 20`,
    )
    await assert.rejects(opened(directory), ({ message }: Error) => expected.test(message))
    await other.kill()
    await (await opened(directory)).stop()
  })

  test('has one user within a process too', async () => {
    const directory = temporaryFolder()
    const first = await opened(directory)
    await assert.rejects(opened(directory), new RegExp(`is used by process ${process.pid} `))
    await first.stop()
    await (await opened(directory)).stop()
  })

  test('is waited for', async (context) => {
    // The clock's timers keep no process alive, and Node 22 ends a test file that nothing else keeps.
    const alive = setInterval(() => {}, 1_000)
    context.after(() => clearInterval(alive))
    const directory = temporaryFolder()
    const first = await opened(directory)
    const second = opened(directory, { config: { timeout: 10_000 } })
    await first.stop()
    await (await second).stop()
  })

  test('that is missing is made, or refused where it must be there', async () => {
    const directory = join(temporaryFolder(), 'deep', 'down')
    await assert.rejects(
      opened(directory, { config: { create_directory: false } }),
      /does not exist: make it, or set create_directory/,
    )
    await (await opened(directory)).stop()
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    await assert.rejects(opened(file), /file is not a directory/)
  })
})

test('what a process had acknowledged when it was killed is there, over and over', async () => {
  const directory = temporaryFolder()
  let owed = 0
  for (let round = 0; round < 5; round++) {
    const other = holder(directory, 100_000)
    await other.ready()
    await until(() => other.acknowledged().length > round * 7, 'something is acknowledged')
    await other.kill()
    owed += other.acknowledged().length
    if (round % 2 === 0) continue
    const mine = await opened(directory)
    const queue = await mine.queue()
    const records = queue.records
    const texts = await drain(queue)
    assert.ok(texts.length >= owed, `${texts.length} of ${owed}`)
    assert.equal(texts.length, records)
    assert.deepEqual(
      mine.lost.filter(({ reason }) => reason !== 'torn'),
      [],
    )
    owed = 0
    await mine.stop()
  }
})

const withoutMount =
  process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0 ? false : 'needs root, to mount'

test('a real disk that is full refuses, loses nothing, and takes data again', { skip: withoutMount }, async () => {
  const directory = join(temporaryFolder(), 'small')
  mkdirSync(directory)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory])
  try {
    const { queue: open, stop, context } = await opened(directory)
    const queue = await open()
    const body = 'x'.repeat(50_000)
    let count = 0
    while (queue.full(body.length) === undefined)
      await put(queue, `${count}:${body}`).then(
        () => count++,
        () => undefined,
      )
    assert.ok(count > 20, `${count} records fitted`)
    assert.match(String(queue.full(1)), /is full: .*ENOSPC/)
    assert.equal(context.reports.length, 1)
    assert.deepEqual(
      (await drain(queue)).map(indexOf),
      Array.from({ length: count }, (_, index) => index),
    )
    await until(() => queue.full(body.length) === undefined, 'there is room again')
    await put(queue, 'after')
    await stop()
    const again = await opened(directory)
    assert.deepEqual(await drain(await again.queue()), ['after'])
    assert.deepEqual(again.lost, [])
    await again.stop()
  } finally {
    execFileSync('umount', [directory])
  }
})

test(
  'a directory on a disk that is mounted for reading only is refused, with the reason',
  { skip: withoutMount },
  async () => {
    const directory = join(temporaryFolder(), 'read-only')
    mkdirSync(directory)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', directory])
    try {
      await assert.rejects(opened(directory), /the storage in .*read-only cannot be used: EROFS: read-only file system/)
    } finally {
      execFileSync('umount', [directory])
    }
  },
)

const withoutStrace = spawnSync('strace', ['-V']).status === 0 ? false : 'needs strace'

for (const [what, injection] of [
  ['fsync that fails with EIO', 'fdatasync:error=EIO:when=5..9'],
  ['write that fails with ENOSPC', 'pwritev,pwritev2,pwrite64:error=ENOSPC:when=20..24'],
  ['kill at a write', 'pwritev,pwritev2,pwrite64:signal=KILL:when=23'],
  ['kill at an fsync', 'fdatasync:signal=KILL:when=17'],
] as const)
  test(`a ${what} costs nothing that was acknowledged`, { skip: withoutStrace }, async () => {
    const directory = temporaryFolder()
    const other = holder(directory, 2_000, [
      'strace',
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      `trace=${injection.split(':')[0]}`,
      '-e',
      `inject=${injection}`,
    ])
    await other.ready()
    const isKilled = injection.includes('KILL')
    if (isKilled) await until(() => !alive(other.pid()) || other.acknowledged().length > 500, 'it was killed')
    else await until(() => other.refused().length > 0 && other.acknowledged().length > 0, 'it failed')
    await other.kill()
    const acknowledged = other.acknowledged()
    const mine = await opened(directory, { config: { timeout: 2_000 } })
    const found = (await drain(await mine.queue())).map(indexOf)
    assert.ok(acknowledged.length > 0 && acknowledged.length < 500)
    assert.deepEqual(
      acknowledged.filter((index) => !found.includes(index)),
      [],
    )
    await mine.stop()
    rmSync(directory, { recursive: true })
  })

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
