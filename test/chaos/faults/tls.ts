import { copyFileSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { Authority, withoutOpenssl } from '../harness/certificates.ts'
import type { Leaf } from '../harness/certificates.ts'
import type { Row } from '../harness/row.ts'
import type { Scene } from '../harness/scene.ts'

/** Certificates that are wrong, and that change: row 9 of the fault table. */
const RATE = 1_000

/** One set of certificates for a scene: what is made of its folder is the same for all who ask. */
function certificates(directory: string) {
  let made = sets.get(directory)
  if (!made) {
    mkdirSync(join(directory, 'tls'), { recursive: true })
    const ours = new Authority(join(directory, 'tls'), 'ours')
    const theirs = new Authority(join(directory, 'tls'), 'theirs')
    made = {
      ours,
      theirs,
      good: ours.leaf('good'),
      next: ours.leaf('next'),
      expired: ours.leaf('expired', { expired: true }),
      elsewhere: ours.leaf('elsewhere', { subject: 'DNS:elsewhere.example.com' }),
      stranger: theirs.leaf('stranger'),
    }
    sets.set(directory, made)
  }
  return made
}

interface Set {
  readonly ours: Authority
  readonly theirs: Authority
  readonly good: Leaf
  readonly next: Leaf
  readonly expired: Leaf
  readonly elsewhere: Leaf
  readonly stranger: Leaf
}
const sets = new Map<string, Set>()

const badCertificates: Row = {
  name: 'tls-bad-certificates',
  about:
    "The backend's certificate has expired, is a stranger's, or another host's: refused in clear words, tried again.",
  queues: ['memory', 'disk'],
  missing: withoutOpenssl,
  scene: {
    proxy: (directory) => certificates(directory).good,
    config: (ports, directory) => ({
      exporters: {
        otlp_http: {
          endpoint: `https://127.0.0.1:${ports.proxy}`,
          tls: { ca_file: certificates(directory).ours.file },
        },
      },
    }),
  },
  async run(scene) {
    const { good, expired, elsewhere, stranger } = certificates(scene.directory)
    await scene.load(RATE)
    await scene.last(700)
    for (const [leaf, words] of [
      [expired, /expired/],
      [elsewhere, /altnames|does not match|not valid for/i],
      [stranger, /self.signed|unable to|unknown/i],
    ] as const) {
      await scene.proxy?.call('certificate', leaf)
      await scene.proxy?.call('resetAll')
      const from = scene.telegen.output.length
      const before = await scene.proxy?.call('deeds')
      await scene.last(500)
      const taken = await scene.sink.call('taken')
      await scene.last(6_000)
      const after = await scene.proxy?.call('deeds')
      scene.strike((after?.accepted ?? 0) - (before?.accepted ?? 0), 'connections with a bad certificate')
      scene.expect((await scene.sink.call('taken')) === taken, 'data went to a backend whose certificate is wrong')
      const said = scene.telegen.output
        .slice(from)
        .split('\n')
        .find((each) => words.test(each))
      scene.note(said ? said.slice(0, 240) : `no word like ${words}`)
    }
    await scene.proxy?.call('certificate', good)
    scene.heal()
    await scene.last(500)
  },
}

const rotation: Row = {
  name: 'tls-rotation',
  about:
    "The receiver's certificate is replaced on disk under load: new connections see the new one, none is refused or cut.",
  queues: ['memory'],
  missing: withoutOpenssl,
  scene: {
    generator: (directory) => ({ ca: certificates(directory).ours.pem, reconnect: true }),
    config: (ports, directory) => {
      const { good } = certificates(directory)
      install(directory, good)
      const tls = { cert_file: live(directory, 'pem'), key_file: live(directory, 'key'), reload_interval: '300ms' }
      return { receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${ports.http}`, tls } } } } }
    },
  },
  async run(scene) {
    const { good, next } = certificates(scene.directory)
    await scene.load(RATE)
    let seen = await shown(scene)
    for (let round = 0; round < (scene.long ? 20 : 5); round++) {
      install(scene.directory, round % 2 === 0 ? next : good)
      for (const end = performance.now() + 3_000; performance.now() < end; await scene.last(50)) {
        const now = await shown(scene)
        if (now === seen) continue
        seen = now
        scene.strike(1, 'rotations seen by new connections')
        break
      }
    }
    scene.expect(scene.struck === (scene.long ? 20 : 5), `only ${scene.struck} rotations were seen`)
    scene.heal()
    await scene.generator.call('stop')
    const { answers } = await scene.generator.call('ledger')
    const others = Object.keys(answers).filter((says) => says !== '200')
    scene.expect(others.length === 0, `senders met ${JSON.stringify(answers)}`)
  },
}

const authorityRotation: Row = {
  name: 'tls-authority-rotation',
  mayDouble: 'connections are cut without regard to answers on their way',
  about:
    'The backend moves to another authority, and the file that names it is replaced on disk: the exporter follows without a restart.',
  queues: ['memory'],
  missing: withoutOpenssl,
  scene: {
    proxy: (directory) => certificates(directory).good,
    config: (ports, directory) => {
      copyFileSync(certificates(directory).ours.file, join(directory, 'tls', 'live-ca.pem'))
      const tls = { ca_file: join(directory, 'tls', 'live-ca.pem'), reload_interval: '300ms' }
      return { exporters: { otlp_http: { endpoint: `https://127.0.0.1:${ports.proxy}`, tls } } }
    },
  },
  async run(scene) {
    const { stranger, theirs } = certificates(scene.directory)
    await scene.load(RATE)
    await scene.last(700)
    const before = await accepted(scene)
    await scene.proxy?.call('certificate', stranger)
    await scene.proxy?.call('resetAll')
    await scene.last(1_500)
    await scene.until(async () => (await accepted(scene)) > before)
    scene.strike((await accepted(scene)) - before, 'connections that met the new certificate')
    replace(theirs.file, join(scene.directory, 'tls', 'live-ca.pem'))
    scene.heal()
    await scene.last(500)
  },
}

const accepted = async (scene: Scene) => (await scene.proxy?.call('deeds'))?.accepted ?? 0

const live = (directory: string, suffix: string) => join(directory, 'tls', `live.${suffix}`)

/** The key first: whoever reads between the two finds a pair that does not fit, and must keep the old one. */
function install(directory: string, leaf: Leaf): void {
  replace(leaf.keyFile, live(directory, 'key'))
  replace(leaf.certFile, live(directory, 'pem'))
}

function replace(from: string, to: string): void {
  copyFileSync(from, `${to}.new`)
  renameSync(`${to}.new`, to)
}

/** Fingerprint of what a new connection is shown. */
function shown(scene: Scene): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: scene.ports.http, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

export const tlsRows: readonly Row[] = [badCertificates, rotation, authorityRotation]
