import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listenAddress } from '../../src/transport/address.ts'

test('grpc_js listens on TCP, or on a socket where the endpoint is a path', () => {
  assert.deepEqual(listenAddress('localhost:4317', 'grpc_js'), {
    kind: 'tcp',
    host: 'localhost',
    port: 4317,
    family: 0,
  })
  for (const endpoint of ['/run/otlp.sock', 'unix:/run/otlp.sock', 'unix:///run/otlp.sock'])
    assert.deepEqual(listenAddress(endpoint, 'grpc_js'), { kind: 'unix', path: '/run/otlp.sock' })
  assert.throws(() => listenAddress('localhost', 'grpc_js'), /missing port/)
})
