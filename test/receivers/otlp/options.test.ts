import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import definition from '../../../src/receivers/otlp/index.ts'
import { configured, faultsOf } from '../../transport/configured.ts'

const faults = (yaml: string) => faultsOf(definition, yaml)

describe('Options of the OTLP receiver', () => {
  test('no protocol is a fault in the words of the Collector', () => {
    assert.deepEqual(faults('{}'), [': must specify at least one protocol when using the OTLP receiver'])
    assert.deepEqual(faults('{ protocols: }'), [': must specify at least one protocol when using the OTLP receiver'])
  })

  test('a protocol without anything has the defaults', () => {
    const { protocols } = configured(definition, '{ protocols: { grpc: , http: } }')
    assert.equal(protocols.grpc?.endpoint, 'localhost:4317')
    assert.equal(protocols.http?.endpoint, 'localhost:4318')
    assert.equal(protocols.http?.max_request_body_size, 64 * 2 ** 20)
    assert.equal(protocols.grpc?.tls, undefined)
  })

  test('every key that the Collector has is taken', () => {
    const yaml = `
protocols:
  grpc:
    endpoint: 0.0.0.0:4317
    transport: tcp
    max_recv_msg_size_mib: 4
    max_concurrent_streams: 16
    read_buffer_size: 524288
    write_buffer_size: 0
    include_metadata: true
    keepalive:
      server_parameters: { max_connection_idle: 11s, max_connection_age: 12s, max_connection_age_grace: 13s, time: 30s, timeout: 5s }
      enforcement_policy: { min_time: 10s, permit_without_stream: true }
  http:
    endpoint: 0.0.0.0:4318
    cors: { allowed_origins: [https://foo.bar.com], allowed_headers: ['*'], exposed_headers: [x], max_age: 7200 }
    max_request_body_size: 1000
    include_metadata: false
    response_headers: { a: b }
    compression_algorithms: ['', gzip, zstd, zlib, snappy, deflate, lz4, x-snappy-framed]
    read_timeout: 0s
    read_header_timeout: 1m
    write_timeout: 30s
    idle_timeout: 1m
    keep_alives_enabled: true
    traces_url_path: /t
    metrics_url_path: /m
    logs_url_path: /l
acknowledge: durable
`
    assert.deepEqual(faults(yaml), [])
  })

  test('addresses, certificates, ciphers and codings that cannot be are named', () => {
    assert.deepEqual(faults('{ protocols: { grpc: { endpoint: localhost } } }'), [
      'protocols::grpc::endpoint: address localhost: missing port in address',
    ])
    assert.deepEqual(faults("{ protocols: { http: { endpoint: 'localhost:99999' } } }"), [
      'protocols::http::endpoint: address localhost:99999: invalid port "99999"',
    ])
    assert.deepEqual(
      faults(
        '{ protocols: { http: { tls: { min_version: "1.3", max_version: "1.2", cipher_suites: [FOO], key_file: k } } } }',
      ),
      [
        'protocols::http::tls: for auth via TLS, provide both certificate and key, or neither',
        'protocols::http::tls::max_version: min_version cannot be greater than max_version',
        'protocols::http::tls::cipher_suites: invalid TLS cipher suite: "FOO"',
        'protocols::http::tls: TLS configuration must include both certificate and key for server connections',
      ],
    )
    assert.deepEqual(faults('{ protocols: { http: { compression_algorithms: [rar] } } }'), [
      'protocols::http::compression_algorithms: unsupported compression type "rar"',
    ])
  })

  test('says where it will listen', () => {
    const listens = (yaml: string) => definition.listens?.(configured(definition, yaml))
    assert.deepEqual(listens('{ protocols: { grpc: , http: { endpoint: "[::1]:1" } } }'), [
      'tcp://localhost:4317',
      'tcp://[::1]:1',
    ])
    assert.deepEqual(listens('{ protocols: { grpc: { transport: unix, endpoint: /run/x } } }'), ['unix:/run/x'])
  })
})
