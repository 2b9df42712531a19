import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as grpc from '@grpc/grpc-js'
import fc from 'fast-check'
import type { JsonObject } from '../../src/data/codec/json.ts'
import { stable } from '../compare/json.ts'
import { profileRequests } from '../data/generate-profiles.ts'
import { profilesOf, resolved } from '../data/kernels/profiles/resolved.ts'
import { decodeAll, encodeAll, missing } from '../data/oracle/google.ts'
import { GRPC_METHOD, HTTP_PATH, ProfilesBackend } from './profiles-backend.ts'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

const REQUESTS = 60
const ZONE = { key: 'cloud.zone', value: { stringValue: 'zone-1' }, at: 'not set' }

const relay = (grpcPort: number, httpPort: number, backend: ProfilesBackend) => `
receivers:
  otlp: { protocols: { grpc: { endpoint: "127.0.0.1:${grpcPort}" }, http: { endpoint: "127.0.0.1:${httpPort}" } } }
processors:
  resource: { attributes: [{ key: cloud.zone, value: zone-1, action: upsert }] }
  batch: { timeout: 10s, profiles: { send_batch_size: 50 } }
exporters:
  otlp_grpc: { endpoint: "127.0.0.1:${backend.grpcPort}", tls: { insecure: true } }
  otlp_http: { endpoint: "http://127.0.0.1:${backend.httpPort}" }
service:
  pipelines:
    profiles: { receivers: [otlp], processors: [resource, batch], exporters: [otlp_grpc, otlp_http] }
`

interface Sender {
  /** How the answer names success, and a request that is refused for good. */
  readonly taken: number
  readonly refused: number
  /** Sends all, and says what each answer was. */
  send(requests: readonly JsonObject[]): Promise<{ status: number; text: string }[]>
}

const senders = (grpcPort: number, httpPort: number): Record<string, Sender> => {
  const url = `http://127.0.0.1:${httpPort}${HTTP_PATH}`
  const post = async (contentType: string, body: string | Buffer<ArrayBuffer>) => {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': contentType }, body })
    return { status: answer.status, text: await answer.text() }
  }
  return {
    gRPC: {
      taken: grpc.status.OK,
      refused: grpc.status.INVALID_ARGUMENT,
      send: (requests) => call(`127.0.0.1:${grpcPort}`, encodeAll('profiles', requests)),
    },
    'HTTP with protobuf': {
      taken: 200,
      refused: 400,
      send: (requests) =>
        Promise.all(encodeAll('profiles', requests).map((bytes) => post('application/x-protobuf', Buffer.from(bytes)))),
    },
    'HTTP with JSON': {
      taken: 200,
      refused: 400,
      send: (requests) => Promise.all(requests.map((each) => post('application/json', JSON.stringify(each)))),
    },
  }
}

const same = (bytes: Buffer) => bytes

async function call(target: string, requests: readonly Buffer[]): Promise<{ status: number; text: string }[]> {
  const client = new grpc.Client(target, grpc.credentials.createInsecure())
  const answers = requests.map(
    (request) =>
      new Promise<{ status: number; text: string }>((resolve) => {
        client.makeUnaryRequest(GRPC_METHOD, same, same, request, (error) =>
          resolve({ status: error?.code ?? grpc.status.OK, text: error?.details ?? '' }),
        )
      }),
  )
  try {
    return await Promise.all(answers)
  } finally {
    client.close()
  }
}

test(
  'profiles over every transport arrive at two backends, each once, with merged dictionaries that mean the same',
  { skip: missing },
  async () => {
    const backend = await ProfilesBackend.open()
    const [grpcPort, httpPort] = (await freePorts(2)) as [number, number]
    const telegen = await Telegen.start(relay(grpcPort, httpPort, backend))
    const wanted: string[] = []
    try {
      for (const [name, sender] of Object.entries(senders(grpcPort, httpPort))) {
        const requests = fc.sample(profileRequests().filter(hasSamples), REQUESTS)
        for (const { status, text } of await sender.send(requests))
          assert.equal(status, sender.taken, `${name} ${text}`)
        wanted.push(...requests.flatMap((request) => profilesIn(request, [ZONE])))
        const [{ status, text }] = (await sender.send([pointingNowhere()])) as [{ status: number; text: string }]
        assert.equal(status, sender.refused, name)
        assert.match(text, /index 9 into stack_table, which has 2 entries/, name)
      }
      assert.equal(await telegen.stop(), 0, telegen.output)
      assert.ok(wanted.length > REQUESTS)
      assert.deepEqual(backend.astray, [])
      for (const arrived of [backend.overGrpc, backend.overHttp]) {
        assert.ok(arrived.length > 1 && arrived.length < 3 * REQUESTS, `${arrived.length} requests`)
        const profiles = decodeAll('profiles', arrived).flatMap((request) => profilesIn(request as JsonObject))
        assert.deepEqual(difference(profiles, wanted), [], 'arrived and never sent, or twice')
        assert.deepEqual(difference(wanted, profiles), [], 'sent and never arrived')
      }
    } finally {
      await telegen.stop()
      await backend.close()
    }
  },
)

/** A sample whose stack is not there, among others that are well. */
function pointingNowhere(): JsonObject {
  const samples = [1, 9, 0].map((stackIndex) => ({ stackIndex, values: ['1'] }))
  return {
    resourceProfiles: [{ scopeProfiles: [{ profiles: [{ samples }] }] }],
    dictionary: { stackTable: [{}, {}] },
  }
}

/** A request without any is answered and goes no further, as in the Collector. */
const hasSamples = (request: JsonObject): boolean =>
  profilesOf(resolved(request)).some(({ profile }) => ((profile as JsonObject)['samples'] as JsonObject[]).length > 0)

/** Each profile, with its resource and scope, told without any index, as one line; with more attributes of the resource. */
function profilesIn(request: JsonObject, more: readonly JsonObject[] = []): string[] {
  const resources = resolved(request).map(({ resource, ...rest }) => {
    const { attributes, ...known } = resource as { attributes: JsonObject[] }
    return { ...rest, resource: { ...known, attributes: [...attributes, ...more] } }
  })
  return profilesOf(resources).map((profile) => stable(profile))
}

/** What `left` has more often than `right`. */
function difference(left: readonly string[], right: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const each of right) counts.set(each, (counts.get(each) ?? 0) + 1)
  return left.filter((each) => {
    const count = counts.get(each) ?? 0
    counts.set(each, count - 1)
    return count <= 0
  })
}
