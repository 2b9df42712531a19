import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Issuer, SigningKey } from '../extensions/oidc/issuer.ts'
import { Telegen } from './telegen.ts'
import { freePorts } from '../free-ports.ts'

/** What is loaded only when somebody asks for it is there in the built program, too: bundling treats packages in other ways than Node. */

test('oidc asks an issuer for its keys and takes its tokens, and no others', async (t) => {
  const [otlp] = (await freePorts(1)) as [number]
  const key = new SigningKey('one')
  await using issuer = await Issuer.start([key])
  const telegen = await Telegen.start(`
receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${otlp}', auth: { authenticator: oidc } } } } }
exporters: { nop: }
extensions: { oidc: { issuer_url: '${issuer.url}', audience: telegen } }
service:
  extensions: [oidc]
  pipelines: { logs: { receivers: [otlp], exporters: [nop] } }
`)
  t.after(() => telegen.stop())
  const statusWith = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`http://127.0.0.1:${otlp}/v1/logs`, { method: 'POST', headers, body: '{}' })
    return answer.status
  }
  const claims = { iss: issuer.url, aud: 'telegen', sub: 'host-1' }
  const token = await key.token(claims, Date.now())
  for (let tries = 0; tries < 100 && (await statusWith(token)) === 503; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(await statusWith(token), 200)
  assert.equal(await statusWith(await new SigningKey('one').token(claims, Date.now())), 401)
})

test('health_check shows the configuration, without its secrets', async (t) => {
  const [health, otlp] = (await freePorts(2)) as [number, number]
  const telegen = await Telegen.start(`
receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${otlp}' } } } }
exporters: { otlp_http: { endpoint: 'http://127.0.0.1:1', headers: { authorization: hunter2 } } }
extensions: { health_check: { http: { endpoint: '127.0.0.1:${health}', config: { enabled: true } } } }
service:
  extensions: [health_check]
  pipelines: { logs: { receivers: [otlp], exporters: [otlp_http] } }
`)
  t.after(() => telegen.stop())
  const answer = await fetch(`http://127.0.0.1:${health}/config`)
  const text = await answer.text()
  assert.equal(answer.status, 200, text)
  assert.doesNotMatch(text, /hunter2/)
  const { exporters } = JSON.parse(text) as { exporters: { otlp_http: { headers: object } } }
  assert.deepEqual(exporters.otlp_http.headers, { authorization: '[REDACTED]' })
})
